/// What parsing finds out about one frame: offsets and ports, no copies of addresses.
#pragma once

#include <array>
#include <cstdint>

#include "packet/address.hpp"
#include "packet/bytes.hpp"
#include "packet/reason.hpp"
#include "packet/wire.hpp"

namespace portier::packet {

enum class Fragment : std::uint8_t { none, first, later };

/// What a frame is, as far as the way through the router depends on it.
enum class Kind : std::uint8_t {
  transport,   ///< TCP, UDP, UDP-Lite, SCTP or DCCP with both ports known
  later,       ///< a later fragment: no ports of its own
  icmp_error,  ///< ICMP or ICMPv6 error: its owner is the flow that it quotes
  icmp,        ///< any other ICMP or ICMPv6 message
  arp,         ///< EtherType 0x0806
  other,       ///< sound IP with another protocol, or (with a reason) a frame that could not be read
};

/// Facts about one frame. Fields are filled as far as parsing came; `reason` says what stopped it.
/// Offsets count bytes from the first byte of the frame.
struct Facts {
  Reason reason = Reason::none;
  Kind kind = Kind::other;
  Fragment fragment = Fragment::none;
  std::uint8_t ip_version = 0;  ///< 4, 6, or 0: no sound IP header
  std::uint8_t proto = 0;       ///< upper-layer protocol; meaningful when `proto_known`
  bool proto_known = false;
  bool ports_known = false;
  std::uint8_t vlan_count = 0;
  std::uint16_t src_port = 0;  ///< host order
  std::uint16_t dst_port = 0;  ///< host order
  std::uint16_t l3_offset = 0;
  std::uint16_t l4_offset = 0;                            ///< transport header, or the fragment's payload
  std::uint32_t l3_end = 0;                               ///< end of the IP packet by its own length
  std::uint32_t fragment_id = 0;                          ///< host order; 16 bits for IPv4
  std::array<std::uint16_t, wire::max_vlan_tags> vlan{};  ///< VLAN identifiers, outermost first
};

/// The packet that an ICMP error quotes, as its sender (we) had sent it.
struct Quote {
  std::uint8_t ip_version = 0;  ///< 0: nothing readable was quoted
  std::uint8_t proto = 0;
  bool ports_known = false;
  std::uint16_t src_port = 0;
  std::uint16_t dst_port = 0;
  Address src;
  Address dst;
};

/// Addresses, ports and protocol of a flow as its packets reach us.
struct FlowKey {
  Address src;
  Address dst;
  std::uint16_t src_port = 0;  ///< host order
  std::uint16_t dst_port = 0;  ///< host order
  std::uint8_t proto = 0;

  friend constexpr auto operator<=>(const FlowKey&, const FlowKey&) = default;
};

constexpr std::size_t ip_src_offset(std::uint8_t version) { return version == 4 ? 12 : 8; }
constexpr std::size_t ip_dst_offset(std::uint8_t version) { return version == 4 ? 16 : 24; }

/// The flow key of a frame whose `ip_version` is known; ports are 0 where there are none.
constexpr FlowKey flow_key(const std::uint8_t* frame, const Facts& facts) {
  const auto* l3 = frame + facts.l3_offset;
  return {.src = address_at(l3 + ip_src_offset(facts.ip_version), facts.ip_version),
          .dst = address_at(l3 + ip_dst_offset(facts.ip_version), facts.ip_version),
          .src_port = facts.src_port,
          .dst_port = facts.dst_port,
          .proto = facts.proto};
}

/// The flow that an ICMP error speaks of, seen from our side: what we sent, turned round.
constexpr FlowKey flow_key(const Quote& quote) {
  return {
      .src = quote.dst, .dst = quote.src, .src_port = quote.dst_port, .dst_port = quote.src_port, .proto = quote.proto};
}

}  // namespace portier::packet
