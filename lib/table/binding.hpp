/// Bindings and their order of precedence: what the port tables compile, one decision at a time.
///
/// 1. The longest destination prefix wins. 2. Among equals the narrower port range wins (a port over a range, a range
/// over `*`). 3. Two bindings that are still equal and overlap are a configuration fault.
#pragma once

#include <cstdint>
#include <span>

#include "packet/address.hpp"
#include "packet/facts.hpp"
#include "packet/transport.hpp"

namespace portier::table {

using ServiceId = std::uint16_t;
/// No binding: the closed port.
inline constexpr ServiceId no_service = 0;
/// The built-in responder for ARP, neighbour discovery and ping.
inline constexpr ServiceId answer_service = 1;
inline constexpr ServiceId first_user_service = 2;
inline constexpr std::size_t max_services = 4096;

struct Binding {
  packet::Transport transport = packet::Transport::udp;
  packet::Prefix destination;       ///< canonical; any by default
  std::uint16_t first_port = 0;     ///< inclusive
  std::uint16_t last_port = 65535;  ///< inclusive, not below `first_port`
  ServiceId service = no_service;

  constexpr std::uint32_t port_count() const { return std::uint32_t{last_port} - first_port + 1; }
  constexpr bool covers_port(std::uint16_t port) const { return port >= first_port && port <= last_port; }
};

constexpr bool covers(const Binding& binding, const packet::FlowKey& flow) {
  return packet::text_of(binding.transport).proto == flow.proto && binding.covers_port(flow.dst_port) &&
         binding.destination.contains(flow.dst);
}

/// True: where both cover a packet, `a` takes it.
constexpr bool beats(const Binding& a, const Binding& b) {
  if (a.destination.length != b.destination.length) return a.destination.length > b.destination.length;
  // "any" is shorter than the /0 of one family: both have length 0, the family is the more specific.
  if (a.destination.is_any() != b.destination.is_any()) return b.destination.is_any();
  return a.port_count() < b.port_count();
}

/// Two bindings that neither beats and that share a packet: a configuration fault.
constexpr bool conflict(const Binding& a, const Binding& b) {
  return a.transport == b.transport && a.destination == b.destination && !beats(a, b) && !beats(b, a) &&
         a.first_port <= b.last_port && b.first_port <= a.last_port;
}

/// The binding that takes a packet, by looking at each one: the specification of `Ruleset::service_for`, and what
/// `explain` uses. Null: a closed port.
constexpr const Binding* choose(std::span<const Binding> bindings, const packet::FlowKey& flow) {
  const Binding* best = nullptr;
  for (const auto& binding : bindings) {
    if (covers(binding, flow) && (best == nullptr || beats(binding, *best))) best = &binding;
  }
  return best;
}

}  // namespace portier::table
