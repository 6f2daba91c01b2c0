/// The short way through plain frames: never another answer than `parse`, and taken by the frames it is for.
#include "packet/plain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "packet/parse.hpp"
#include "traffic/frame.hpp"
#include "traffic/malformed.hpp"
#include "traffic/mix.hpp"

namespace portier::packet {
namespace {

using traffic::Frame;
using traffic::Random;

/// A frame in a block of exactly its size, so that a sanitizer sees the first byte read too far.
PlainFacts parse_exactly(const Frame& frame) {
  const std::unique_ptr<std::uint8_t[]> bytes(new std::uint8_t[frame.size()]);
  std::memcpy(bytes.get(), frame.data(), frame.size());
  return parse_plain(bytes.get(), frame.size());
}

/// What a yes claims.
void expect_as_parsed(const Frame& frame, const PlainFacts& plain) {
  const auto facts = parse(frame);
  ASSERT_EQ(facts.reason, Reason::none);
  ASSERT_EQ(facts.kind, Kind::transport);
  ASSERT_EQ(facts.fragment, Fragment::none);
  ASSERT_EQ(facts.ip_version, plain.is_ipv6 != 0 ? 6 : 4);
  ASSERT_EQ(facts.vlan_count, plain.is_tagged);
  ASSERT_EQ(facts.proto, plain.proto);
  ASSERT_EQ(facts.l4_offset, plain.l4_offset);
  ASSERT_EQ(plain.ports, std::uint64_t{facts.proto} << 32 | std::uint64_t{facts.src_port} << 16 | facts.dst_port);
  const std::size_t addresses = facts.ip_version == 4 ? 8 : 32;
  ASSERT_EQ(facts.l3_offset + ip_src_offset(facts.ip_version), plain.l4_offset - addresses);
}

struct Case {
  const char* says;
  Frame frame;
  bool is_plain;
};

std::vector<Case> cases() {
  const auto a = traffic::v4(192, 0, 2, 1);
  const auto b = traffic::v4(192, 0, 2, 2);
  const auto c = traffic::v6(0x20010db8'00000000, 1);
  const auto d = traffic::v6(0x20010db8'00000000, 2);
  const auto frame = [] { return traffic::frame(); };
  std::vector<Case> all{
      {"udp4", frame().ipv4(a, b).udp(1, 2).payload(18).build(), true},
      {"tcp4", frame().ipv4(a, b).tcp(1, 2).payload(6).build(), true},
      {"udp6", frame().ipv6(c, d).udp(1, 2).build(), true},
      {"tcp6", frame().ipv6(c, d).tcp(1, 2).build(), true},
      {"tagged udp4", frame().vlan(5).ipv4(a, b).udp(1, 2).payload(14).build(), true},
      {"tagged tcp4", frame().vlan(5).ipv4(a, b).tcp(1, 2).payload(2).build(), true},
      {"tagged udp6", frame().vlan(5).ipv6(c, d).udp(1, 2).build(), true},
      {"tagged tcp6", frame().vlan(5).ipv6(c, d).tcp(1, 2).build(), true},
      {"large", frame().ipv4(a, b).udp(1, 2).payload(9000).build(), true},
      {"two tags", frame().vlan(5).vlan(6).ipv4(a, b).udp(1, 2).payload(18).build(), false},
      {"QinQ", frame().vlan(5, wire::ethertype_qinq).vlan(6).ipv4(a, b).udp(1, 2).payload(18).build(), false},
      {"options", frame().ipv4(a, b).options(4).udp(1, 2).payload(18).build(), false},
      {"hop by hop", frame().ipv6(c, d).hop_by_hop().udp(1, 2).build(), false},
      {"first fragment", frame().ipv4(a, b).fragment(0, true, 1).udp(1, 2).payload(32).build(), false},
      {"later fragment", frame().ipv4(a, b).fragment(8, false, 1).raw(17).payload(64).build(), false},
      {"sctp", frame().ipv4(a, b).sctp(1, 2).payload(32).build(), false},
      {"echo", frame().ipv4(a, b).icmp_echo(1, 1).payload(32).build(), false},
  };
  // The transport header says more than there is, or less than itself.
  const auto changed = [](Frame bytes, std::size_t at, std::uint8_t value) {
    bytes[at] = value;
    return bytes;
  };
  const auto udp = frame().ipv4(a, b).udp(1, 2).payload(18).build();
  const auto tcp = frame().ipv4(a, b).tcp(1, 2).payload(6).build();
  all.push_back({"udp length 7", changed(udp, 39, 7), false});
  all.push_back({"udp length 8", changed(udp, 39, 8), true});
  all.push_back({"udp length beyond", changed(udp, 39, 27), false});
  all.push_back({"data offset 4", changed(tcp, 46, 0x40), false});
  all.push_back({"data offset 6", changed(tcp, 46, 0x60), true});
  all.push_back({"data offset 7", changed(tcp, 46, 0x70), false});
  all.push_back({"total length beyond", changed(udp, 17, 47), false});
  all.push_back({"total length without room for udp", changed(udp, 17, 27), false});
  all.push_back({"reserved flag", changed(udp, 20, 0x80), true});
  return all;
}

TEST(Plain, KnowsItsFramesAndNoOthers) {
  for (const auto& [says, frame, is_plain] : cases()) {
    SCOPED_TRACE(says);
    ASSERT_GE(frame.size(), min_plain_bytes);
    const auto plain = parse_exactly(frame);
    EXPECT_EQ(plain.is_plain != 0, is_plain);
    if (plain.is_plain != 0) expect_as_parsed(frame, plain);
  }
}

TEST(Plain, NeverSaysAnythingElseThanParse) {
  std::vector<Frame> seeds;
  for (const auto& one : cases()) seeds.push_back(one.frame);
  for (const auto& kind : traffic::malformed_kinds()) seeds.push_back(kind.make({}));
  Random random(11);
  std::size_t plain_count = 0;
  for (int round = 0; round < 300'000; ++round) {
    auto frame = seeds[random.below(static_cast<std::uint32_t>(seeds.size()))];
    for (auto changes = random.below(4); changes > 0; --changes) {
      auto& byte = frame[random.below(static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), 80)))];
      byte = random.chance(0.5) ? random.byte() : static_cast<std::uint8_t>(byte ^ 1U << random.below(8));
    }
    frame.resize(std::max<std::size_t>(min_plain_bytes, frame.size() - random.below(8)));
    const auto plain = parse_exactly(frame);
    if (plain.is_plain == 0) continue;
    plain_count += 1;
    ASSERT_NO_FATAL_FAILURE(expect_as_parsed(frame, plain)) << "round " << round;
  }
  EXPECT_GT(plain_count, 20'000U);
}

}  // namespace
}  // namespace portier::packet
