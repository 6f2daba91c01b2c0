/// The services that a trial sends to: transports, destination ports, weights.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "packet/address.hpp"
#include "packet/transport.hpp"

namespace portier::load {

/// One service: packets go to its ports in turn.
struct LoadService {
  std::string name;  ///< canonical text of the binding: "udp/53", "tcp/8000-8099"
  packet::Transport transport = packet::Transport::udp;
  std::uint16_t first_port = 7;
  std::uint32_t port_count = 1;
  packet::Address destination;  ///< version 0: the destination that all share
  double weight = 1;

  bool owns(std::uint16_t port) const { return static_cast<std::uint16_t>(port - first_port) < port_count; }
};

struct ParsedServices {
  std::vector<LoadService> services;
  std::string problem;  ///< empty, or a sentence
};

/// Bindings between commas, as in a router's configuration, with a weight where the popularity is a list:
/// "udp/53=3,tcp/https=1,udp/192.0.2.1:5000-5999". A range is one service.
ParsedServices parse_services(std::string_view text);

/// Sets the weights: "list" (what stands behind the services), "uniform", "zipf" or "zipf:1.2". Returns a sentence
/// where the text is none of these.
std::string apply_popularity(std::string_view text, std::vector<LoadService>& services);

}  // namespace portier::load
