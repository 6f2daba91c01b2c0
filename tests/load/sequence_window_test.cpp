/// Loss, duplicates and order against a model that remembers everything.
#include "sequence_window.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "traffic/random.hpp"

namespace portier::load {
namespace {

/// Numbers as a bad network would deliver them: lost, repeated, delayed by up to `far`.
std::vector<std::uint64_t> bad_arrivals(traffic::Random& random, std::uint64_t count, std::uint32_t far) {
  std::multimap<std::uint64_t, std::uint64_t> by_time;
  for (std::uint64_t sequence = 0; sequence < count; ++sequence) {
    if (random.chance(0.1)) continue;
    const auto copies = random.chance(0.1) ? 2U : 1U;
    for (unsigned i = 0; i < copies; ++i) {
      by_time.emplace(sequence + (random.chance(0.2) ? random.below(far) : 0), sequence);
    }
  }
  std::vector<std::uint64_t> arrivals;
  for (const auto& [time, sequence] : by_time) arrivals.push_back(sequence);
  return arrivals;
}

TEST(SequenceWindow, EqualsAMemoryOfEverything) {
  constexpr std::uint64_t bits = 256;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    traffic::Random random(seed);
    SequenceWindow window(bits);
    std::set<std::uint64_t> seen;
    std::uint64_t next = 0;
    for (const auto sequence : bad_arrivals(random, 5000, seed % 2 == 0 ? 150 : 600)) {
      const bool is_forgotten = sequence < next && next - sequence > bits - 64;
      const auto expected = is_forgotten                   ? Arrival::late
                            : seen.insert(sequence).second ? Arrival::fresh
                                                           : Arrival::duplicate;
      ASSERT_EQ(window.add(sequence), expected) << "seed " << seed << ", " << sequence << " of " << next;
      next = std::max(next, sequence + 1);
      ASSERT_EQ(window.next(), next);
    }
  }
}

TEST(SequenceWindow, JumpsOfAnyLength) {
  constexpr std::uint64_t bits = 128;
  for (std::uint64_t jump = 1; jump < 600; ++jump) {
    SequenceWindow window(bits);
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(window.add(i), Arrival::fresh);
    const auto far = 99 + jump;
    ASSERT_EQ(window.add(far), Arrival::fresh);
    ASSERT_EQ(window.add(far), Arrival::duplicate);
    // What lies between has not come, whatever stood in these places one round ago.
    for (auto i = std::max<std::uint64_t>(100, far + 1 - (bits - 64)); i < far; ++i) {
      ASSERT_EQ(window.add(i), Arrival::fresh) << "jump " << jump << ", " << i;
    }
  }
}

TEST(FlowOrder, EqualsRfc4737PerFlow) {
  for (const std::size_t flows : {1, 3, 8, 50}) {
    traffic::Random random(flows);
    FlowOrder order(flows);
    std::vector<std::uint64_t> next_expected(flows);
    for (const auto sequence : bad_arrivals(random, 5000, 100)) {
      auto& expected = next_expected[sequence % flows];
      ASSERT_EQ(order.add(sequence, 0), sequence < expected) << sequence;
      if (sequence >= expected) expected = sequence + 1;
    }
  }
}

TEST(FlowOrder, ANewFlowInTheSamePlaceStartsAnew) {
  FlowOrder order(1);
  EXPECT_FALSE(order.add(10, 0));
  EXPECT_FALSE(order.add(12, 1));  // the new flow's first
  EXPECT_FALSE(order.add(11, 0)) << "the old flow's straggler is not compared with the new flow";
  EXPECT_TRUE(order.add(11, 1)) << "within the new flow it is reordering";
  EXPECT_FALSE(order.add(13, 2));
  EXPECT_FALSE(order.add(20, 15 & 3));
}

}  // namespace
}  // namespace portier::load
