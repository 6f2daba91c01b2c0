/// By the parser of the router; the payload is compared with what was sent.
#include "frame_reader.hpp"

#include <algorithm>
#include <cstring>

#include "frame_sizes.hpp"
#include "frame_template.hpp"
#include "packet/parse.hpp"

namespace portier::load {

namespace {

namespace wire = packet::wire;

constexpr std::size_t own_table(std::uint8_t proto) { return proto == wire::proto_tcp ? 1 : 0; }

}  // namespace

FrameReader::FrameReader(const std::vector<LoadService>& services, const MarkKey& key)
    : services_(services), key_(key), filler_(most_frame_bytes) {
  for (auto& table : owners_) table.assign(65536, no_service);
  for (std::size_t i = 0; i < services.size(); ++i) {
    auto& table = owners_[own_table(packet::text_of(services[i].transport).proto)];
    for (std::uint32_t k = 0; k < services[i].port_count; ++k) {
      auto& entry = table[services[i].first_port + k];
      if (entry == no_service) entry = static_cast<std::uint16_t>(i);
    }
  }
  // Marks start two bytes behind a multiple of four, whatever the headers are, so filler starts at one.
  for (std::size_t i = 0; i < filler_.size(); ++i) filler_[i] = filler_byte(i);
}

std::uint16_t FrameReader::owner(std::uint8_t proto, std::uint16_t port) const {
  return owners_[own_table(proto)][port];
}

ReadFrame FrameReader::read(packet::Bytes frame) const {
  const auto facts = packet::parse(frame);
  if (facts.kind == packet::Kind::transport && facts.fragment == packet::Fragment::none) {
    if (facts.proto == wire::proto_udp || facts.proto == wire::proto_tcp) return read_transport(frame, facts);
  }
  if (facts.kind == packet::Kind::icmp_error) return read_unreachable(frame, facts);
  return {};
}

ReadFrame FrameReader::read_transport(packet::Bytes frame, const packet::Facts& facts) const {
  const auto* l4 = frame.data() + facts.l4_offset;
  std::size_t start = facts.l4_offset;
  std::size_t end = facts.l3_end;
  if (facts.proto == wire::proto_udp) {
    end = start + packet::load16(l4 + 4);
    start += wire::udp_size;
  } else {
    start += (l4[12] >> 4) * std::size_t{4};
  }
  if (end >= start + mark_bytes) {
    // Read only what is there: IP and UDP lengths were compared with the frame by `parse`.
    return read_mark(frame.subspan(start, end - start), facts);
  }
  return facts.proto == wire::proto_tcp ? read_tcp(frame, facts) : ReadFrame{};
}

ReadFrame FrameReader::read_mark(packet::Bytes payload, const packet::Facts& facts) const {
  const auto words = load_mark(payload.data());
  ReadFrame read;
  read.mark = decode_mark(words);
  const auto service = read.mark.service;
  if (service >= services_.size()) return {};
  const auto& owner = services_[service];
  if (packet::text_of(owner.transport).proto != facts.proto) return {};
  if (!owner.owns(facts.dst_port) && !owner.owns(facts.src_port)) return {};
  read.service = service;
  const bool is_marked = words.check == mark_check(key_, words.who, words.when, payload.size());
  const auto filler = payload.subspan(mark_bytes);
  const bool is_same =
      filler.size() <= filler_.size() && std::memcmp(filler.data(), filler_.data(), filler.size()) == 0;
  read.as = is_marked && is_same ? ReadAs::ours : ReadAs::damaged;
  return read;
}

bool FrameReader::is_syn_of_ours(std::uint32_t number, std::uint16_t service) const {
  return service != no_service && number == syn_number(key_, service, number & 0xffffff);
}

ReadFrame FrameReader::read_tcp(packet::Bytes frame, const packet::Facts& facts) const {
  const auto* l4 = frame.data() + facts.l4_offset;
  const std::uint8_t flags = l4[13] & 0x3f;
  ReadFrame read;
  std::uint32_t number = 0;
  if (flags == wire::tcp_syn) {  // came back as it was
    number = packet::load32(l4 + 4);
    read.service = owner(facts.proto, facts.dst_port);
    if (!is_syn_of_ours(number, read.service)) read.service = owner(facts.proto, facts.src_port);
  } else if ((flags & wire::tcp_ack) != 0 && (flags & (wire::tcp_syn | wire::tcp_rst)) != 0) {
    number = packet::load32(l4 + 8) - 1;
    read.service = owner(facts.proto, facts.src_port);
    read.answer = (flags & wire::tcp_rst) != 0 ? Answer::reset : Answer::syn_ack;
  } else {
    return {};
  }
  if (!is_syn_of_ours(number, read.service)) return {};
  read.as = ReadAs::syn;
  read.mark.service = read.service;
  read.mark.sequence = number & 0xffffff;
  return read;
}

ReadFrame FrameReader::read_unreachable(packet::Bytes frame, const packet::Facts& facts) const {
  const auto quote = packet::parse_quote(frame, facts);
  if (!quote.ports_known || (quote.proto != wire::proto_udp && quote.proto != wire::proto_tcp)) return {};
  ReadFrame read;
  read.service = owner(quote.proto, quote.dst_port);
  if (read.service == no_service) return {};
  read.answer = Answer::unreachable;
  // The generator's own headers, so there are neither options nor extension headers in the quote.
  const auto inner = frame.subspan(facts.l4_offset + wire::icmp_size);
  const std::size_t l4 = quote.ip_version == 4 ? wire::ipv4_size : wire::ipv6_size;
  if (quote.proto == wire::proto_tcp && inner.size() >= l4 + 8) {
    const auto number = packet::load32(inner.data() + l4 + 4);
    if (is_syn_of_ours(number, read.service)) {
      read.as = ReadAs::syn;
      read.mark.service = read.service;
      read.mark.sequence = number & 0xffffff;
      return read;
    }
  }
  const std::size_t header = quote.proto == wire::proto_udp ? wire::udp_size : wire::tcp_size;
  if (inner.size() < l4 + header + mark_bytes) return read;
  const std::size_t whole =
      quote.ip_version == 4 ? packet::load16(inner.data() + 2) : wire::ipv6_size + packet::load16(inner.data() + 4);
  if (whole < l4 + header + mark_bytes) return read;
  const auto words = load_mark(inner.data() + l4 + header);
  if (words.check != mark_check(key_, words.who, words.when, whole - l4 - header)) return read;
  read.mark = decode_mark(words);
  if (read.mark.service == read.service) read.as = ReadAs::ours;
  return read;
}

}  // namespace portier::load
