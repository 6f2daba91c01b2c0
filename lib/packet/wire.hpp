/// Header sizes, field offsets and assigned numbers, each with the document that assigns it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace portier::packet::wire {

// IEEE 802.3 and 802.1Q.
inline constexpr std::size_t ethernet_size = 14;
inline constexpr std::size_t vlan_tag_size = 4;
inline constexpr std::size_t max_vlan_tags = 4;
inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_arp = 0x0806;
inline constexpr std::uint16_t ethertype_vlan = 0x8100;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;
inline constexpr std::uint16_t ethertype_qinq = 0x88a8;
inline constexpr std::uint16_t ethertype_old_qinq = 0x9100;

// RFC 791 and RFC 8200.
inline constexpr std::size_t ipv4_size = 20;
inline constexpr std::size_t ipv6_size = 40;
inline constexpr std::size_t ipv6_fragment_size = 8;
/// Extension headers that are walked; one more is `too_many_extensions`.
inline constexpr std::size_t max_extension_headers = 8;

// https://www.iana.org/assignments/protocol-numbers
inline constexpr std::uint8_t proto_hop_by_hop = 0;
inline constexpr std::uint8_t proto_icmp = 1;
inline constexpr std::uint8_t proto_tcp = 6;
inline constexpr std::uint8_t proto_udp = 17;
inline constexpr std::uint8_t proto_dccp = 33;
inline constexpr std::uint8_t proto_routing = 43;
inline constexpr std::uint8_t proto_fragment = 44;
inline constexpr std::uint8_t proto_ah = 51;
inline constexpr std::uint8_t proto_icmpv6 = 58;
inline constexpr std::uint8_t proto_no_next_header = 59;
inline constexpr std::uint8_t proto_destination_options = 60;
inline constexpr std::uint8_t proto_sctp = 132;
inline constexpr std::uint8_t proto_udplite = 136;

// RFC 9293, 768, 3828, 9260, 4340, 792, 4443.
inline constexpr std::size_t tcp_size = 20;
inline constexpr std::size_t udp_size = 8;
inline constexpr std::size_t sctp_size = 12;
inline constexpr std::size_t dccp_size = 12;
inline constexpr std::size_t icmp_size = 8;

inline constexpr std::uint8_t tcp_fin = 0x01;
inline constexpr std::uint8_t tcp_syn = 0x02;
inline constexpr std::uint8_t tcp_rst = 0x04;
inline constexpr std::uint8_t tcp_ack = 0x10;

// RFC 792, RFC 4443, RFC 4861.
inline constexpr std::uint8_t icmp_echo_reply = 0;
inline constexpr std::uint8_t icmp_unreachable = 3;
inline constexpr std::uint8_t icmp_port_unreachable_code = 3;
inline constexpr std::uint8_t icmp_echo_request = 8;
inline constexpr std::uint8_t icmpv6_unreachable = 1;
inline constexpr std::uint8_t icmpv6_port_unreachable_code = 4;
inline constexpr std::uint8_t icmpv6_echo_request = 128;
inline constexpr std::uint8_t icmpv6_echo_reply = 129;
inline constexpr std::uint8_t icmpv6_neighbor_solicitation = 135;
inline constexpr std::uint8_t icmpv6_neighbor_advertisement = 136;

}  // namespace portier::packet::wire
