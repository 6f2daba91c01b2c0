/// The short way through plain frames: what `parse` would find, with branches only on what the frames of a link share.
///
/// Plain is Ethernet with at most one 802.1Q tag, IPv4 without options or IPv6 without extension headers, not a
/// fragment, with a sound TCP or UDP header. A branch is guessed and costs nothing as long as the guesses are right:
/// so tag and IP version are branches, TCP or UDP is arithmetic. Where this says yes, `parse` says the same; where it
/// says no, ask `parse`.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/bytes.hpp"
#include "packet/transport.hpp"
#include "packet/wire.hpp"

namespace portier::packet {

/// The shortest frame that `parse_plain` may be given: all that is on a wire is at least this long.
inline constexpr std::size_t min_plain_bytes = 60;

/// The addresses of a plain frame are the 8 or 32 bytes before `l4_offset`.
struct PlainFacts {
  std::uint32_t is_plain = 0;  ///< 0: nothing else here means anything
  std::uint32_t is_ipv6 = 0;
  std::uint32_t is_tagged = 0;
  std::uint32_t proto = 0;      ///< TCP or UDP
  std::uint32_t l4_offset = 0;  ///< bytes from the start of the frame
  std::uint64_t ports = 0;      ///< as flow_hash4 and flow_hash6 take them: protocol, source and destination port
};

namespace detail {

/// Of the packet whose transport header is at `l4`, `room` bytes before the packet's end (negative: there is none).
/// What the header says of its length: TCP of itself (4 bits of words), UDP of the whole datagram. No compiler makes a
/// branch of masks.
constexpr std::uint32_t is_plain_transport(const std::uint8_t* frame, std::size_t l4, std::int64_t room,
                                           std::uint8_t proto) {
  const bool is_tcp = proto == wire::proto_tcp;
  const std::uint32_t tcp = 0U - unsigned{is_tcp};
  const std::uint32_t is_read = 0U - unsigned{room >= std::int64_t{wire::tcp_size}};
  const std::uint32_t word = load16(frame + l4 + 4 + (8 & tcp & is_read));
  const std::uint32_t claimed = (word >> 10 & 0x3c & tcp) | (word & ~tcp);
  const std::uint32_t least = std::uint32_t{wire::udp_size} + (std::uint32_t{wire::tcp_size - wire::udp_size} & tcp);
  return (unsigned{is_tcp} | unsigned{proto == wire::proto_udp}) & unsigned{claimed >= least} &
         unsigned{std::int64_t{claimed} <= room} & (is_read | ~tcp);
}

template <std::uint8_t Version, bool IsTagged>
constexpr PlainFacts parse_plain_ip(const std::uint8_t* frame, std::size_t length) {
  constexpr std::size_t l3 = wire::ethernet_size + (IsTagged ? wire::vlan_tag_size : 0);
  constexpr std::size_t l4 = l3 + (Version == 4 ? wire::ipv4_size : wire::ipv6_size);
  if (length < l4 + 6) return {};  // a tagged IPv6 frame may be too short for what is read below
  const auto* ip = frame + l3;
  const bool is_expected = Version == 4 ? ip[0] == 0x45 && (load16(ip + 6) & 0x3fff) == 0 : ip[0] >> 4 == 6;
  const std::size_t end = Version == 4 ? l3 + load16(ip + 2) : l4 + load16(ip + 4);
  const std::uint8_t proto = ip[Version == 4 ? 9 : 6];
  const auto room = static_cast<std::int64_t>(end) - std::int64_t{l4};
  return {.is_plain = is_expected && end <= length ? is_plain_transport(frame, l4, room, proto) : 0,
          .is_ipv6 = Version == 6,
          .is_tagged = IsTagged,
          .proto = proto,
          .l4_offset = l4,
          .ports = std::uint64_t{proto} << 32 | load32(frame + l4)};
}

template <bool IsTagged>
constexpr PlainFacts parse_plain_frame(const std::uint8_t* frame, std::size_t length) {
  const std::uint16_t ethertype = load16(frame + (IsTagged ? 16 : 12));
  if (ethertype == wire::ethertype_ipv4) return parse_plain_ip<4, IsTagged>(frame, length);
  if (ethertype == wire::ethertype_ipv6) return parse_plain_ip<6, IsTagged>(frame, length);
  return {};
}

}  // namespace detail

/// `frame`: at least `min_plain_bytes`, and `length` bytes are what was on the wire.
constexpr PlainFacts parse_plain(const std::uint8_t* frame, std::size_t length) {
  if (load16(frame + 12) == wire::ethertype_vlan) return detail::parse_plain_frame<true>(frame, length);
  return detail::parse_plain_frame<false>(frame, length);
}

}  // namespace portier::packet
