/// Who-has, answered: ARP replies (RFC 826, RFC 5227) and neighbour advertisements (RFC 4861, RFC 4862).
///
/// The `_target` functions judge the question and name the address asked for; whether that is ours is the caller's to
/// know. The `write_` functions judge it again, so a caller cannot answer nonsense.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "packet/reply_headers.hpp"

namespace portier::packet {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr std::size_t arp_size = 28;

namespace detail {

inline constexpr std::uint16_t arp_request = 1;
inline constexpr std::uint16_t arp_reply = 2;
inline constexpr std::uint8_t neighbor_hop_limit = 255;
inline constexpr std::size_t solicitation_size = 24;
inline constexpr std::size_t advertisement_size = 32;  ///< with the target's link-layer address
inline constexpr std::uint8_t option_source_link_address = 1;
inline constexpr std::uint8_t option_target_link_address = 2;

/// RFC 4861 7.1.1: every option has a length; a question from nobody (`is_probe`) gives no link-layer address.
constexpr bool are_sound_options(Bytes options, bool is_probe) {
  while (!options.empty()) {
    if (options.size() < 2) return false;
    const std::size_t length = options[1] * std::size_t{8};
    if (length == 0 || length > options.size()) return false;
    if (is_probe && options[0] == option_source_link_address) return false;
    options = options.subspan(length);
  }
  return true;
}

/// ff02::1:ffXX:XXXX with the last 24 bits of the target.
constexpr Address solicited_node(const Address& target) {
  Address group{.bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff}, .version = 6};
  std::copy_n(target.bytes.begin() + 13, 3, group.bytes.begin() + 13);
  return group;
}

constexpr Address all_nodes() {
  return {.bytes = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, .version = 6};
}

}  // namespace detail

/// The IPv4 address that a sound ARP request for Ethernet and IPv4 asks for; version 0 when it is no such thing.
/// A sender address of 0.0.0.0 is a probe (RFC 5227) and sound.
constexpr Address arp_target(Bytes frame, const Layout& layout) {
  const std::size_t at = layout.l3_offset;
  if (layout.ip_version != 0 || at < wire::ethernet_size || frame.size() < at + arp_size) return {};
  const auto* arp = frame.data() + at;
  if (load16(arp - 2) != wire::ethertype_arp) return {};
  const bool is_request = load16(arp) == 1 && load16(arp + 2) == wire::ethertype_ipv4 && arp[4] == 6 && arp[5] == 4 &&
                          load16(arp + 6) == detail::arp_request;
  if (!is_request || detail::is_group_mac(arp + 8) || detail::is_group_mac(frame.data() + 6)) return {};
  const auto sender = address_at(arp + 14, 4);
  const auto target = address_at(arp + 24, 4);
  if (is_group(sender) || detail::is_loopback(sender) || detail::is_unanswerable(target)) return {};
  return target;
}

/// "The address asked for is at `our_mac`", to the hardware address that the question names as its sender.
constexpr std::size_t write_arp_reply(MutableBytes out, Bytes frame, const Layout& layout, const MacAddress& our_mac) {
  const auto target = arp_target(frame, layout);
  const std::size_t at = layout.l3_offset;
  if (target.version != 4 || out.size() < at + arp_size) return 0;
  const auto* asked = frame.data() + at;
  detail::write_link(out, frame, at);
  std::copy_n(asked + 8, 6, out.data());
  std::copy_n(our_mac.data(), 6, out.data() + 6);
  auto* arp = out.data() + at;
  std::copy_n(asked, 6, arp);  // hardware and protocol types and lengths
  store16(arp + 6, detail::arp_reply);
  std::copy_n(our_mac.data(), 6, arp + 8);
  std::copy_n(asked + 24, 4, arp + 14);
  std::copy_n(asked + 8, 10, arp + 18);
  return at + arp_size;
}

/// The address that a valid neighbour solicitation (RFC 4861 7.1.1) asks for; version 0 when it is no such thing.
/// One behind extension headers is not valid here: RFC 6980 forbids fragment headers, the others have no use.
constexpr Address neighbor_target(Bytes frame, const Layout& layout) {
  const auto request = detail::read_request(frame, layout);
  if (!request.is_valid || layout.ip_version != 6 || layout.proto != wire::proto_icmpv6) return {};
  if (layout.l4_offset != layout.l3_offset + wire::ipv6_size || layout.fragment != Fragment::none) return {};
  const Bytes icmp = request.l4;
  if (!request.is_complete() || icmp.size() < detail::solicitation_size) return {};
  if (request.ip[7] != detail::neighbor_hop_limit) return {};
  if (icmp[0] != wire::icmpv6_neighbor_solicitation || icmp[1] != 0) return {};
  const auto target = address_at(icmp.data() + 8, 6);
  const bool is_probe = is_unspecified(request.src);  // duplicate address detection (RFC 4862 5.4)
  if (is_group(target) || detail::is_unanswerable(target)) return {};
  if (is_group(request.src) || detail::is_loopback(request.src) || detail::is_group_mac(frame.data() + 6)) return {};
  if (is_probe && request.dst != detail::solicited_node(target)) return {};
  if (!detail::are_sound_options(icmp.subspan(detail::solicitation_size), is_probe)) return {};
  if (transport_checksum(request.src, request.dst, wire::proto_icmpv6, icmp) != 0) return {};
  return target;
}

constexpr std::size_t neighbor_advertisement_bytes(const Layout& layout) {
  return layout.l3_offset + wire::ipv6_size + detail::advertisement_size;
}

/// "The address asked for is at `our_mac`": to the asker with the solicited flag, or, when the asker has no address
/// yet, to all nodes without it. Needs exactly `neighbor_advertisement_bytes(layout)`.
constexpr std::size_t write_neighbor_advertisement(MutableBytes out, Bytes frame, const Layout& layout,
                                                   const MacAddress& our_mac) {
  const auto target = neighbor_target(frame, layout);
  const std::size_t l3 = layout.l3_offset;
  const std::size_t length = neighbor_advertisement_bytes(layout);
  if (target.version != 6 || out.size() < length) return 0;
  const auto src = address_at(frame.data() + l3 + ip_src_offset(6), 6);
  const bool is_probe = is_unspecified(src);
  const auto dst = is_probe ? detail::all_nodes() : src;

  detail::write_link(out, frame, l3);
  std::copy_n(our_mac.data(), 6, out.data() + 6);
  if (is_probe) std::copy_n(MacAddress{0x33, 0x33, 0, 0, 0, 1}.data(), 6, out.data());
  auto* ip = out.data() + l3;
  detail::write_ipv6(ip, target, dst, 0, detail::neighbor_hop_limit, wire::proto_icmpv6, detail::advertisement_size);
  auto* icmp = ip + wire::ipv6_size;
  icmp[0] = wire::icmpv6_neighbor_advertisement;
  icmp[1] = 0;
  store16(icmp + 2, 0);
  constexpr std::uint32_t solicited = 0x40000000;
  constexpr std::uint32_t overrides = 0x20000000;
  store32(icmp + 4, is_probe ? overrides : solicited | overrides);
  std::copy_n(target.bytes.data(), 16, icmp + 8);
  icmp[24] = detail::option_target_link_address;
  icmp[25] = 1;  // in units of 8 bytes
  std::copy_n(our_mac.data(), 6, icmp + 26);
  store16(icmp + 2, transport_checksum(target, dst, wire::proto_icmpv6, {icmp, detail::advertisement_size}));
  return length;
}

}  // namespace portier::packet
