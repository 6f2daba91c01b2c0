/// Addresses with ports as values, and their way from and to sockaddr.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>

#include "client/portier_client.h"

namespace portier::preload {

/// IPv4 in the first four bytes; an IPv4-mapped address of an AF_INET6 socket is IPv4 here, as it is on the wire.
struct Endpoint {
  std::array<std::uint8_t, 16> address{};
  std::uint16_t port = 0;  ///< host byte order
  std::uint8_t ip_version = 0;

  bool is_wildcard() const {
    return std::ranges::all_of(address, [](std::uint8_t byte) { return byte == 0; });
  }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

inline constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/// The address of an AF_INET6 socket; mapped ones become IPv4.
inline void set_ipv6(Endpoint& endpoint, const in6_addr& address) {
  const auto* bytes = address.s6_addr;
  if (std::equal(mapped_prefix.begin(), mapped_prefix.end(), bytes)) {
    endpoint.ip_version = 4;
    endpoint.address = {};
    std::copy_n(bytes + 12, 4, endpoint.address.begin());
  } else {
    endpoint.ip_version = 6;
    std::copy_n(bytes, 16, endpoint.address.begin());
  }
}

/// The reverse: as an AF_INET6 socket sees this address.
inline in6_addr as_ipv6(const Endpoint& endpoint) {
  in6_addr address{};
  if (endpoint.ip_version == 4) {
    std::ranges::copy(mapped_prefix, address.s6_addr);
    std::copy_n(endpoint.address.begin(), 4, address.s6_addr + 12);
  } else {
    std::ranges::copy(endpoint.address, address.s6_addr);
  }
  return address;
}

/// Nothing: neither IPv4 nor IPv6, or too short.
inline std::optional<Endpoint> endpoint_of(const void* name, socklen_t length) {
  Endpoint endpoint;
  if (name == nullptr || length < sizeof(sa_family_t)) return std::nullopt;
  sa_family_t family = 0;
  std::memcpy(&family, name, sizeof family);
  if (family == AF_INET && length >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, name, sizeof in);
    endpoint.ip_version = 4;
    endpoint.port = ntohs(in.sin_port);
    std::memcpy(endpoint.address.data(), &in.sin_addr, 4);
    return endpoint;
  }
  if (family == AF_INET6 && length >= sizeof(sockaddr_in6)) {
    sockaddr_in6 in{};
    std::memcpy(&in, name, sizeof in);
    set_ipv6(endpoint, in.sin6_addr);
    endpoint.port = ntohs(in.sin6_port);
    return endpoint;
  }
  return std::nullopt;
}

/// As the kernel fills in a name: cut where there is no room, with its whole length in `length`.
inline void write_name(const Endpoint& endpoint, int family, void* name, socklen_t* length) {
  if (name == nullptr || length == nullptr) return;
  const socklen_t room = *length;
  if (family == AF_INET) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.data(), 4);
    std::memcpy(name, &in, std::min<std::size_t>(room, sizeof in));
    *length = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    in.sin6_addr = as_ipv6(endpoint);
    std::memcpy(name, &in, std::min<std::size_t>(room, sizeof in));
    *length = sizeof in;
  }
}

inline Endpoint local_of(const portier_flow& flow) {
  Endpoint endpoint{.port = flow.local_port, .ip_version = flow.ip_version};
  std::ranges::copy(flow.local_address, endpoint.address.begin());
  return endpoint;
}
inline Endpoint remote_of(const portier_flow& flow) {
  Endpoint endpoint{.port = flow.remote_port, .ip_version = flow.ip_version};
  std::ranges::copy(flow.remote_address, endpoint.address.begin());
  return endpoint;
}

/// What a socket is bound to, and connected to, if it is.
struct Binding {
  int family = AF_INET;
  Endpoint local;
  std::optional<Endpoint> peer;
  bool is_v6_only = false;
};

/// Which of several sockets gets a datagram: the highest, as the kernel has it: connected before bound to an address
/// before any address, an IPv4 socket before an IPv6 one that takes IPv4 as well. -1: not this one.
inline int match(const Binding& binding, const portier_flow& flow) {
  if (flow.local_port != binding.local.port) return -1;
  const bool takes_family = flow.ip_version == 6 ? binding.family == AF_INET6 : !binding.is_v6_only;
  if (!takes_family) return -1;
  int score = (binding.family == AF_INET) == (flow.ip_version == 4) ? 1 : 0;
  if (!binding.local.is_wildcard()) {
    if (binding.local != local_of(flow)) return -1;
    score += 2;
  }
  if (binding.peer) {
    if (*binding.peer != remote_of(flow)) return -1;
    score += 4;
  }
  return score;
}

}  // namespace portier::preload
