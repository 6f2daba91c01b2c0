/// The catalogue of malformed frames.
#include "traffic/malformed.hpp"

#include <array>

namespace portier::traffic {
namespace {

using packet::Reason;
namespace wire = packet::wire;

FrameBuilder ethernet(const MalformedTarget& to) { return frame().src_mac(to.src_mac).dst_mac(to.dst_mac); }
FrameBuilder ip4(const MalformedTarget& to) { return ethernet(to).ipv4(to.src4, to.dst4); }
FrameBuilder ip6(const MalformedTarget& to) { return ethernet(to).ipv6(to.src6, to.dst6); }
FrameBuilder udp4(const MalformedTarget& to) { return ip4(to).udp(to.src_port, to.dst_port).payload(18); }
FrameBuilder udp6(const MalformedTarget& to) { return ip6(to).udp(to.src_port, to.dst_port).payload(18); }

/// Cuts an IPv4 packet to `bytes` behind the Ethernet header, and lets its length agree.
Frame cut_ip4(FrameBuilder builder, std::uint16_t bytes) {
  return builder.ip_length(bytes).cut_to(wire::ethernet_size + bytes).build();
}

/// The same for IPv6, counted from the end of its header.
Frame cut_ip6(FrameBuilder builder, std::uint16_t bytes) {
  return builder.ip_length(bytes).cut_to(wire::ethernet_size + wire::ipv6_size + bytes).build();
}

using To = const MalformedTarget&;

constexpr std::array kinds{
    MalformedKind{"runt", Reason::truncated_ethernet, [](To to) { return udp4(to).cut_to(13).build(); }},
    MalformedKind{"half a tag", Reason::truncated_vlan, [](To to) { return udp4(to).vlan(1).cut_to(16).build(); }},
    MalformedKind{"five tags", Reason::too_many_vlans,
                  [](To to) { return udp4(to).vlan(1).vlan(2).vlan(3).vlan(4).vlan(5).build(); }},
    MalformedKind{"unknown EtherType", Reason::not_ip, [](To to) { return udp4(to).ethertype(0x88b5).build(); }},
    MalformedKind{"length in place of an EtherType", Reason::not_ip,
                  [](To to) { return udp4(to).ethertype(46).build(); }},
    MalformedKind{"half an IPv4 header", Reason::truncated_ip, [](To to) { return udp4(to).cut_to(14 + 19).build(); }},
    MalformedKind{"half an IPv6 header", Reason::truncated_ip, [](To to) { return udp6(to).cut_to(14 + 39).build(); }},
    MalformedKind{"IPv6 called IPv4", Reason::bad_version,
                  [](To to) { return udp6(to).ethertype(wire::ethertype_ipv4).build(); }},
    MalformedKind{"version 5", Reason::bad_version, [](To to) { return udp4(to).ip_version(5).build(); }},
    MalformedKind{"IPv4 called IPv6", Reason::bad_version,
                  [](To to) { return udp4(to).ethertype(wire::ethertype_ipv6).build(); }},
    MalformedKind{"four header words", Reason::bad_ihl, [](To to) { return udp4(to).ihl(4).build(); }},
    MalformedKind{"no header words", Reason::bad_ihl, [](To to) { return udp4(to).ihl(0).build(); }},
    MalformedKind{"IPv4 length below its header", Reason::bad_length,
                  [](To to) { return udp4(to).ip_length(19).build(); }},
    MalformedKind{"IPv4 length beyond the frame", Reason::bad_length,
                  [](To to) { return udp4(to).ip_length(65535).build(); }},
    MalformedKind{"IPv4 header beyond its packet", Reason::bad_length, [](To to) { return udp4(to).ihl(15).build(); }},
    MalformedKind{"IPv6 length beyond the frame", Reason::bad_length,
                  [](To to) { return udp6(to).ip_length(27).build(); }},
    MalformedKind{"IPv6 length 0", Reason::bad_length, [](To to) { return udp6(to).ip_length(0).build(); }},
    MalformedKind{"half an extension header", Reason::truncated_extension,
                  [](To to) { return cut_ip6(udp6(to).hop_by_hop(16), 12); }},
    MalformedKind{"extension beyond the packet", Reason::truncated_extension,
                  [](To to) { return udp6(to).destination().extension_length(255).build(); }},
    MalformedKind{"half a fragment header", Reason::truncated_extension,
                  [](To to) { return cut_ip6(udp6(to).fragment(0, true, 7), 7); }},
    MalformedKind{"authentication header of 8 bytes", Reason::bad_extension,
                  [](To to) { return udp6(to).ah().extension_length(0).build(); }},
    MalformedKind{"two fragment headers", Reason::bad_extension,
                  [](To to) { return udp6(to).fragment(0, true, 7).fragment(0, false, 8).build(); }},
    MalformedKind{"nine extension headers", Reason::too_many_extensions,
                  [](To to) {
                    auto builder = udp6(to);
                    for (int i = 0; i < 9; ++i) builder.destination();
                    return builder.build();
                  }},
    MalformedKind{"transport beyond byte 4095", Reason::headers_too_long,
                  [](To to) { return udp6(to).destination(2048).routing(2048).build(); }},
    MalformedKind{"half a UDP header", Reason::truncated_transport, [](To to) { return cut_ip4(udp4(to), 27); }},
    MalformedKind{"half a TCP header", Reason::truncated_transport,
                  [](To to) { return cut_ip6(ip6(to).tcp(to.src_port, to.dst_port), 19); }},
    MalformedKind{"half an SCTP header", Reason::truncated_transport,
                  [](To to) { return cut_ip4(ip4(to).sctp(to.src_port, to.dst_port), 31); }},
    MalformedKind{"half a DCCP header", Reason::truncated_transport,
                  [](To to) { return cut_ip6(ip6(to).dccp(to.src_port, to.dst_port), 11); }},
    MalformedKind{"half an ICMP header", Reason::truncated_transport,
                  [](To to) { return cut_ip4(ip4(to).icmp_echo(1, 1), 27); }},
    MalformedKind{"four words of TCP", Reason::bad_data_offset,
                  [](To to) { return ip4(to).tcp(to.src_port, to.dst_port).data_offset(4).build(); }},
    MalformedKind{"TCP options beyond the segment", Reason::bad_data_offset,
                  [](To to) { return ip6(to).tcp(to.src_port, to.dst_port).data_offset(6).build(); }},
    MalformedKind{"UDP length 7", Reason::bad_udp_length, [](To to) { return udp4(to).udp_length(7).build(); }},
    MalformedKind{"UDP length beyond the packet", Reason::bad_udp_length,
                  [](To to) { return udp6(to).udp_length(27).build(); }},
    MalformedKind{"UDP length of the padding", Reason::bad_udp_length,
                  [](To to) { return udp4(to).udp_length(27).pad_to(90).build(); }},
    MalformedKind{"IPv4 fragment of 16 TCP bytes", Reason::tiny_fragment,
                  [](To to) { return cut_ip4(ip4(to).fragment(0, true, 7).tcp(to.src_port, to.dst_port), 36); }},
    MalformedKind{"IPv6 fragment of 16 TCP bytes", Reason::tiny_fragment,
                  [](To to) { return cut_ip6(ip6(to).fragment(0, true, 7).tcp(to.src_port, to.dst_port), 24); }},
    MalformedKind{"IPv4 fragment beyond 65535", Reason::fragment_overrun,
                  [](To to) { return ip4(to).fragment(65528, false, 7).raw(wire::proto_udp).payload(16).build(); }},
    MalformedKind{"IPv6 fragment beyond 65535", Reason::fragment_overrun,
                  [](To to) { return ip6(to).fragment(65528, true, 7).raw(wire::proto_udp).payload(16).build(); }},
    MalformedKind{"error without a quotation", Reason::bad_quote,
                  [](To to) { return ip4(to).icmp(wire::icmp_unreachable, 3).build(); }},
    MalformedKind{"error that quotes the other family", Reason::bad_quote,
                  [](To to) { return ip6(to).icmp_error(wire::icmpv6_unreachable, 4, udp4(to).build()).build(); }},
    MalformedKind{"error that quotes half a header", Reason::bad_quote,
                  [](To to) { return ip4(to).icmp_error(wire::icmp_unreachable, 3, udp4(to).build(), 19).build(); }},
};

}  // namespace

std::span<const MalformedKind> malformed_kinds() { return kinds; }

}  // namespace portier::traffic
