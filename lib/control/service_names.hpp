/// Service names of the system (/etc/services, getservbyname): "https" is 443, and the IANA category of a port.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "packet/transport.hpp"

namespace portier::control {

enum class PortCategory { well_known, registered, dynamic };

constexpr PortCategory category_of(std::uint16_t port) {
  if (port <= 1023) return PortCategory::well_known;
  return port <= 49151 ? PortCategory::registered : PortCategory::dynamic;
}

/// "well-known", "registered", "dynamic".
std::string_view to_text(PortCategory category);

/// The port of a service name. UDP-Lite, SCTP and DCCP have next to no entries of their own and fall back to those of
/// UDP and TCP. Thread-safe; answers are remembered, so that many bindings do not read the database each time.
std::optional<std::uint16_t> port_of(std::string_view name, packet::Transport transport);

/// The name of a port by the same rules, without the memory.
std::optional<std::string> name_of(std::uint16_t port, packet::Transport transport);

}  // namespace portier::control
