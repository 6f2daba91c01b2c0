/// Echoes: a UDP or UDP-Lite datagram sent back, and the reply to a ping.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "packet/reply_headers.hpp"

namespace portier::packet {

/// The same payload with addresses and ports turned round, in an IP packet without options or extension headers.
///
/// Only for a whole datagram: a first fragment gives 0. A UDP checksum is always computed; a UDP-Lite answer is covered
/// whole (coverage 0, RFC 3828 3.1). Needs no more room than `frame.size()`.
constexpr std::size_t write_udp_echo(MutableBytes out, Bytes frame, const Layout& layout) {
  const auto request = detail::read_request(frame, layout);
  const bool is_lite = layout.proto == wire::proto_udplite;
  if (!detail::may_be_answered(request) || (layout.proto != wire::proto_udp && !is_lite)) return 0;
  if (layout.fragment != Fragment::none || !request.is_complete() || request.l4.size() < wire::udp_size) return 0;
  const std::size_t length = is_lite ? request.l4.size() : load16(request.l4.data() + 4);
  if (length < wire::udp_size || length > request.l4.size()) return 0;

  const auto segment = detail::begin_answer(out, request, layout.proto, length, true);
  if (segment.empty()) return 0;
  store16(segment.data(), load16(request.l4.data() + 2));
  store16(segment.data() + 2, load16(request.l4.data()));
  store16(segment.data() + 4, is_lite ? 0 : static_cast<std::uint16_t>(length));
  std::copy_n(request.l4.data() + wire::udp_size, length - wire::udp_size, segment.data() + wire::udp_size);
  return detail::finish_answer(segment, request, layout.proto, 6, true);
}

/// The reply to an ICMP or ICMPv6 echo request that is whole and whose checksum is right. Needs no more room than
/// `frame.size()`. A ping to a group is not answered: the reply would need an address of ours, which a frame does not
/// name.
constexpr std::size_t write_icmp_echo_reply(MutableBytes out, Bytes frame, const Layout& layout) {
  const auto request = detail::read_request(frame, layout);
  if (!detail::may_be_answered(request) || layout.fragment != Fragment::none) return 0;
  const bool is_ipv4 = layout.ip_version == 4;
  const std::uint8_t proto = is_ipv4 ? wire::proto_icmp : wire::proto_icmpv6;
  const std::uint8_t asked = is_ipv4 ? wire::icmp_echo_request : wire::icmpv6_echo_request;
  if (layout.proto != proto || !request.is_complete() || request.l4.size() < wire::icmp_size) return 0;
  if (request.l4[0] != asked || request.l4[1] != 0) return 0;
  // Summed with its checksum in place, sound data gives 0.
  const auto residue = is_ipv4 ? checksum(request.l4) : transport_checksum(request.src, request.dst, proto, request.l4);
  if (residue != 0) return 0;

  const auto segment = detail::begin_answer(out, request, proto, request.l4.size(), true);
  if (segment.empty()) return 0;
  std::copy(request.l4.begin(), request.l4.end(), segment.begin());
  segment[0] = is_ipv4 ? wire::icmp_echo_reply : wire::icmpv6_echo_reply;
  return detail::finish_answer(segment, request, proto, 2, false);
}

}  // namespace portier::packet
