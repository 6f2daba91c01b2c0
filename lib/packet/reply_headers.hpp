/// What every answer to a frame shares: the request with its bounds checked, the rules for silence, the outer headers.
///
/// All functions that write an answer return its length, or 0 when this frame must not be answered or `out` is too
/// small. They read no byte outside `frame` and write none outside `out` (the two must not overlap), whatever the frame
/// and the layout claim. Answers carry no Ethernet padding; a device adds it. Sources: RFC 1122 3.2.2, RFC
/// 1812 4.3.2.7, RFC 4443 2.4 (e).
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "packet/address.hpp"
#include "packet/bytes.hpp"
#include "packet/checksum.hpp"
#include "packet/layout.hpp"
#include "packet/wire.hpp"

namespace portier::packet {

/// An answer is longer than the frame that it answers by at most this: new IPv6 and ICMPv6 headers around a quotation.
inline constexpr std::size_t reply_growth_bytes = wire::ipv6_size + wire::icmp_size;

namespace detail {

inline constexpr std::uint8_t reply_hop_limit = 64;

constexpr bool is_group_mac(const std::uint8_t* mac) { return (mac[0] & 1) != 0; }

constexpr bool is_loopback(const Address& address) {
  if (address.version == 4) return address.bytes[0] == 127;
  Address loopback;
  loopback.version = 6;
  loopback.bytes[15] = 1;
  return address == loopback;
}

/// A source that no unicast answer can reach. All of 0.0.0.0/8 means "this host" (RFC 1122 3.2.1.3).
constexpr bool is_unanswerable(const Address& source) {
  return is_group(source) || is_unspecified(source) || is_loopback(source) ||
         (source.version == 4 && source.bytes[0] == 0);
}

/// One IP packet to be answered. `is_valid` false: its headers are not all in the frame.
struct Request {
  Bytes frame;
  Layout layout;
  Bytes ip;                   ///< from the IP header to the packet's end, as far as it is present
  Bytes l4;                   ///< the same from the transport header
  std::size_t l4_length = 0;  ///< by the IP header: more than `l4` in a cut capture
  Address src;
  Address dst;
  bool is_valid = false;

  constexpr bool is_complete() const { return l4.size() == l4_length; }
};

constexpr Request read_request(Bytes frame, const Layout& layout) {
  Request request{.frame = frame, .layout = layout, .ip = {}, .l4 = {}, .src = {}, .dst = {}};
  const bool is_ipv4 = layout.ip_version == 4;
  const std::size_t header = is_ipv4 ? wire::ipv4_size : wire::ipv6_size;
  if (!is_ipv4 && layout.ip_version != 6) return request;
  if (layout.l3_offset < wire::ethernet_size || layout.l4_offset < layout.l3_offset + header) return request;
  if (frame.size() < layout.l4_offset) return request;
  const auto* l3 = frame.data() + layout.l3_offset;
  const std::size_t length = is_ipv4 ? load16(l3 + 2) : wire::ipv6_size + load16(l3 + 4);
  const std::size_t headers = std::size_t{layout.l4_offset} - layout.l3_offset;
  if (length < headers) return request;
  const Bytes packet = frame.subspan(layout.l3_offset);
  request.ip = packet.first(std::min(length, packet.size()));
  request.l4 = request.ip.subspan(headers);
  request.l4_length = length - headers;
  request.src = address_at(l3 + ip_src_offset(layout.ip_version), layout.ip_version);
  request.dst = address_at(l3 + ip_dst_offset(layout.ip_version), layout.ip_version);
  request.is_valid = true;
  return request;
}

/// False: silence, whatever the answer would be. A source that equals the destination is a forgery ("LAND").
constexpr bool may_be_answered(const Request& request) {
  return request.is_valid && request.layout.fragment != Fragment::later && !is_group_mac(request.frame.data()) &&
         !is_group_mac(request.frame.data() + 6) && !is_group(request.dst) && !is_unspecified(request.dst) &&
         !is_unanswerable(request.src) && request.src != request.dst;
}

/// Link header turned round, VLAN tags and EtherType as they came.
constexpr void write_link(MutableBytes out, Bytes frame, std::size_t l3_offset) {
  std::copy_n(frame.begin() + 6, 6, out.begin());
  std::copy_n(frame.begin(), 6, out.begin() + 6);
  std::copy(frame.begin() + 12, frame.begin() + static_cast<std::ptrdiff_t>(l3_offset), out.begin() + 12);
}

/// The bytes of an answer's IP header: no options, no extension headers.
constexpr std::size_t ip_header_size(std::uint8_t version) { return version == 4 ? wire::ipv4_size : wire::ipv6_size; }

/// IPv4 header of an answer to the packet at `asked`. The identification is the request's: unique for this pair of
/// addresses as long as the requester's are (RFC 6864), and irrelevant with DF, which is the request's too.
constexpr void write_ipv4(std::uint8_t* ip, const std::uint8_t* asked, std::uint8_t traffic_class, std::uint8_t proto,
                          std::size_t payload_length) {
  ip[0] = 0x45;
  ip[1] = traffic_class;
  store16(ip + 2, static_cast<std::uint16_t>(wire::ipv4_size + payload_length));
  store16(ip + 4, load16(asked + 4));
  store16(ip + 6, load16(asked + 6) & 0x4000);
  ip[8] = reply_hop_limit;
  ip[9] = proto;
  store16(ip + 10, 0);
  std::copy_n(asked + ip_dst_offset(4), 4, ip + ip_src_offset(4));
  std::copy_n(asked + ip_src_offset(4), 4, ip + ip_dst_offset(4));
  store16(ip + 10, checksum({ip, wire::ipv4_size}));
}

constexpr void write_ipv6(std::uint8_t* ip, const Address& src, const Address& dst, std::uint8_t traffic_class,
                          std::uint8_t hop_limit, std::uint8_t proto, std::size_t payload_length) {
  store32(ip, 6U << 28 | std::uint32_t{traffic_class} << 20);
  store16(ip + 4, static_cast<std::uint16_t>(payload_length));
  ip[6] = proto;
  ip[7] = hop_limit;
  std::copy_n(src.bytes.data(), 16, ip + ip_src_offset(6));
  std::copy_n(dst.bytes.data(), 16, ip + ip_dst_offset(6));
}

/// Writes link and IP headers of an answer with `length` bytes of transport, and returns where those go: a span of
/// exactly `length` bytes, empty when `out` is too small. `keeps_class`: DSCP as asked (RFC 1122 3.2.2), without ECN.
constexpr MutableBytes begin_answer(MutableBytes out, const Request& request, std::uint8_t proto, std::size_t length,
                                    bool keeps_class) {
  const std::uint8_t version = request.layout.ip_version;
  const std::size_t l3 = request.layout.l3_offset;
  const std::size_t headers = l3 + ip_header_size(version);
  if (length > 65535 - wire::ipv4_size || out.size() < headers + length) return {};
  write_link(out, request.frame, l3);
  const auto* asked = request.ip.data();
  auto* ip = out.data() + l3;
  if (version == 4) {
    write_ipv4(ip, asked, keeps_class ? asked[1] & 0xfc : 0, proto, length);
  } else {
    const auto traffic_class = static_cast<std::uint8_t>(load16(asked) >> 4 & 0xfc);
    write_ipv6(ip, request.dst, request.src, keeps_class ? traffic_class : 0, reply_hop_limit, proto, length);
  }
  return out.subspan(headers, length);
}

/// Fills in the checksum at `offset` of a segment that answers `request`, and returns the length of the whole answer.
constexpr std::size_t finish_answer(MutableBytes segment, const Request& request, std::uint8_t proto,
                                    std::size_t offset, bool zero_means_none) {
  store16(segment.data() + offset, 0);
  const bool has_pseudo_header = proto != wire::proto_icmp;
  std::uint16_t sum =
      has_pseudo_header ? transport_checksum(request.dst, request.src, proto, segment) : checksum(segment);
  if (sum == 0 && zero_means_none) sum = 0xffff;
  store16(segment.data() + offset, sum);
  return request.layout.l3_offset + ip_header_size(request.layout.ip_version) + segment.size();
}

}  // namespace detail
}  // namespace portier::packet
