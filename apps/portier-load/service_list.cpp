/// Services by the router's own binding syntax.
#include "service_list.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "control/binding_text.hpp"
#include "control/fault.hpp"
#include "mark.hpp"
#include "shares.hpp"
#include "text_parts.hpp"

namespace portier::load {

namespace {

ParsedServices problem(std::string sentence) { return {{}, std::move(sentence)}; }

/// Both cover a port that answers cannot tell apart.
bool overlap(const LoadService& a, const LoadService& b) {
  const auto last = [](const LoadService& service) { return service.first_port + service.port_count - 1; };
  return a.transport == b.transport && a.destination == b.destination && a.first_port <= last(b) &&
         b.first_port <= last(a);
}

}  // namespace

ParsedServices parse_services(std::string_view text) {
  ParsedServices parsed;
  for (const auto part : parts_of(text, ',')) {
    const auto equals = part.find('=');
    const auto binding = control::parse_binding(part.substr(0, equals));
    if (!binding.binding) return problem(binding.problem);
    const auto& found = *binding.binding;
    if (found.transport != packet::Transport::udp && found.transport != packet::Transport::tcp) {
      return problem(fmt::format("{}: only udp and tcp packets are generated; write udp/... or tcp/...",
                                 control::in_quotes(part)));
    }
    if (!found.destination.is_any() && found.destination.length != found.destination.address.bits()) {
      return problem(fmt::format("{}: packets go to one address, not to a prefix; write the address without a length",
                                 control::in_quotes(part)));
    }
    LoadService service;
    service.name = control::to_text(found);
    service.transport = found.transport;
    service.first_port = found.first_port;
    service.port_count = found.port_count();
    if (!found.destination.is_any()) service.destination = found.destination.address;
    if (equals != part.npos) {
      const auto weight = positive_number(part.substr(equals + 1));
      if (!weight) {
        return problem(fmt::format("{}: the weight behind = must be a number above 0", control::in_quotes(part)));
      }
      service.weight = *weight;
    }
    parsed.services.push_back(std::move(service));
    if (parsed.services.size() > max_services) {
      return problem(fmt::format("there are more than {} services; write ranges, such as udp/5000-5999", max_services));
    }
  }
  for (std::size_t i = 0; i < parsed.services.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (overlap(parsed.services[i], parsed.services[j])) {
        return problem(fmt::format("services {} and {} share a port; name each port once", parsed.services[j].name,
                                   parsed.services[i].name));
      }
    }
  }
  return parsed;
}

std::string apply_popularity(std::string_view text, std::vector<LoadService>& services) {
  if (text == "list") return {};
  double exponent = 1;
  if (text == "uniform") {
    exponent = 0;
  } else if (text.starts_with("zipf:")) {
    const auto number = positive_number(text.substr(5));
    if (!number || *number > 10) return "the exponent behind zipf: must be a number above 0 and at most 10";
    exponent = *number;
  } else if (text != "zipf") {
    return fmt::format("{} is no popularity; write uniform, zipf, zipf:EXPONENT, or list for weights behind services",
                       control::in_quotes(text));
  }
  const auto weights = zipf_weights(services.size(), exponent);
  for (std::size_t i = 0; i < services.size(); ++i) services[i].weight = weights[i];
  return {};
}

}  // namespace portier::load
