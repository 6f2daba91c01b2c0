/// Templates by the words of lib/traffic: what they compute, checksums included, is where the sums come from.
#include "frame_template.hpp"

#include <algorithm>

#include "packet/parse.hpp"

namespace portier::load {

namespace {

std::uint16_t load_native(const traffic::Frame& frame, std::size_t offset) {
  std::uint16_t value = 0;
  std::memcpy(&value, frame.data() + offset, 2);
  return value;
}

/// The sum that a checksum in a frame stands for.
std::uint16_t sum_behind(const traffic::Frame& frame, std::size_t offset) {
  return static_cast<std::uint16_t>(~load_native(frame, offset));
}

packet::Address without_last_word(packet::Address address) {
  std::fill_n(address.bytes.begin() + static_cast<std::ptrdiff_t>(address.size()) - 4, 4, std::uint8_t{0});
  return address;
}

}  // namespace

void fill(packet::MutableBytes buffer) {
  for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = filler_byte(i);
}

FrameTemplate make_template(const TemplateSpec& spec) {
  const bool is_ipv4 = spec.dst.version == 4;
  const bool is_tcp = spec.transport == packet::Transport::tcp;
  const std::size_t headers = packet::wire::ethernet_size + (spec.vlan ? packet::wire::vlan_tag_size : 0) +
                              (is_ipv4 ? packet::wire::ipv4_size : packet::wire::ipv6_size) +
                              packet::text_of(spec.transport).header_size;
  const std::size_t mark = spec.kind == TemplateKind::marked ? mark_bytes : 0;
  const std::size_t payload_bytes =
      spec.kind == TemplateKind::syn ? 0 : std::max(spec.frame_bytes, headers + mark) - headers;

  traffic::Frame payload(payload_bytes);
  for (std::size_t i = mark; i < payload_bytes; ++i) payload[i] = filler_byte(headers + i);
  auto words = traffic::frame().src_mac(spec.src_mac).dst_mac(spec.dst_mac);
  if (spec.vlan) words.vlan(*spec.vlan);
  words.addresses(without_last_word(spec.src), spec.dst).dont_fragment();
  if (is_tcp) {
    const auto flags = spec.kind == TemplateKind::syn ? packet::wire::tcp_syn : packet::wire::tcp_ack;
    words.tcp(0, spec.dst_port, flags, 0, spec.kind == TemplateKind::syn ? 0 : 1);
  } else {
    words.udp(0, spec.dst_port);
  }
  words.payload(packet::Bytes(payload)).pad_to(std::max<std::size_t>(spec.frame_bytes, 60));
  const auto built = words.build();
  const auto facts = packet::parse(built);

  FrameTemplate made;
  made.kind = spec.kind;
  fill(made.head);
  std::copy_n(built.begin(), std::min(built.size(), made.head.size()), made.head.begin());
  made.length = static_cast<std::uint16_t>(built.size());
  made.payload_bytes = static_cast<std::uint16_t>(payload_bytes);
  made.service = spec.service;
  made.family = is_ipv4 ? 0 : 1;
  made.transport_offset = facts.l4_offset;
  made.checksum_offset = static_cast<std::uint16_t>(facts.l4_offset + (is_tcp ? 16 : 6));
  made.mark_offset = static_cast<std::uint16_t>(spec.kind == TemplateKind::syn ? facts.l4_offset + 4 : headers);
  const auto source = facts.l3_offset + packet::ip_src_offset(facts.ip_version);
  made.address_offset = static_cast<std::uint16_t>(source + (is_ipv4 ? 0 : 12));
  made.dst_port = __builtin_bswap16(spec.dst_port);
  // The ports word is 0 in the sum: `write_headers` adds both ports.
  made.segment_sum = std::uint64_t{sum_behind(built, made.checksum_offset)} +
                     static_cast<std::uint16_t>(~load_native(built, facts.l4_offset + 2U));
  made.ip_checksum_offset = is_ipv4 ? static_cast<std::uint16_t>(facts.l3_offset + 10) : made.mark_offset;
  made.ip_sum = is_ipv4 ? sum_behind(built, made.ip_checksum_offset) : 0;
  return made;
}

}  // namespace portier::load
