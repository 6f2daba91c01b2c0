/// Where packets come from: the source addresses and ports of the flows, and their change over time.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "packet/address.hpp"

namespace portier::load {

/// An address of 2001:2::/48, which is for benchmarks (RFC 5180).
constexpr packet::Address benchmark_address6(std::uint16_t subnet, std::uint32_t host) {
  packet::Address address;
  address.version = 6;
  address.bytes[0] = 0x20;
  address.bytes[1] = 0x01;
  address.bytes[3] = 0x02;
  packet::store16(address.bytes.data() + 6, subnet);
  packet::store32(address.bytes.data() + 12, host);
  return address;
}

/// Source addresses that differ in their last 32 bits, and source ports.
struct SourceRange {
  packet::Address first4 = packet::ipv4(0xc6120001);  ///< 198.18.0.1 (RFC 2544)
  packet::Address first6 = benchmark_address6(0, 1);
  std::uint32_t addresses4 = 1;
  std::uint32_t addresses6 = 1;
  std::uint16_t first_port = 1024;
  std::uint32_t ports = 64512;

  /// Distinct pairs of address and port, of the family that has fewer.
  std::uint64_t pairs() const { return std::uint64_t{ports} * (addresses4 < addresses6 ? addresses4 : addresses6); }
};

/// As it is written into a frame: all fields hold bytes in network order.
struct Endpoint {
  std::array<std::uint32_t, 2> address{};  ///< the last 32 bits of the source, IPv4 and IPv6
  std::uint16_t port = 0;
  std::uint8_t generation = 0;  ///< modulo 16: how often this place has had a new flow
};

/// The flows of every service, by their place: packet n of a service belongs to place n modulo `size()`.
class Endpoints {
 public:
  Endpoints(const SourceRange& range, std::uint32_t flows, double churn_per_s);

  std::uint32_t size() const { return static_cast<std::uint32_t>(places_.size()); }
  const Endpoint& operator[](std::size_t place) const { return places_[place]; }

  /// Back to the flows of the start.
  void restart();
  /// Replaces the oldest flows by new ones, as many as have become due `seconds` after the start; at most one round of
  /// all places a call.
  void renew(double seconds);
  bool changes() const { return churn_per_s_ > 0; }

 private:
  Endpoint make(std::uint64_t number, std::uint64_t generation) const;

  SourceRange range_;
  double churn_per_s_;
  std::vector<Endpoint> places_;
  std::uint64_t renewed_ = 0;  ///< flows that have been replaced
};

}  // namespace portier::load
