/// Assembly of built frames: from the transport segment outwards.
#include "traffic/frame.hpp"

#include <algorithm>

#include "packet/checksum.hpp"
#include "packet/parse.hpp"

namespace portier::traffic {
namespace {

namespace wire = packet::wire;

void append16(Frame& to, std::uint16_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8));
  to.push_back(static_cast<std::uint8_t>(value));
}

void append(Frame& to, packet::Bytes bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

std::uint16_t low16(std::size_t value) { return static_cast<std::uint16_t>(value); }

/// CRC32c as SCTP puts it on the wire (RFC 9260 appendix A): reflected, stored with its low byte first.
void store_sctp_checksum(Frame& segment) {
  std::uint32_t crc = 0xffffffff;
  for (const auto byte : segment) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
  }
  crc = ~crc;
  for (unsigned i = 0; i < 4; ++i) segment[8 + i] = static_cast<std::uint8_t>(crc >> (8 * i));
}

/// Where a protocol keeps its 16-bit Internet checksum; 0: nowhere.
std::size_t checksum_offset(std::uint8_t proto) {
  switch (proto) {
    case wire::proto_tcp: return 16;
    case wire::proto_udp:
    case wire::proto_udplite:
    case wire::proto_dccp: return 6;
    case wire::proto_icmp:
    case wire::proto_icmpv6: return 2;
    default: return 0;
  }
}

std::uint16_t segment_checksum(const packet::Address& src, const packet::Address& dst, std::uint8_t proto,
                               const Frame& segment) {
  if (proto == wire::proto_icmp) return packet::checksum(segment);
  if (proto == wire::proto_udplite) {  // covers the first `coverage` bytes, under a pseudo-header with the whole length
    const std::size_t coverage = packet::load16(segment.data() + 4);
    if (coverage >= wire::udp_size && coverage < segment.size()) {
      packet::ChecksumSum sum;
      sum.add({src.bytes.data(), src.size()});
      sum.add({dst.bytes.data(), dst.size()});
      sum.add_word(proto);
      sum.add_word(static_cast<std::uint32_t>(segment.size()));
      sum.add(packet::Bytes(segment).first(coverage));
      return sum.finish();
    }
  }
  return packet::transport_checksum(src, dst, proto, segment);
}

}  // namespace

Frame FrameBuilder::build_segment() const {
  Frame segment = header_;
  if (proto_ == wire::proto_tcp && !segment.empty()) {
    segment.insert(segment.end(), tcp_option_words_ * 4, 1);
    const auto words = data_offset_.value_or(static_cast<std::uint8_t>(5 + tcp_option_words_));
    segment[12] = static_cast<std::uint8_t>(words << 4);
  }
  append(segment, payload_);
  if (header_.empty()) return segment;  // `raw`

  if (proto_ == wire::proto_udp) packet::store16(segment.data() + 4, udp_length_.value_or(low16(segment.size())));
  if (proto_ == wire::proto_sctp) store_sctp_checksum(segment);
  if (const auto at = checksum_offset(proto_); at != 0) {
    auto sum = segment_checksum(src_, dst_, proto_, segment);
    if (sum == 0 && (proto_ == wire::proto_udp || proto_ == wire::proto_udplite)) sum = 0xffff;
    packet::store16(segment.data() + at, checksum_.value_or(sum));
  }
  return segment;
}

void FrameBuilder::append_ipv4(Frame& frame, const Frame& segment) const {
  const std::size_t at = frame.size();
  const std::size_t header = wire::ipv4_size + 4 * option_words_;
  frame.resize(at + header, 1);  // options: no-operation
  auto* ip = frame.data() + at;
  const auto words = ihl_.value_or(static_cast<std::uint8_t>(header / 4));
  ip[0] = static_cast<std::uint8_t>(ip_version_.value_or(4) << 4 | (words & 15));
  ip[1] = traffic_class_;
  packet::store16(ip + 2, ip_length_.value_or(low16(header + segment.size())));
  packet::store16(ip + 4, id_);
  const unsigned flags = (dont_fragment_ ? 0x4000U : 0U) | (more_fragments_ ? 0x2000U : 0U);
  packet::store16(ip + 6, low16(flags | (fragment_offset_ / 8 & 0x1fff)));
  ip[8] = ttl_;
  ip[9] = next_header_.value_or(proto_);
  packet::store16(ip + 10, 0);
  std::copy_n(src_.bytes.begin(), 4, ip + 12);
  std::copy_n(dst_.bytes.begin(), 4, ip + 16);
  packet::store16(ip + 10, ip_checksum_.value_or(packet::checksum({ip, header})));
  append(frame, segment);
}

void FrameBuilder::append_ipv6(Frame& frame, const Frame& segment) const {
  std::size_t length = segment.size();
  for (const auto& extension : extensions_) length += extension.bytes.size();
  const auto first = extensions_.empty() ? proto_ : extensions_.front().proto;
  frame.push_back(static_cast<std::uint8_t>(ip_version_.value_or(6) << 4 | traffic_class_ >> 4));
  frame.push_back(static_cast<std::uint8_t>(traffic_class_ << 4));
  append16(frame, 0);
  append16(frame, ip_length_.value_or(low16(length)));
  frame.push_back(next_header_.value_or(first));
  frame.push_back(ttl_);
  append(frame, src_.bytes);
  append(frame, dst_.bytes);
  for (std::size_t i = 0; i < extensions_.size(); ++i) {
    const std::size_t at = frame.size();
    append(frame, extensions_[i].bytes);
    frame[at] = i + 1 < extensions_.size() ? extensions_[i + 1].proto : proto_;
  }
  append(frame, segment);
}

Frame FrameBuilder::build() const {
  Frame frame;
  append(frame, dst_mac_);
  append(frame, src_mac_);
  for (const auto& [tpid, tci] : tags_) append16(frame, tpid), append16(frame, tci);
  const auto implied =
      !arp_.empty() ? wire::ethertype_arp : (src_.version == 6 ? wire::ethertype_ipv6 : wire::ethertype_ipv4);
  append16(frame, ethertype_.value_or(implied));

  if (!arp_.empty()) {
    append(frame, arp_);
    std::copy(src_mac_.begin(), src_mac_.end(), frame.end() - 20);  // its sender's hardware address
  } else if (src_.version == 4) {
    append_ipv4(frame, build_segment());
  } else if (src_.version == 6) {
    append_ipv6(frame, build_segment());
  } else {
    append(frame, payload_);
  }
  if (frame.size() < pad_to_) frame.resize(pad_to_, 0);
  if (cut_to_ && *cut_to_ < frame.size()) frame.resize(*cut_to_);
  return frame;
}

std::vector<Frame> fragments_of(const Frame& whole, std::size_t payload_bytes, std::uint32_t id) {
  const auto facts = packet::parse(whole);
  const std::size_t step = std::max<std::size_t>(payload_bytes / 8 * 8, 8);
  const packet::Bytes head = packet::Bytes(whole).first(facts.l4_offset);
  const packet::Bytes body = packet::Bytes(whole).subspan(facts.l4_offset, facts.l3_end - facts.l4_offset);
  std::vector<Frame> fragments;
  for (std::size_t offset = 0; offset < body.size(); offset += step) {
    const auto part = body.subspan(offset, std::min(step, body.size() - offset));
    const bool more = offset + part.size() < body.size();
    Frame frame(head.begin(), head.end());
    auto* ip = frame.data() + facts.l3_offset;
    if (facts.ip_version == 4) {
      packet::store16(ip + 2, low16(wire::ipv4_size + part.size()));
      packet::store16(ip + 4, static_cast<std::uint16_t>(id));
      packet::store16(ip + 6, low16((more ? 0x2000U : 0U) | offset / 8));
      packet::store16(ip + 10, 0);
      packet::store16(ip + 10, packet::checksum({ip, wire::ipv4_size}));
    } else {
      packet::store16(ip + 4, low16(wire::ipv6_fragment_size + part.size()));
      ip[6] = wire::proto_fragment;
      frame.insert(frame.end(), {facts.proto, 0});
      append16(frame, low16(offset | (more ? 1U : 0U)));
      append16(frame, static_cast<std::uint16_t>(id >> 16));
      append16(frame, static_cast<std::uint16_t>(id));
    }
    append(frame, part);
    fragments.push_back(std::move(frame));
  }
  return fragments;
}

}  // namespace portier::traffic
