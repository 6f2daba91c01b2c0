/// What the environment says: which mailbox, and the sockets of which ports go on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portier::preload {

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// "53,5300-5310". Nothing: the text is no such list; ports are 1 to 65535, ranges rise.
std::optional<std::vector<PortRange>> parse_ports(std::string_view text);

inline constexpr std::size_t least_mtu = 576;
inline constexpr std::size_t most_mtu = 9600;

struct Settings {
  std::string mailbox;           ///< empty: everything is the kernel's
  std::vector<PortRange> ports;  ///< empty: every port that is bound by number
  std::size_t mtu = 1500;        ///< longer packets are not sent: EMSGSIZE
  bool is_verbose = false;       ///< counts at the end, on stderr

  /// From PORTIER_PRELOAD_MAILBOX, _PORTS, _MTU and _VERBOSE. What makes no sense counts as not said: the launcher has
  /// looked before. The router's socket is the client library's affair (PORTIER_MAILBOX_SOCKET).
  static Settings from_environment();
  bool takes(std::uint16_t port) const;
};

/// Read once; programs may tidy their environment.
const Settings& settings();

}  // namespace portier::preload
