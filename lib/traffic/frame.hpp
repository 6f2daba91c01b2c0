/// Ethernet frames built by words: `frame().ipv4(src, dst).udp(1000, 53).payload(20).build()`.
///
/// Lengths, checksums and next-header fields are right unless a word overrides them, so sound and hostile frames read
/// alike. Say the addresses first (fragments and ICMP ask for their version); IPv6 extension headers stand in the order
/// of their words; otherwise order does not matter, and the last of several words for the same thing counts.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "packet/address.hpp"
#include "packet/bytes.hpp"
#include "packet/wire.hpp"

namespace portier::traffic {

using Frame = std::vector<std::uint8_t>;
using Mac = std::array<std::uint8_t, 6>;

inline constexpr Mac default_src_mac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr Mac default_dst_mac{0x02, 0, 0, 0, 0, 0x02};

/// 192.0.2.1 is `v4(192, 0, 2, 1)`.
constexpr packet::Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return packet::ipv4(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
}

/// 2001:db8::1 is `v6(0x20010db8'00000000, 1)`: the two halves in host order.
constexpr packet::Address v6(std::uint64_t high, std::uint64_t low) {
  packet::Address address;
  address.version = 6;
  for (unsigned i = 0; i < 8; ++i) {
    address.bytes[i] = static_cast<std::uint8_t>(high >> (56 - 8 * i));
    address.bytes[8 + i] = static_cast<std::uint8_t>(low >> (56 - 8 * i));
  }
  return address;
}

class FrameBuilder {
 public:
  // Link. With `vlan` called repeatedly, outermost first. `ethertype` overrides what the network layer implies.
  FrameBuilder& src_mac(const Mac& mac) { return src_mac_ = mac, *this; }
  FrameBuilder& dst_mac(const Mac& mac) { return dst_mac_ = mac, *this; }
  FrameBuilder& vlan(std::uint16_t tci, std::uint16_t tpid = packet::wire::ethertype_vlan);
  FrameBuilder& ethertype(std::uint16_t value) { return ethertype_ = value, *this; }

  // Network.
  FrameBuilder& ipv4(const packet::Address& src, const packet::Address& dst) { return addresses(src, dst); }
  FrameBuilder& ipv6(const packet::Address& src, const packet::Address& dst) { return addresses(src, dst); }
  /// IPv4 or IPv6, by the version of both addresses.
  FrameBuilder& addresses(const packet::Address& src, const packet::Address& dst);
  FrameBuilder& ttl(std::uint8_t value) { return ttl_ = value, *this; }
  FrameBuilder& traffic_class(std::uint8_t value) { return traffic_class_ = value, *this; }
  FrameBuilder& id(std::uint16_t value) { return id_ = value, *this; }
  FrameBuilder& dont_fragment(bool value = true) { return dont_fragment_ = value, *this; }
  /// IPv4 options: `words` 32-bit words (0 to 10) of no-operation.
  FrameBuilder& options(std::size_t words) { return option_words_ = words, *this; }
  /// A fragment's place: IPv4 header fields, or an IPv6 fragment header here. `offset_bytes` is a multiple of 8.
  FrameBuilder& fragment(std::size_t offset_bytes, bool more, std::uint32_t id);

  // IPv6 extension headers of `bytes` bytes: a multiple of 8 (of 4 and at least 12 for `ah`).
  FrameBuilder& hop_by_hop(std::size_t bytes = 8) { return extension(packet::wire::proto_hop_by_hop, bytes); }
  FrameBuilder& destination(std::size_t bytes = 8) { return extension(packet::wire::proto_destination_options, bytes); }
  FrameBuilder& routing(std::size_t bytes = 8) { return extension(packet::wire::proto_routing, bytes); }
  FrameBuilder& ah(std::size_t bytes = 24) { return extension(packet::wire::proto_ah, bytes); }

  // Transport: exactly one of these, or `raw`.
  FrameBuilder& udp(std::uint16_t src_port, std::uint16_t dst_port);
  FrameBuilder& udplite(std::uint16_t src_port, std::uint16_t dst_port, std::uint16_t coverage = 0);
  FrameBuilder& tcp(std::uint16_t src_port, std::uint16_t dst_port, std::uint8_t flags = packet::wire::tcp_syn,
                    std::uint32_t seq = 1, std::uint32_t ack = 0);
  /// TCP options: `words` 32-bit words (0 to 10) of no-operation.
  FrameBuilder& tcp_options(std::size_t words) { return tcp_option_words_ = words, *this; }
  FrameBuilder& sctp(std::uint16_t src_port, std::uint16_t dst_port, std::uint32_t tag = 0);
  /// A DCCP request (RFC 4340 5.1): long sequence number, service code 0.
  FrameBuilder& dccp(std::uint16_t src_port, std::uint16_t dst_port);
  /// ICMP or ICMPv6 by the network layer; `rest` is the second word of its header.
  FrameBuilder& icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest = 0);
  FrameBuilder& icmp_echo(std::uint16_t id, std::uint16_t sequence);
  /// An error about the IP packet inside `quoted` (a frame), of which it repeats at most `quote_bytes`.
  FrameBuilder& icmp_error(std::uint8_t type, std::uint8_t code, packet::Bytes quoted, std::size_t quote_bytes = 548,
                           std::uint32_t rest = 0);
  /// No transport header: the payload follows the IP header under this protocol number.
  FrameBuilder& raw(std::uint8_t proto);

  // Payload: `bytes` counting bytes (0, 1, 2 ...), or these.
  FrameBuilder& payload(std::size_t bytes);
  FrameBuilder& payload(packet::Bytes bytes);

  // Whole packets.
  /// Broadcast ARP request; a sender of 0.0.0.0 makes it a probe.
  FrameBuilder& arp_request(const packet::Address& sender, const packet::Address& target);
  /// Solicitation to the target's multicast group, with the sender's MAC; a source of `::` makes it a probe without.
  FrameBuilder& neighbor_solicitation(const packet::Address& src, const packet::Address& target);

  // Lies. Each one replaces a field that `build` would have computed, before checksums that cover it.
  FrameBuilder& ip_version(std::uint8_t value) { return ip_version_ = value, *this; }
  FrameBuilder& ihl(std::uint8_t words) { return ihl_ = words, *this; }
  /// IPv4 total length, or IPv6 payload length.
  FrameBuilder& ip_length(std::uint16_t value) { return ip_length_ = value, *this; }
  FrameBuilder& ip_checksum(std::uint16_t value) { return ip_checksum_ = value, *this; }
  /// Protocol, or the first next-header field of IPv6.
  FrameBuilder& next_header(std::uint8_t value) { return next_header_ = value, *this; }
  /// The length byte of the extension header added last, in its own units.
  FrameBuilder& extension_length(std::uint8_t value);
  /// UDP length.
  FrameBuilder& udp_length(std::uint16_t value) { return udp_length_ = value, *this; }
  /// TCP data offset in words.
  FrameBuilder& data_offset(std::uint8_t words) { return data_offset_ = words, *this; }
  /// Checksum of the transport header.
  FrameBuilder& checksum(std::uint16_t value) { return checksum_ = value, *this; }
  /// Ethernet padding up to `bytes`.
  FrameBuilder& pad_to(std::size_t bytes) { return pad_to_ = bytes, *this; }
  /// Cuts the frame to `bytes`.
  FrameBuilder& cut_to(std::size_t bytes) { return cut_to_ = bytes, *this; }

  Frame build() const;

 private:
  struct Extension {
    std::uint8_t proto;
    Frame bytes;  ///< its first byte, the next header, is filled in by `build`
  };

  FrameBuilder& extension(std::uint8_t proto, std::size_t bytes);
  FrameBuilder& transport(std::uint8_t proto, Frame header);
  Frame build_segment() const;
  void append_ipv4(Frame& frame, const Frame& segment) const;
  void append_ipv6(Frame& frame, const Frame& segment) const;

  Mac src_mac_ = default_src_mac;
  Mac dst_mac_ = default_dst_mac;
  std::vector<std::pair<std::uint16_t, std::uint16_t>> tags_;  ///< TPID and TCI, outermost first
  std::optional<std::uint16_t> ethertype_;

  packet::Address src_;
  packet::Address dst_;
  std::uint8_t ttl_ = 64;
  std::uint8_t traffic_class_ = 0;
  std::uint16_t id_ = 0;
  bool dont_fragment_ = false;
  bool more_fragments_ = false;
  std::size_t fragment_offset_ = 0;
  std::size_t option_words_ = 0;
  std::vector<Extension> extensions_;

  std::uint8_t proto_ = packet::wire::proto_no_next_header;
  Frame header_;  ///< transport header with its checksum 0
  std::size_t tcp_option_words_ = 0;
  Frame payload_;
  Frame arp_;

  std::optional<std::uint8_t> ip_version_, ihl_, next_header_, data_offset_;
  std::optional<std::uint16_t> ip_length_, ip_checksum_, udp_length_, checksum_;
  std::size_t pad_to_ = 0;
  std::optional<std::size_t> cut_to_;
};

inline FrameBuilder frame() { return {}; }

/// The IP packet of a sound, whole frame cut into fragments with at most `payload_bytes` (rounded down to a multiple of
/// 8) behind each IP header, in order. IPv4 without options; IPv6 without extension headers.
std::vector<Frame> fragments_of(const Frame& whole, std::size_t payload_bytes, std::uint32_t id);

}  // namespace portier::traffic
