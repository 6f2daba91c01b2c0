/// The words of the frame builder that make headers.
#include <algorithm>
#include <numeric>

#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace portier::traffic {

namespace wire = packet::wire;

FrameBuilder& FrameBuilder::vlan(std::uint16_t tci, std::uint16_t tpid) { return tags_.emplace_back(tpid, tci), *this; }

FrameBuilder& FrameBuilder::addresses(const packet::Address& src, const packet::Address& dst) {
  src_ = src;
  dst_ = dst;
  return *this;
}

FrameBuilder& FrameBuilder::fragment(std::size_t offset_bytes, bool more, std::uint32_t id) {
  fragment_offset_ = offset_bytes;
  more_fragments_ = more;
  id_ = static_cast<std::uint16_t>(id);
  if (src_.version != 6) return *this;
  Extension header{wire::proto_fragment, Frame(wire::ipv6_fragment_size)};
  packet::store16(header.bytes.data() + 2, static_cast<std::uint16_t>((offset_bytes & 0xfff8) | (more ? 1U : 0U)));
  packet::store32(header.bytes.data() + 4, id);
  extensions_.push_back(std::move(header));
  return *this;
}

FrameBuilder& FrameBuilder::extension(std::uint8_t proto, std::size_t bytes) {
  Extension header{proto, Frame(bytes)};
  const bool is_ah = proto == wire::proto_ah;
  header.bytes[1] = static_cast<std::uint8_t>(is_ah ? bytes / 4 - 2 : bytes / 8 - 1);
  if (!is_ah && proto != wire::proto_routing && bytes <= 8 + 255) {
    header.bytes[2] = 1;  // PadN over the rest
    header.bytes[3] = static_cast<std::uint8_t>(bytes - 4);
  }
  extensions_.push_back(std::move(header));
  return *this;
}

FrameBuilder& FrameBuilder::extension_length(std::uint8_t value) {
  if (!extensions_.empty()) extensions_.back().bytes[1] = value;
  return *this;
}

FrameBuilder& FrameBuilder::transport(std::uint8_t proto, Frame header) {
  proto_ = proto;
  header_ = std::move(header);
  return *this;
}

namespace {

Frame with_ports(std::size_t size, std::uint16_t src_port, std::uint16_t dst_port) {
  Frame header(size);
  packet::store16(header.data(), src_port);
  packet::store16(header.data() + 2, dst_port);
  return header;
}

}  // namespace

FrameBuilder& FrameBuilder::udp(std::uint16_t src_port, std::uint16_t dst_port) {
  return transport(wire::proto_udp, with_ports(wire::udp_size, src_port, dst_port));
}

FrameBuilder& FrameBuilder::udplite(std::uint16_t src_port, std::uint16_t dst_port, std::uint16_t coverage) {
  auto header = with_ports(wire::udp_size, src_port, dst_port);
  packet::store16(header.data() + 4, coverage);
  return transport(wire::proto_udplite, std::move(header));
}

FrameBuilder& FrameBuilder::tcp(std::uint16_t src_port, std::uint16_t dst_port, std::uint8_t flags, std::uint32_t seq,
                                std::uint32_t ack) {
  auto header = with_ports(wire::tcp_size, src_port, dst_port);
  packet::store32(header.data() + 4, seq);
  packet::store32(header.data() + 8, ack);
  header[13] = flags;
  packet::store16(header.data() + 14, 65535);  // window
  return transport(wire::proto_tcp, std::move(header));
}

FrameBuilder& FrameBuilder::sctp(std::uint16_t src_port, std::uint16_t dst_port, std::uint32_t tag) {
  auto header = with_ports(wire::sctp_size, src_port, dst_port);
  packet::store32(header.data() + 4, tag);
  return transport(wire::proto_sctp, std::move(header));
}

FrameBuilder& FrameBuilder::dccp(std::uint16_t src_port, std::uint16_t dst_port) {
  constexpr std::size_t request_size = 20;
  auto header = with_ports(request_size, src_port, dst_port);
  header[4] = request_size / 4;
  header[8] = 1;   // type 0 (request), long sequence number
  header[15] = 1;  // sequence number 1
  return transport(wire::proto_dccp, std::move(header));
}

FrameBuilder& FrameBuilder::icmp(std::uint8_t type, std::uint8_t code, std::uint32_t rest) {
  Frame header(wire::icmp_size);
  header[0] = type;
  header[1] = code;
  packet::store32(header.data() + 4, rest);
  return transport(src_.version == 6 ? wire::proto_icmpv6 : wire::proto_icmp, std::move(header));
}

FrameBuilder& FrameBuilder::icmp_echo(std::uint16_t id, std::uint16_t sequence) {
  const auto type = src_.version == 6 ? wire::icmpv6_echo_request : wire::icmp_echo_request;
  return icmp(type, 0, std::uint32_t{id} << 16 | sequence);
}

FrameBuilder& FrameBuilder::icmp_error(std::uint8_t type, std::uint8_t code, packet::Bytes quoted,
                                       std::size_t quote_bytes, std::uint32_t rest) {
  const auto facts = packet::parse(quoted);
  const std::size_t end = std::clamp<std::size_t>(facts.l3_end, facts.l3_offset, quoted.size());
  const auto packet = quoted.subspan(facts.l3_offset, end - facts.l3_offset);
  return icmp(type, code, rest).payload(packet.first(std::min(packet.size(), quote_bytes)));
}

FrameBuilder& FrameBuilder::raw(std::uint8_t proto) { return transport(proto, {}); }

FrameBuilder& FrameBuilder::payload(std::size_t bytes) {
  payload_.resize(bytes);
  std::iota(payload_.begin(), payload_.end(), std::uint8_t{0});
  return *this;
}

FrameBuilder& FrameBuilder::payload(packet::Bytes bytes) { return payload_.assign(bytes.begin(), bytes.end()), *this; }

FrameBuilder& FrameBuilder::arp_request(const packet::Address& sender, const packet::Address& target) {
  dst_mac_.fill(0xff);
  arp_ = {0, 1, 8, 0, 6, 4, 0, 1};  // Ethernet, IPv4, lengths of their addresses, request
  arp_.resize(28);                  // the sender's MAC is filled in by `build`
  std::copy_n(sender.bytes.begin(), 4, arp_.begin() + 14);
  std::copy_n(target.bytes.begin(), 4, arp_.begin() + 24);
  return *this;
}

FrameBuilder& FrameBuilder::neighbor_solicitation(const packet::Address& src, const packet::Address& target) {
  auto group = v6(0xff02'0000'0000'0000, 0x0000'0001'ff00'0000);
  std::copy_n(target.bytes.begin() + 13, 3, group.bytes.begin() + 13);
  dst_mac_ = {0x33, 0x33};
  std::copy_n(group.bytes.begin() + 12, 4, dst_mac_.begin() + 2);
  Frame body(target.bytes.begin(), target.bytes.end());
  if (!packet::is_unspecified(src)) {
    body.insert(body.end(), {1, 1});  // source link-layer address
    body.insert(body.end(), src_mac_.begin(), src_mac_.end());
  }
  return addresses(src, group).ttl(255).icmp(wire::icmpv6_neighbor_solicitation, 0).payload(packet::Bytes(body));
}

}  // namespace portier::traffic
