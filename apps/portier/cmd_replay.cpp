/// `portier replay`: one line per frame of a capture, the ledger on stderr.
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "control/address_text.hpp"
#include "control/capture_reader.hpp"
#include "control/checks.hpp"
#include "control/core_plan.hpp"
#include "control/replay.hpp"
#include "control/report.hpp"
#include "nic/eal.hpp"
#include "offline.hpp"

namespace portier::app {

namespace {

using Json = nlohmann::ordered_json;

Json address_json(const packet::Address& address) {
  return address.version == 0 ? Json(nullptr) : Json(control::to_text(address));
}

Json text_json(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

const char* fragment_text(packet::Fragment fragment) {
  return fragment == packet::Fragment::first ? "first" : fragment == packet::Fragment::later ? "later" : "none";
}

Json quote_json(const packet::Quote& quote) {
  return {{"ip_version", quote.ip_version},
          {"src", address_json(quote.src)},
          {"dst", address_json(quote.dst)},
          {"proto", quote.proto},
          {"src_port", quote.ports_known ? Json(quote.src_port) : Json(nullptr)},
          {"dst_port", quote.ports_known ? Json(quote.dst_port) : Json(nullptr)}};
}

std::string verdict_json(const control::FrameVerdict& v) {
  const auto& facts = v.facts;
  Json vlan = Json::array();
  for (std::size_t i = 0; i < facts.vlan_count; ++i) vlan.push_back(facts.vlan[i]);
  const Json line = {
      {"frame", v.frame},
      {"ip_version", facts.ip_version == 0 ? Json(nullptr) : Json(facts.ip_version)},
      {"src", address_json(v.src)},
      {"dst", address_json(v.dst)},
      {"proto", facts.proto_known ? Json(facts.proto) : Json(nullptr)},
      {"src_port", facts.ports_known ? Json(facts.src_port) : Json(nullptr)},
      {"dst_port", facts.ports_known ? Json(facts.dst_port) : Json(nullptr)},
      {"fragment", fragment_text(facts.fragment)},
      {"vlan", vlan},
      {"inner", v.inner ? quote_json(*v.inner) : Json(nullptr)},
      {"service", text_json(v.service_name)},
      {"binding", text_json(v.binding)},
      {"worker", v.worker ? Json(*v.worker) : Json(nullptr)},
      {"verdict", control::to_text(v.outcome)},
      {"reason", v.reason == packet::Reason::none ? Json(nullptr) : Json(packet::text_of(v.reason).name)}};
  return line.dump();
}

std::string endpoint(const packet::Address& address, const packet::Facts& facts, std::uint16_t port) {
  auto text = control::to_text(address);
  if (!facts.ports_known) return text;
  return (address.version == 6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

std::string verdict_text(const control::FrameVerdict& v) {
  const auto& facts = v.facts;
  std::string what = "not IP";
  if (facts.ip_version != 0) {
    what = endpoint(v.src, facts, facts.src_port) + " > " + endpoint(v.dst, facts, facts.dst_port);
    if (facts.proto_known) {
      const auto index = packet::transport_index[facts.proto];
      what += index == packet::no_transport ? fmt::format(" proto {}", facts.proto)
                                            : " " + std::string(packet::transports[index].name);
    }
    if (facts.fragment != packet::Fragment::none) what += fmt::format(" {} fragment", fragment_text(facts.fragment));
  }
  std::string line = fmt::format("{:>7}  {:<68} {:<9}", v.frame, what, control::to_text(v.outcome));
  if (v.reason != packet::Reason::none) line += fmt::format(" {}", packet::text_of(v.reason).name);
  if (!v.service_name.empty()) line += fmt::format(" {}", v.service_name);
  if (!v.binding.empty()) line += fmt::format(" by {}", v.binding);
  if (v.worker) line += fmt::format(" on worker {}", *v.worker);
  return line;
}

/// Reads the capture to its end. False: the file is damaged or has frames of another link type, and stderr says so.
bool replay_all(const std::string& path, control::Replay& replay) {
  auto reader = control::CaptureReader::open(path);
  control::CapturedPacket captured;
  std::optional<std::uint16_t> foreign_link;
  auto next = reader.next(captured);
  for (; next == control::CaptureReader::Next::packet; next = reader.next(captured)) {
    if (captured.link_type != 1 && !foreign_link) foreign_link = captured.link_type;
    replay.add(captured);
  }
  replay.finish();
  if (foreign_link) {
    fmt::print(stderr, "portier replay: {}: link type {} is not supported: only Ethernet (1) is, convert the capture\n",
               path, *foreign_link);
  }
  if (next == control::CaptureReader::Next::damaged) {
    fmt::print(stderr, "portier replay: {}\n", reader.problem());
    return false;
  }
  return !foreign_link;
}

}  // namespace

int cmd_replay(const ReplayOptions& options) {
  const auto offline = prepare_offline(options.file);
  if (!offline) return exit_bad_input;
  std::unique_ptr<nic::Eal> eal;
  if (control::Replay::needs_eal(offline->settings)) eal = start_offline_eal(offline->settings);
  control::Replay replay(offline->settings, offline->workers, [&](const control::FrameVerdict& verdict) {
    const auto line = (options.json ? verdict_json(verdict) : verdict_text(verdict)) + "\n";
    std::fwrite(line.data(), 1, line.size(), stdout);
  });
  const bool is_whole = replay_all(options.capture, replay);
  const bool is_written = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  if (!is_written) fmt::print(stderr, "portier replay: verdicts could not be written: {}\n", std::strerror(errno));
  const auto ledger = replay.ledger();
  fmt::print(stderr, "{}",
             options.json ? control::ledger_json(ledger, nullptr, 1e9) + "\n" : control::ledger_summary_text(ledger));
  return is_whole && is_written && ledger.adds_up() ? exit_ok : exit_failed;
}

}  // namespace portier::app
