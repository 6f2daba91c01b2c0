/// Bytes to facts for one frame: the specification of stage 2, usable at compile time.
///
/// Reads no byte that is not in `frame`, whatever the headers claim. `wire_length` is the length the frame had on the
/// wire; it is larger than the frame only in captures with a snap length, and IP lengths are compared with it.
/// Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 9293, RFC 768, RFC 3828, RFC 9260, RFC 4340, RFC 792, RFC 4443.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/bytes.hpp"
#include "packet/facts.hpp"
#include "packet/transport.hpp"
#include "packet/wire.hpp"

namespace portier::packet {

/// The transport header must start before this byte: a hand-over slot stores the offset in 12 bits.
inline constexpr std::size_t max_l4_offset = 4095;

namespace detail {

constexpr void stop(Facts& facts, Reason reason) {
  facts.reason = reason;
  facts.kind = Kind::other;
}

constexpr bool is_icmp_error(std::uint8_t proto, std::uint8_t type) {
  if (proto == wire::proto_icmp) return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
  return type >= 1 && type <= 4;
}

constexpr bool is_vlan(std::uint16_t ethertype) {
  return ethertype == wire::ethertype_vlan || ethertype == wire::ethertype_qinq ||
         ethertype == wire::ethertype_old_qinq;
}

constexpr bool is_extension(std::uint8_t proto) {
  return proto == wire::proto_hop_by_hop || proto == wire::proto_destination_options || proto == wire::proto_routing ||
         proto == wire::proto_fragment || proto == wire::proto_ah;
}

/// Facts about the transport header at `l4_offset`; `end` is where the packet's bytes end by its IP length.
constexpr void parse_transport(Facts& facts, Bytes frame, std::size_t end) {
  const bool is_first = facts.fragment == Fragment::first;
  const auto too_short = is_first ? Reason::tiny_fragment : Reason::truncated_transport;
  const std::size_t at = facts.l4_offset;
  const std::size_t present = end < frame.size() ? end : frame.size();
  const std::size_t length = end - at;  // by the IP header; the bytes may be fewer in a cut capture
  const auto index = transport_index[facts.proto];

  if (index == no_transport) {
    const bool is_icmp = facts.ip_version == 4 ? facts.proto == wire::proto_icmp : facts.proto == wire::proto_icmpv6;
    facts.kind = Kind::other;
    if (!is_icmp) return;
    if (present < at + wire::icmp_size) return stop(facts, too_short);
    facts.kind = is_icmp_error(facts.proto, frame[at]) ? Kind::icmp_error : Kind::icmp;
    return;
  }
  if (present < at + transports[index].header_size) return stop(facts, too_short);

  const auto* l4 = frame.data() + at;
  if (facts.proto == wire::proto_tcp) {
    const std::size_t header = (l4[12] >> 4) * std::size_t{4};
    if (header < wire::tcp_size || (header > length && !is_first)) return stop(facts, Reason::bad_data_offset);
  } else if (facts.proto == wire::proto_udp) {
    const std::size_t datagram = load16(l4 + 4);
    if (datagram < wire::udp_size || (datagram > length && !is_first)) return stop(facts, Reason::bad_udp_length);
  }
  facts.kind = Kind::transport;
  facts.ports_known = true;
  facts.src_port = load16(l4);
  facts.dst_port = load16(l4 + 2);
}

/// Notes a fragment's place in its datagram. False: the packet is done (a later fragment, or a fault).
constexpr bool parse_fragment(Facts& facts, std::size_t offset_bytes, bool more, std::uint32_t id,
                              std::size_t payload) {
  facts.fragment_id = id;
  if (offset_bytes + payload > 65535) {
    facts.fragment = Fragment::later;
    stop(facts, Reason::fragment_overrun);
    return false;
  }
  if (offset_bytes == 0) {
    facts.fragment = more ? Fragment::first : Fragment::none;
    return true;
  }
  facts.fragment = Fragment::later;
  facts.kind = Kind::later;
  return false;
}

constexpr void parse_ipv4(Facts& facts, Bytes frame, std::size_t wire_length) {
  const std::size_t l3 = facts.l3_offset;
  if (frame.size() < l3 + wire::ipv4_size) return stop(facts, Reason::truncated_ip);
  const auto* ip = frame.data() + l3;
  if (ip[0] >> 4 != 4) return stop(facts, Reason::bad_version);
  const std::size_t header = (ip[0] & 15) * std::size_t{4};
  if (header < wire::ipv4_size) return stop(facts, Reason::bad_ihl);
  const std::size_t total = load16(ip + 2);
  if (total < header) return stop(facts, Reason::bad_length);  // no header to believe in: not even addresses
  facts.ip_version = 4;
  facts.proto = ip[9];
  facts.proto_known = true;
  if (l3 + total > wire_length) return stop(facts, Reason::bad_length);
  facts.l3_end = static_cast<std::uint32_t>(l3 + total);
  if (frame.size() < l3 + header) return stop(facts, Reason::truncated_ip);  // only in a cut capture
  facts.l4_offset = static_cast<std::uint16_t>(l3 + header);

  const std::uint16_t fragment = load16(ip + 6);
  if ((fragment & 0x3fff) != 0) {  // offset or "more fragments"
    const bool go_on = parse_fragment(facts, (fragment & 0x1fff) * std::size_t{8}, (fragment & 0x2000) != 0,
                                      load16(ip + 4), total - header);
    if (!go_on) return;
  }
  parse_transport(facts, frame, facts.l3_end);
}

/// Walks extension headers from `at` (the end of the fixed header) to the transport header. False: the packet is done.
constexpr bool parse_extensions(Facts& facts, Bytes frame, std::size_t& at, std::uint8_t& next, std::size_t end) {
  const std::size_t present = end < frame.size() ? end : frame.size();
  bool is_fragmented = false;
  for (std::size_t walked = 0; is_extension(next); ++walked) {
    if (walked == wire::max_extension_headers) return stop(facts, Reason::too_many_extensions), false;
    if (present < at + 8) return stop(facts, Reason::truncated_extension), false;
    const auto* header = frame.data() + at;
    if (next == wire::proto_fragment) {
      // A fragment of a fragment: the second header would hide from us what the first one says.
      if (is_fragmented) return stop(facts, Reason::bad_extension), false;
      is_fragmented = true;
      const std::uint16_t word = load16(header + 2);
      at += wire::ipv6_fragment_size;
      next = header[0];
      if (at > max_l4_offset) return stop(facts, Reason::headers_too_long), false;
      facts.proto = next;
      facts.l4_offset = static_cast<std::uint16_t>(at);
      facts.proto_known = true;
      if (!parse_fragment(facts, word & 0xfff8U, (word & 1) != 0, load32(header + 4), end - at)) return false;
      facts.proto_known = false;
      continue;
    }
    const bool is_ah = next == wire::proto_ah;  // counts words of 4 bytes minus 2 (RFC 4302); the others 8 minus 1
    const std::size_t length = is_ah ? (header[1] + std::size_t{2}) * 4 : (header[1] + std::size_t{1}) * 8;
    if (is_ah && length < 12) return stop(facts, Reason::bad_extension), false;
    if (end < at + length || present < at + length) return stop(facts, Reason::truncated_extension), false;
    at += length;
    next = header[0];
    if (at > max_l4_offset) return stop(facts, Reason::headers_too_long), false;
  }
  return true;
}

constexpr void parse_ipv6(Facts& facts, Bytes frame, std::size_t wire_length) {
  const std::size_t l3 = facts.l3_offset;
  if (frame.size() < l3 + wire::ipv6_size) return stop(facts, Reason::truncated_ip);
  const auto* ip = frame.data() + l3;
  if (ip[0] >> 4 != 6) return stop(facts, Reason::bad_version);
  facts.ip_version = 6;
  const std::size_t payload = load16(ip + 4);
  std::uint8_t next = ip[6];
  // Length 0 is right only with nothing behind the header; jumbograms (RFC 2675) are not routed.
  const bool is_empty = payload == 0 && next != wire::proto_no_next_header;
  if (is_empty || l3 + wire::ipv6_size + payload > wire_length) {
    facts.proto = next;
    facts.proto_known = !is_extension(next);
    return stop(facts, Reason::bad_length);
  }
  std::size_t at = l3 + wire::ipv6_size;
  const std::size_t end = at + payload;
  facts.l3_end = static_cast<std::uint32_t>(end);
  facts.l4_offset = static_cast<std::uint16_t>(at);
  if (is_extension(next) && !parse_extensions(facts, frame, at, next, end)) return;
  facts.proto = next;
  facts.proto_known = true;
  facts.l4_offset = static_cast<std::uint16_t>(at);
  parse_transport(facts, frame, end);
}

}  // namespace detail

/// All facts about one Ethernet frame.
constexpr Facts parse(Bytes frame, std::size_t wire_length) {
  Facts facts;
  if (frame.size() < wire::ethernet_size) return detail::stop(facts, Reason::truncated_ethernet), facts;
  std::size_t at = wire::ethernet_size;
  std::uint16_t ethertype = load16(frame.data() + 12);
  while (detail::is_vlan(ethertype)) [[unlikely]] {
      if (frame.size() < at + wire::vlan_tag_size) return detail::stop(facts, Reason::truncated_vlan), facts;
      if (facts.vlan_count == wire::max_vlan_tags) return detail::stop(facts, Reason::too_many_vlans), facts;
      facts.vlan[facts.vlan_count++] = load16(frame.data() + at) & 0x0fff;
      ethertype = load16(frame.data() + at + 2);
      at += wire::vlan_tag_size;
    }
  facts.l3_offset = static_cast<std::uint16_t>(at);
  if (ethertype == wire::ethertype_ipv4) {
    detail::parse_ipv4(facts, frame, wire_length);
  } else if (ethertype == wire::ethertype_ipv6) {
    detail::parse_ipv6(facts, frame, wire_length);
  } else if (ethertype == wire::ethertype_arp) {
    facts.kind = Kind::arp;
  } else {
    detail::stop(facts, Reason::not_ip);
  }
  return facts;
}

/// A frame as it came from a device: what is there is what was on the wire.
constexpr Facts parse(Bytes frame) { return parse(frame, frame.size()); }

/// The packet quoted by an ICMP error (`facts.kind` is `icmp_error`). `ip_version` 0: nothing readable.
/// Eight bytes of the quoted transport header are enough (RFC 792); a quoted later fragment has no ports.
constexpr Quote parse_quote(Bytes frame, const Facts& facts) {
  Quote quote;
  const std::size_t end = facts.l3_end < frame.size() ? facts.l3_end : frame.size();
  const std::size_t at = facts.l4_offset + wire::icmp_size;
  if (end <= at) return quote;
  const Bytes inner = frame.subspan(at, end - at);
  const std::uint8_t version = inner[0] >> 4;
  if (version != facts.ip_version) return quote;

  std::size_t l4 = 0;
  bool is_later = false;
  std::uint8_t proto = 0;
  if (version == 4) {
    l4 = (inner[0] & 15) * std::size_t{4};
    if (l4 < wire::ipv4_size || inner.size() < l4) return quote;
    proto = inner[9];
    is_later = (load16(inner.data() + 6) & 0x1fff) != 0;
  } else {
    if (inner.size() < wire::ipv6_size) return quote;
    l4 = wire::ipv6_size;
    proto = inner[6];
    for (std::size_t walked = 0; detail::is_extension(proto) && !is_later; ++walked) {
      if (walked == wire::max_extension_headers || inner.size() < l4 + 8) break;
      const auto* header = inner.data() + l4;
      if (proto == wire::proto_fragment) {
        is_later = (load16(header + 2) & 0xfff8) != 0;
        l4 += wire::ipv6_fragment_size;
      } else {
        l4 += proto == wire::proto_ah ? (header[1] + std::size_t{2}) * 4 : (header[1] + std::size_t{1}) * 8;
      }
      proto = header[0];
    }
  }
  quote.ip_version = version;
  quote.proto = proto;
  quote.src = address_at(inner.data() + ip_src_offset(version), version);
  quote.dst = address_at(inner.data() + ip_dst_offset(version), version);
  if (!is_later && transport_index[proto] != no_transport && inner.size() >= l4 + 4) {
    quote.ports_known = true;
    quote.src_port = load16(inner.data() + l4);
    quote.dst_port = load16(inner.data() + l4 + 2);
  }
  return quote;
}

}  // namespace portier::packet
