/// The flow hash: even over buckets, different under another key, and sensitive to every field.
#include "packet/flow_hash.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <vector>

#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::packet {
namespace {

constexpr std::uint32_t bucket_count = 1024;
constexpr std::uint32_t flows_per_bucket = 100;
constexpr HashKey other_key{{0x0123456789abcdef, 0xfedcba9876543210, 0x5555aaaa5555aaab, 0x13579bdf02468ace}};

/// Chi-square over the buckets, by the hash's low or its high bits, whichever is worse. With 1023 degrees of freedom
/// the mean is 1023 and the deviation 45.
double chi_square(const HashKey& key, const std::function<FlowKey(std::uint32_t)>& flow, unsigned shift) {
  std::vector<std::uint32_t> hits(bucket_count);
  for (std::uint32_t i = 0; i < bucket_count * flows_per_bucket; ++i) {
    ++hits[(flow_hash(key, flow(i)) >> shift) % bucket_count];
  }
  double sum = 0;
  for (const auto count : hits) {
    const double off = static_cast<double>(count) - flows_per_bucket;
    sum += off * off / flows_per_bucket;
  }
  return sum;
}

double chi_square(const HashKey& key, const std::function<FlowKey(std::uint32_t)>& flow) {
  return std::max(chi_square(key, flow, 0), chi_square(key, flow, 22));
}

FlowKey base4() { return {ipv4(0x0a000001), ipv4(0xc0000201), 40000, 53, 17}; }
FlowKey base6() { return {traffic::v6(0x20010db8'00000000, 1), traffic::v6(0x20010db8'00000000, 2), 40000, 53, 17}; }

FlowKey ports_counted(FlowKey flow, std::uint32_t i) {
  flow.src_port = static_cast<std::uint16_t>(i);
  flow.dst_port = static_cast<std::uint16_t>(i >> 16);
  return flow;
}

TEST(FlowHash, SpreadsCountingFields) {
  for (const auto& key : {fixed_hash_key, other_key}) {
    EXPECT_LT(chi_square(key, [](std::uint32_t i) { return ports_counted(base4(), i); }), 1300);
    EXPECT_LT(chi_square(key, [](std::uint32_t i) { return ports_counted(base6(), i); }), 1300);
    const auto by_source4 = [](std::uint32_t i) {
      auto flow = base4();
      flow.src = ipv4(0x0a000000 + i);
      return flow;
    };
    EXPECT_LT(chi_square(key, by_source4), 1300);
    const auto by_source6 = [](std::uint32_t i) {
      auto flow = base6();
      flow.src = traffic::v6(0x20010db8'00000000, i);
      return flow;
    };
    EXPECT_LT(chi_square(key, by_source6), 1300);
    const auto by_network6 = [](std::uint32_t i) {
      auto flow = base6();
      flow.src = traffic::v6(0x20010db8'00000000 + (std::uint64_t{i} << 8), 1);
      return flow;
    };
    EXPECT_LT(chi_square(key, by_network6), 1300);
  }
}

// A single multiplication would fail here for about one key in a hundred.
TEST(FlowHash, SpreadsUnderAnyKey) {
  traffic::Random random(3);
  for (int round = 0; round < 200; ++round) {
    const HashKey key{{random.next(), random.next(), random.next(), random.next()}};
    const auto& base = round % 2 == 0 ? base4() : base6();
    EXPECT_LT(chi_square(
                  key, [&](std::uint32_t i) { return ports_counted(base, i); }, 22),
              1350)
        << "round " << round;
  }
}

TEST(FlowHash, DependsOnTheKey) {
  int same = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    same +=
        flow_hash(fixed_hash_key, ports_counted(base4(), i)) == flow_hash(other_key, ports_counted(base4(), i)) ? 1 : 0;
    same +=
        flow_hash(fixed_hash_key, ports_counted(base6(), i)) == flow_hash(other_key, ports_counted(base6(), i)) ? 1 : 0;
  }
  EXPECT_LE(same, 1);
}

TEST(FlowHash, DependsOnEveryBit) {
  for (const auto& base : {base4(), base6()}) {
    const auto hash = flow_hash(fixed_hash_key, base);
    for (unsigned bit = 0; bit < base.src.bits(); ++bit) {
      auto flow = base;
      flow.src.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_NE(flow_hash(fixed_hash_key, flow), hash) << "source bit " << bit;
      flow = base;
      flow.dst.bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_NE(flow_hash(fixed_hash_key, flow), hash) << "destination bit " << bit;
    }
    for (unsigned bit = 0; bit < 16; ++bit) {
      auto flow = base;
      flow.src_port ^= static_cast<std::uint16_t>(1U << bit);
      EXPECT_NE(flow_hash(fixed_hash_key, flow), hash);
      flow = base;
      flow.dst_port ^= static_cast<std::uint16_t>(1U << bit);
      EXPECT_NE(flow_hash(fixed_hash_key, flow), hash);
    }
    auto flow = base;
    flow.proto = 6;
    EXPECT_NE(flow_hash(fixed_hash_key, flow), hash);
  }
}

static_assert(flow_hash(fixed_hash_key, FlowKey{ipv4(1), ipv4(2), 3, 4, 17}) ==
              flow_hash(fixed_hash_key, FlowKey{ipv4(1), ipv4(2), 3, 4, 17}));

}  // namespace
}  // namespace portier::packet
