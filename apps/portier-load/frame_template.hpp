/// A frame made in advance, but for what differs from packet to packet: source, ports, mark and checksums.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>

#include "endpoints.hpp"
#include "mark.hpp"
#include "packet/bytes.hpp"
#include "packet/transport.hpp"
#include "traffic/frame.hpp"

namespace portier::load {

/// What the payload holds behind the mark, and where a frame ends: "portport...", counted from the start of the frame.
/// It repeats every four bytes, so that a tag or another IP header in front does not change it.
constexpr std::uint8_t filler_byte(std::size_t offset) { return static_cast<std::uint8_t>("port"[offset & 3]); }

/// Headers and mark of the longest kind: a tag, IPv6, TCP.
inline constexpr std::size_t most_head_bytes = 96;

enum class TemplateKind : std::uint8_t {
  marked,  ///< UDP, or TCP with ACK: the mark is the payload's start
  syn,     ///< TCP SYN: sequence number and check share the 32-bit sequence number
};

struct alignas(64) FrameTemplate {
  std::array<std::uint8_t, most_head_bytes> head{};  ///< bytes behind the mark are filler
  std::uint64_t segment_sum = 0;  ///< of the transport segment and its pseudo-header, with all that differs as 0
  std::uint32_t ip_sum = 0;       ///< of the IPv4 header without the source address
  std::uint16_t length = 0;       ///< of the frame
  std::uint16_t payload_bytes = 0;
  std::uint16_t service = 0;
  std::uint16_t family = 0;          ///< index into Endpoint::address: 0 IPv4, 1 IPv6
  std::uint16_t address_offset = 0;  ///< of the last 32 bits of the source address
  std::uint16_t ip_checksum_offset = 0;
  std::uint16_t transport_offset = 0;
  std::uint16_t checksum_offset = 0;
  std::uint16_t mark_offset = 0;  ///< SYN: that of the sequence number
  std::uint16_t dst_port = 0;     ///< network order
  TemplateKind kind = TemplateKind::marked;
};

struct TemplateSpec {
  TemplateKind kind = TemplateKind::marked;
  packet::Transport transport = packet::Transport::udp;
  packet::Address src;  ///< its last 32 bits do not matter
  packet::Address dst;
  std::uint16_t dst_port = 0;
  std::uint16_t service = 0;
  std::size_t frame_bytes = 60;  ///< raised to what headers and mark need
  traffic::Mac src_mac = traffic::default_src_mac;
  traffic::Mac dst_mac = traffic::default_dst_mac;
  std::optional<std::uint16_t> vlan;
};

FrameTemplate make_template(const TemplateSpec& spec);

/// The whole frame as a buffer must hold it before `write_head` completes it: filler from its first to its last byte.
void fill(packet::MutableBytes buffer);

// ---- per packet ----

/// One's complement sums may be taken in any byte order as long as it is the same throughout (RFC 1071, section 2).
constexpr std::uint16_t fold_sum(std::uint64_t sum) {
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff'ffff) + (sum >> 32);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// UDP sends a sum of 0 as 0xffff (RFC 768); for TCP both are the same number.
constexpr std::uint16_t checksum_of_sum(std::uint64_t sum) {
  const auto value = static_cast<std::uint16_t>(~fold_sum(sum));
  return value == 0 ? std::uint16_t{0xffff} : value;
}

/// RFC 1624, equation 3, for any number of words at once: HC' = ~(~HC + ~m + m').
constexpr std::uint16_t updated_checksum(std::uint16_t checksum, std::uint64_t old_sum, std::uint64_t new_sum) {
  return checksum_of_sum(static_cast<std::uint64_t>(static_cast<std::uint16_t>(~checksum)) +
                         static_cast<std::uint16_t>(~fold_sum(old_sum)) + fold_sum(new_sum));
}

constexpr std::uint64_t sum_of(const MarkWords& words) {
  return (words.who & 0xffff'ffff) + (words.who >> 32) + (words.when & 0xffff'ffff) + (words.when >> 32) + words.check;
}

/// Copies the head and writes source, ports and the IP checksum; returns what these add to the segment's sum.
template <std::size_t HeadBytes>
inline std::uint64_t write_headers(std::uint8_t* to, const FrameTemplate& frame, const Endpoint& from,
                                   std::uint16_t dst_port) {
  std::memcpy(to, frame.head.data(), HeadBytes);
  const std::uint32_t address = from.address[frame.family];
  const std::uint32_t ports = from.port | std::uint32_t{dst_port} << 16;
  std::memcpy(to + frame.address_offset, &address, 4);
  std::memcpy(to + frame.transport_offset, &ports, 4);
  // IPv6 has none: what is written there is overwritten by the mark.
  std::uint32_t sum = frame.ip_sum + (address & 0xffff) + (address >> 16);
  sum = (sum & 0xffff) + (sum >> 16);
  sum += sum >> 16;
  const auto ip_checksum = static_cast<std::uint16_t>(~sum);
  std::memcpy(to + frame.ip_checksum_offset, &ip_checksum, 2);
  return std::uint64_t{address} + ports;
}

/// Completes a frame whose buffer holds filler behind the head.
template <std::size_t HeadBytes>
inline void write_marked(std::uint8_t* to, const FrameTemplate& frame, const Endpoint& from, std::uint16_t dst_port,
                         const MarkWords& words) {
  const auto sum = write_headers<HeadBytes>(to, frame, from, dst_port) + frame.segment_sum + sum_of(words);
  store_mark(to + frame.mark_offset, words);
  const auto checksum = checksum_of_sum(sum);
  std::memcpy(to + frame.checksum_offset, &checksum, 2);
}

template <std::size_t HeadBytes>
inline void write_syn(std::uint8_t* to, const FrameTemplate& frame, const Endpoint& from, std::uint16_t dst_port,
                      std::uint32_t tcp_sequence) {
  const std::uint32_t in_network_order = __builtin_bswap32(tcp_sequence);
  const auto sum = write_headers<HeadBytes>(to, frame, from, dst_port) + frame.segment_sum + in_network_order;
  std::memcpy(to + frame.mark_offset, &in_network_order, 4);
  const auto checksum = checksum_of_sum(sum);
  std::memcpy(to + frame.checksum_offset, &checksum, 2);
}

/// Writes another send time into a frame that has not left yet; its checksum follows by difference.
inline void restamp(std::uint8_t* frame_bytes, const FrameTemplate& frame, const MarkKey& key,
                    std::uint64_t now_ticks) {
  const auto before = load_mark(frame_bytes + frame.mark_offset);
  auto mark = decode_mark(before);
  mark.delay_ticks = (now_ticks & mark_mask48) - mark.intended_ticks;
  const auto after = encode_mark(key, mark, frame.payload_bytes);
  std::uint16_t checksum = 0;
  std::memcpy(&checksum, frame_bytes + frame.checksum_offset, 2);
  checksum = updated_checksum(checksum, sum_of(before), sum_of(after));
  std::memcpy(frame_bytes + frame.checksum_offset, &checksum, 2);
  store_mark(frame_bytes + frame.mark_offset, after);
}

// ---- SYN ----

/// 24 bits of the sequence and an 8-bit keyed check: what a TCP sequence number holds, and what an answer repeats.
constexpr std::uint32_t syn_number(const MarkKey& key, std::uint16_t service, std::uint64_t sequence) {
  const auto low = static_cast<std::uint32_t>(sequence & 0xffffff);
  return low | static_cast<std::uint32_t>(mark_check(key, low, service, 0) & 0xff) << 24;
}

}  // namespace portier::load
