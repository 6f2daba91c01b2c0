/// Makes frames and lays them out as a pool of mbufs would.
#include "frame_set.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <numeric>

#include "traffic/random.hpp"

namespace portier::bench {
namespace {

// As rte_pktmbuf_pool_create lays them out: 64 bytes of pool header, 128 of mbuf, 128 of headroom, 2,048 of room.
constexpr std::size_t pool_header_bytes = 64;
constexpr std::size_t headroom_bytes = 128;
constexpr std::size_t room_bytes = 2048;
constexpr std::size_t stride_bytes = pool_header_bytes + sizeof(rte_mbuf) + headroom_bytes + room_bytes;
constexpr std::size_t huge_page_bytes = std::size_t{2} << 20;
constexpr std::uint16_t closed_port = 9;

std::size_t count_of(Warmth warmth) {
  switch (warmth) {
    case Warmth::hot: return pass_packets;
    case Warmth::warm: return 32768;
    case Warmth::cold: break;
  }
  return 131072;
}

/// Headers of the kind that is asked for, and how long the whole frame shall be.
traffic::FrameBuilder begin_frame(const FrameSpec& spec, traffic::Random& random, bool is_tcp, std::size_t& bytes) {
  auto builder = traffic::frame();
  const bool is_mixed = spec.traffic == Traffic::mixed;
  const bool is_ipv6 = spec.traffic == Traffic::ipv6 || (is_mixed && random.below(3) == 0);
  const bool is_tagged = spec.traffic == Traffic::vlan || (is_mixed && random.below(3) == 0);
  bytes = !is_ipv6 ? 60 : is_tcp ? 76 : 64;
  if (spec.traffic == Traffic::imix) {
    const auto at = random.below(12);
    bytes = at < 7 ? 60 : at < 11 ? 590 : 1514;
  }
  if (is_tagged) {
    if (random.below(3) == 0) {
      builder.vlan(7, packet::wire::ethertype_qinq);
      bytes += 4;
    }
    builder.vlan(42);
    bytes += 4;
  }
  const auto to = random.below(static_cast<std::uint32_t>(spec.addresses));
  const auto from = random.below(1U << 20);
  if (is_ipv6) {
    builder.ipv6(traffic::v6(0x20010db8'ffff0000, from), destination6(to));
  } else {
    builder.ipv4(packet::ipv4(0xc6120000U | (from & 0x1ffff)), destination4(to));  // 198.18.0.0/15
  }
  return builder;
}

traffic::Frame make_frame(const FrameSpec& spec, traffic::Random& random, std::uint16_t to_port) {
  const bool is_tcp = spec.traffic != Traffic::ipv4_udp && random.chance(0.3);
  const bool is_mixed = spec.traffic == Traffic::mixed;
  std::size_t bytes = 0;
  auto builder = begin_frame(spec, random, is_tcp, bytes);
  const auto from_port = static_cast<std::uint16_t>(random.between(1024, 65535));
  const auto port = is_mixed && random.chance(0.02) ? closed_port : to_port;
  is_tcp ? builder.tcp(from_port, port) : builder.udp(from_port, port);
  if (is_mixed && random.chance(0.005)) return builder.ip_length(3).build();
  const auto headers = builder.build().size();
  return builder.payload(bytes > headers ? bytes - headers : 0).build();
}

}  // namespace

std::string text_of(Traffic traffic) {
  switch (traffic) {
    case Traffic::ipv4: return "ipv4";
    case Traffic::ipv6: return "ipv6";
    case Traffic::vlan: return "vlan";
    case Traffic::imix: return "imix";
    case Traffic::mixed: return "mixed";
    case Traffic::ipv4_udp: break;
  }
  return "ipv4_udp";
}

std::string text_of(Warmth warmth) { return warmth == Warmth::hot ? "hot" : warmth == Warmth::warm ? "warm" : "cold"; }

std::string text_of_ports(const FrameSpec& spec) {
  if (spec.services == 1) return "one_service";
  return (spec.popularity == Popularity::zipf ? "zipf_" : "uniform_") + std::to_string(spec.services);
}

std::vector<std::uint16_t> service_ports(std::size_t services) {
  std::vector<std::uint16_t> ports(65536);
  std::iota(ports.begin(), ports.end(), std::uint16_t{0});
  std::erase(ports, closed_port);
  traffic::Random random(2);
  for (std::size_t i = 0; i + 1 < ports.size(); ++i) {
    std::swap(ports[i], ports[i + random.below(static_cast<std::uint32_t>(ports.size() - i))]);
  }
  ports.resize(services);
  return ports;
}

packet::Address destination4(std::size_t i) { return packet::ipv4(10U << 24 | static_cast<std::uint32_t>(i) << 8 | 1); }
packet::Address destination6(std::size_t i) { return traffic::v6(0x20010db8'00000000 | i, 1); }

void FrameSet::Free::operator()(std::uint8_t* block) const { std::free(block); }

FrameSet::FrameSet(const FrameSpec& spec) {
  const auto count = count_of(spec.warmth);
  const auto bytes = (count * stride_bytes + huge_page_bytes - 1) / huge_page_bytes * huge_page_bytes;
  block_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(huge_page_bytes, bytes)));
  if (block_ == nullptr) throw std::bad_alloc();
  madvise(block_.get(), bytes, MADV_HUGEPAGE);  // as a pool would be; where it is refused, pages are small
  const auto ports = service_ports(spec.services);
  traffic::Random random(1);
  const traffic::Zipf choice(spec.services, spec.popularity == Popularity::zipf ? 1.0 : 0.0);
  order_.resize(count);
  for (std::size_t i = 0; i < count; ++i) place(i, make_frame(spec, random, ports[choice.choose(random)]));
  if (spec.warmth != Warmth::cold) return;
  for (std::size_t i = count - 1; i > 0; --i) {
    std::swap(order_[i], order_[random.below(static_cast<std::uint32_t>(i + 1))]);
  }
}

void FrameSet::place(std::size_t i, packet::Bytes frame) {
  auto* at = block_.get() + i * stride_bytes + pool_header_bytes;
  auto* mbuf = new (at) rte_mbuf{};
  mbuf->buf_addr = at + sizeof(rte_mbuf);
  mbuf->data_off = headroom_bytes;
  mbuf->buf_len = headroom_bytes + room_bytes;
  mbuf->refcnt = 1;
  mbuf->nb_segs = 1;
  mbuf->data_len = static_cast<std::uint16_t>(frame.size());
  mbuf->pkt_len = static_cast<std::uint32_t>(frame.size());
  std::memcpy(at + sizeof(rte_mbuf) + headroom_bytes, frame.data(), frame.size());
  order_[i] = mbuf;
}

packet::Bytes FrameSet::frame(std::size_t i) const {
  const auto* mbuf = order_[i];
  return {static_cast<const std::uint8_t*>(mbuf->buf_addr) + mbuf->data_off, mbuf->data_len};
}

std::size_t FrameSet::next_pass() {
  const auto first = next_pass_;
  next_pass_ = (next_pass_ + pass_packets) % size();
  return first;
}

FrameSet& frames_for(const FrameSpec& spec) {
  static FrameSpec made_for;
  static std::unique_ptr<FrameSet> made;
  if (made == nullptr || made_for != spec) {
    made.reset();
    made = std::make_unique<FrameSet>(spec);
    made_for = spec;
  }
  return *made;
}

}  // namespace portier::bench
