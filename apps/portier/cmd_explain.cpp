/// `portier explain`: the decision about one packet, in words.
#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "commands.hpp"
#include "control/address_text.hpp"
#include "control/explain.hpp"
#include "control/service_names.hpp"
#include "offline.hpp"
#include "service_report.hpp"
#include "table/core_map.hpp"

namespace portier::app {

namespace {

struct Endpoint {
  packet::Address address;
  std::uint16_t port = 0;
};

std::optional<packet::Transport> parse_transport(std::string_view text) {
  for (const auto& known : packet::transports) {
    if (known.name == text) return known.transport;
  }
  return std::nullopt;
}

/// "192.0.2.1:53" or "[2001:db8::1]:domain".
std::optional<Endpoint> parse_endpoint(std::string_view text, packet::Transport transport) {
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto host = text.substr(0, colon);
  const auto port = text.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto address = control::parse_address(host);
  if (!address) return std::nullopt;
  Endpoint endpoint{.address = *address, .port = 0};
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (error == std::errc() && end == port.data() + port.size() && !port.empty()) return endpoint;
  const auto named = control::port_of(port, transport);
  if (!named) return std::nullopt;
  endpoint.port = *named;
  return endpoint;
}

int usage(const std::string& sentence) {
  fmt::print(stderr, "portier explain: {}\n", sentence);
  return exit_bad_input;
}

std::string place_text(const Offline& offline, const control::Place& place) {
  return fmt::format("{}:{}", offline.settings.file, place.line);
}

void print_text(const control::Explanation& explanation, const Offline& offline) {
  const auto& found = explanation.candidates;
  if (found.empty()) return fmt::print("closed    no binding covers this packet\nverdict   {}\n", explanation.closed);
  const auto& winner = found.front();
  fmt::print("binding   {}  ({})\nservice   {}\n", winner.binding->text, place_text(offline, winner.binding->place),
             winner.service->name);
  for (std::size_t i = 1; i < found.size(); ++i) {
    fmt::print("beats     {} of {}  ({}): {}\n", found[i].binding->text, found[i].service->name,
               place_text(offline, found[i].binding->place), found[i].why);
  }
  fmt::print("worker    {} of {}, CPU {}  (bucket {} of {}; {})\n", explanation.worker, offline.workers.size(),
             offline.workers[explanation.worker], explanation.bucket, table::bucket_count,
             "a running router draws its hash key at start, so its workers may differ");
  fmt::print("delivery  {}\n", chain_text(*winner.service));
}

void print_json(const control::Explanation& explanation, const Offline& offline) {
  nlohmann::ordered_json out;
  const auto& found = explanation.candidates;
  if (found.empty()) {
    out = {{"binding", nullptr}, {"service", nullptr}, {"verdict", explanation.closed}};
  } else {
    const auto describe = [&](const control::Candidate& candidate) {
      nlohmann::ordered_json one = {{"binding", candidate.binding->text},
                                    {"service", candidate.service->name},
                                    {"line", candidate.binding->place.line}};
      if (!candidate.why.empty()) one["why"] = candidate.why;
      return one;
    };
    out = describe(found.front());
    out["beats"] = nlohmann::ordered_json::array();
    for (std::size_t i = 1; i < found.size(); ++i) out["beats"].push_back(describe(found[i]));
    out["worker"] = explanation.worker;
    out["worker_cpu"] = offline.workers[explanation.worker];
    out["bucket"] = explanation.bucket;
    out["delivery"] = chain_text(*found.front().service);
  }
  fmt::print("{}\n", out.dump(2));
}

}  // namespace

int cmd_explain(const ExplainOptions& options) {
  const auto transport = parse_transport(options.transport);
  if (!transport) return usage("'" + options.transport + "' is no transport: write tcp, udp, udplite, sctp or dccp");
  const auto source = parse_endpoint(options.source, *transport);
  const auto destination = parse_endpoint(options.destination, *transport);
  constexpr auto form = " is no address and port: write 192.0.2.1:53 or [2001:db8::1]:53";
  if (!source) return usage("'" + options.source + "'" + form);
  if (!destination) return usage("'" + options.destination + "'" + form);
  if (source->address.version != destination->address.version) {
    return usage("source and destination are of different IP versions");
  }
  const auto offline = prepare_offline(options.file);
  if (!offline) return exit_bad_input;
  const packet::FlowKey flow{.src = source->address,
                             .dst = destination->address,
                             .src_port = source->port,
                             .dst_port = destination->port,
                             .proto = packet::text_of(*transport).proto};
  const auto explanation = control::explain(offline->settings, flow, offline->workers);
  options.json ? print_json(explanation, *offline) : print_text(explanation, *offline);
  return exit_ok;
}

}  // namespace portier::app
