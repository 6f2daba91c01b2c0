/// Refusals that the sender can understand: TCP RST, and ICMP or ICMPv6 port unreachable for everything else.
///
/// SCTP and DCCP get port unreachable as well. RFC 9260 8.4 would have an ABORT for SCTP; a kernel without the protocol
/// answers in ICMP, every peer understands that, and it needs no CRC32c of ours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "packet/reply_headers.hpp"
#include "packet/transport.hpp"

namespace portier::packet {

/// The longest IP packet an ICMP error may be: RFC 1812 4.3.2.3, and IPv6's least MTU (RFC 4443 2.4 c).
inline constexpr std::size_t max_icmp_error_bytes = 576;
inline constexpr std::size_t max_icmpv6_error_bytes = 1280;

/// Room that every refusal of a frame of this size fits in.
constexpr std::size_t max_reject_bytes(std::size_t frame_bytes) {
  constexpr std::size_t longest =
      wire::ethernet_size + wire::max_vlan_tags * wire::vlan_tag_size + max_icmpv6_error_bytes;
  return std::min(frame_bytes + reply_growth_bytes, longest);
}

/// The reset of RFC 9293 3.10.7.1 for a segment to a closed port. 0 for a RST, and for a first fragment without ACK:
/// the acknowledgement must count the whole segment, whose length nobody knows yet.
constexpr std::size_t write_tcp_reset(MutableBytes out, Bytes frame, const Layout& layout) {
  const auto request = detail::read_request(frame, layout);
  if (!detail::may_be_answered(request) || layout.proto != wire::proto_tcp) return 0;
  if (request.l4.size() < wire::tcp_size) return 0;
  const auto* asked = request.l4.data();
  const std::uint8_t flags = asked[13];
  const std::size_t header = (asked[12] >> 4) * std::size_t{4};
  const bool is_first = layout.fragment == Fragment::first;
  if ((flags & wire::tcp_rst) != 0 || header < wire::tcp_size || (header > request.l4_length && !is_first)) return 0;
  const bool has_ack = (flags & wire::tcp_ack) != 0;
  if (is_first && !has_ack) return 0;

  const auto segment = detail::begin_answer(out, request, wire::proto_tcp, wire::tcp_size, false);
  if (segment.empty()) return 0;
  auto* tcp = segment.data();
  std::fill_n(tcp, wire::tcp_size, std::uint8_t{0});
  store16(tcp, load16(asked + 2));
  store16(tcp + 2, load16(asked));
  if (has_ack) {
    store32(tcp + 4, load32(asked + 8));
  } else {
    const auto data = static_cast<std::uint32_t>(request.l4_length - header);
    const std::uint32_t syn = (flags & wire::tcp_syn) != 0 ? 1 : 0;
    const std::uint32_t fin = (flags & wire::tcp_fin) != 0 ? 1 : 0;
    store32(tcp + 8, load32(asked + 4) + data + syn + fin);
  }
  tcp[12] = static_cast<std::uint8_t>(wire::tcp_size / 4 << 4);
  tcp[13] = has_ack ? wire::tcp_rst : wire::tcp_rst | wire::tcp_ack;
  return detail::finish_answer(segment, request, wire::proto_tcp, 16, false);
}

/// Port unreachable (ICMP 3/3, ICMPv6 1/4), quoting as much of the packet as the limits above allow.
///
/// 0 for every protocol without ports, ICMP and ICMPv6 foremost: an error never answers an error.
constexpr std::size_t write_port_unreachable(MutableBytes out, Bytes frame, const Layout& layout) {
  const auto request = detail::read_request(frame, layout);
  if (!detail::may_be_answered(request) || transport_index[layout.proto] == no_transport) return 0;
  if (request.l4.size() < 8) return 0;  // the least quotation that names the flow (RFC 792)
  const bool is_ipv4 = layout.ip_version == 4;
  const std::uint8_t proto = is_ipv4 ? wire::proto_icmp : wire::proto_icmpv6;
  const std::size_t headers = detail::ip_header_size(layout.ip_version) + wire::icmp_size;
  const std::size_t room = (is_ipv4 ? max_icmp_error_bytes : max_icmpv6_error_bytes) - headers;
  const auto quote = request.ip.first(std::min(request.ip.size(), room));

  const auto segment = detail::begin_answer(out, request, proto, wire::icmp_size + quote.size(), false);
  if (segment.empty()) return 0;
  segment[0] = is_ipv4 ? wire::icmp_unreachable : wire::icmpv6_unreachable;
  segment[1] = is_ipv4 ? wire::icmp_port_unreachable_code : wire::icmpv6_port_unreachable_code;
  store16(segment.data() + 2, 0);
  store32(segment.data() + 4, 0);
  std::copy(quote.begin(), quote.end(), segment.begin() + wire::icmp_size);
  return detail::finish_answer(segment, request, proto, 2, false);
}

/// The refusal that fits the protocol. Room: `max_reject_bytes(frame.size())`.
constexpr std::size_t write_reject(MutableBytes out, Bytes frame, const Layout& layout) {
  return layout.proto == wire::proto_tcp ? write_tcp_reset(out, frame, layout)
                                         : write_port_unreachable(out, frame, layout);
}

}  // namespace portier::packet
