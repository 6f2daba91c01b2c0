/// What must hold for any bytes at all: random frames, and sound ones with bytes changed.
///
/// Every frame lives in a heap block of exactly its size, so that a sanitizer sees the first byte read too far.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "packet/parse.hpp"
#include "packet/transport.hpp"
#include "traffic/malformed.hpp"
#include "traffic/mix.hpp"

namespace portier::packet {
namespace {

using traffic::Frame;
using traffic::Random;

/// A copy with nothing behind it.
struct Exact {
  explicit Exact(Bytes from) : size(from.size()), data(new std::uint8_t[size]) {
    if (size != 0) std::memcpy(data.get(), from.data(), size);
  }
  Bytes bytes() const { return {data.get(), size}; }

  std::size_t size;
  std::unique_ptr<std::uint8_t[]> data;
};

/// Sound and malformed frames of every kind the builder's words make.
std::vector<Frame> seeds() {
  std::vector<traffic::Destination> destinations;
  for (const auto& transport : transports) {
    destinations.push_back({traffic::v4(192, 0, 2, 1), traffic::v6(0x20010db8'00000000, 1), transport.proto, 7});
  }
  const traffic::Mix mix({.fragment_share = 0.2, .malformed_share = 0.2, .ipv6_share = 0.5, .pool_frames = 400},
                         destinations);
  std::vector<Frame> frames;
  for (const auto& entry : mix.pool()) frames.push_back(entry.bytes);
  const auto a = traffic::v6(0x20010db8'00000000, 2);
  const auto b = traffic::v6(0x20010db8'00000000, 1);
  const auto udp = traffic::frame().ipv6(b, a).routing().fragment(0, true, 3).udp(7, 9).build();
  frames.push_back(traffic::frame().vlan(1).vlan(2).ipv6(a, b).hop_by_hop().ah().icmp_error(1, 4, udp).build());
  frames.push_back(traffic::frame().ipv6(a, b).hop_by_hop().destination().routing().ah().udp(1, 2).build());
  const auto tcp =
      traffic::frame().ipv4(traffic::v4(10, 0, 0, 1), traffic::v4(10, 0, 0, 2)).options(9).tcp(1, 2).build();
  frames.push_back(
      traffic::frame().ipv4(traffic::v4(10, 0, 0, 2), traffic::v4(10, 0, 0, 1)).icmp_error(3, 3, tcp).build());
  frames.push_back(traffic::frame().arp_request(traffic::v4(10, 0, 0, 2), traffic::v4(10, 0, 0, 1)).build());
  return frames;
}

Frame mutated(Frame frame, Random& random) {
  for (auto changes = random.below(5); changes > 0 && !frame.empty(); --changes) {
    // Headers matter more than payloads.
    const auto reach =
        static_cast<std::uint32_t>(random.chance(0.7) ? std::min<std::size_t>(frame.size(), 80) : frame.size());
    auto& byte = frame[random.below(reach)];
    byte = random.chance(0.5) ? random.byte() : static_cast<std::uint8_t>(byte ^ 1U << random.below(8));
  }
  if (random.chance(0.3)) frame.resize(random.below(static_cast<std::uint32_t>(frame.size()) + 1));
  if (random.chance(0.1)) frame.resize(frame.size() + random.below(30));
  return frame;
}

Frame noise(Random& random) {
  Frame frame(random.below(200));
  for (auto& byte : frame) byte = random.byte();
  if (frame.size() >= 14) {  // otherwise nearly all of it would end at the EtherType
    constexpr std::uint16_t types[] = {0x0800, 0x86dd, 0x8100, 0x0806};
    store16(frame.data() + 12, types[random.below(4)]);
    if (frame.size() > 14) frame[14] = static_cast<std::uint8_t>(frame[12] == 0x08 ? 0x45 : 0x60);
  }
  return frame;
}

void expect_sane(Bytes frame, const Facts& facts) {
  ASSERT_LE(facts.vlan_count, wire::max_vlan_tags);
  ASSERT_LE(facts.l3_offset, frame.size());
  ASSERT_LE(facts.l4_offset, frame.size());
  ASSERT_LE(facts.l3_end, frame.size());
  if (facts.reason != Reason::none) {
    ASSERT_EQ(facts.kind, Kind::other);
    ASSERT_FALSE(facts.ports_known);
    return;
  }
  ASSERT_LE(facts.l4_offset, max_l4_offset);
  ASSERT_EQ(facts.ports_known, facts.kind == Kind::transport);
  ASSERT_EQ(facts.fragment == Fragment::later, facts.kind == Kind::later);
  if (facts.kind == Kind::arp) return;
  ASSERT_TRUE(facts.ip_version == 4 || facts.ip_version == 6);
  ASSERT_TRUE(facts.proto_known);
  ASSERT_GE(facts.l3_offset, wire::ethernet_size);
  ASSERT_LT(facts.l3_offset, facts.l4_offset);
  ASSERT_LE(facts.l4_offset, facts.l3_end);
  if (facts.ports_known) {
    ASSERT_NE(transport_index[facts.proto], no_transport);
    ASSERT_EQ(facts.dst_port, load16(frame.data() + facts.l4_offset + 2));
  }
}

/// A shorter piece of a frame says nothing about ports that the whole frame does not say.
void expect_monotone(Bytes frame, const Facts& whole, std::size_t length) {
  const Exact part(frame.first(length));
  for (const auto& facts : {parse(part.bytes()), parse(part.bytes(), frame.size())}) {
    if (!facts.ports_known) continue;
    ASSERT_TRUE(whole.ports_known);
    ASSERT_EQ(facts.src_port, whole.src_port);
    ASSERT_EQ(facts.dst_port, whole.dst_port);
    ASSERT_EQ(facts.proto, whole.proto);
    ASSERT_EQ(facts.l4_offset, whole.l4_offset);
    ASSERT_EQ(facts.fragment, whole.fragment);
  }
}

TEST(ParseProperty, HoldsForAnyBytes) {
  Random random(20240611);
  const auto sound = seeds();
  std::size_t with_ports = 0;
  for (int round = 0; round < 200'000; ++round) {
    const auto& seed = sound[random.below(static_cast<std::uint32_t>(sound.size()))];
    const Exact exact(round % 4 == 0 ? noise(random) : mutated(seed, random));
    const auto facts = parse(exact.bytes());
    ASSERT_NO_FATAL_FAILURE(expect_sane(exact.bytes(), facts)) << "round " << round;
    if (facts.kind == Kind::icmp_error) {
      const auto quote = parse_quote(exact.bytes(), facts);
      ASSERT_TRUE(quote.ip_version == 0 || quote.ip_version == facts.ip_version);
    }
    const auto cut = random.below(static_cast<std::uint32_t>(exact.size) + 1);
    ASSERT_NO_FATAL_FAILURE(expect_monotone(exact.bytes(), facts, cut)) << "round " << round << " cut " << cut;
    with_ports += facts.ports_known ? 1 : 0;
  }
  EXPECT_GT(with_ports, 20'000U) << "the frames are too broken to test much";
}

TEST(ParseProperty, EveryPrefixOfEverySeedIsMonotone) {
  for (const auto& seed : seeds()) {
    const auto facts = parse(seed);
    const auto headers = std::min<std::size_t>(seed.size(), 150);
    for (std::size_t length = 0; length <= headers; ++length) {
      ASSERT_NO_FATAL_FAILURE(expect_monotone(seed, facts, length));
    }
  }
}

}  // namespace
}  // namespace portier::packet
