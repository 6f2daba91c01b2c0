/// Intended send times: exact over any length, with the rate, the shape and the end that were asked for.
#include "schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

namespace portier::load {
namespace {

constexpr double hz = 2.6e9;

std::vector<std::uint64_t> times(Schedule schedule) {
  std::vector<std::uint64_t> all;
  for (; schedule.due() != Schedule::never; schedule.advance()) all.push_back(schedule.due());
  return all;
}

TEST(Schedule, ConstantRateDoesNotDrift) {
  // 1/3 of a tick is left over at each step: ten million steps must not add up to more than one tick.
  Schedule schedule({}, 3e6, 10, hz);
  std::uint64_t number = 0;
  for (; schedule.due() != Schedule::never; schedule.advance(), ++number) {
    const auto exact = static_cast<std::uint64_t>(static_cast<long double>(number) * 2.6e9L / 3e6L);
    ASSERT_LE(schedule.due(), exact + 1);
    ASSERT_GE(schedule.due() + 1, exact);
  }
  EXPECT_EQ(number, 30'000'000U);
}

TEST(Schedule, ConstantCountsForManyRates) {
  for (const double rate : {1.0, 2.0, 7.0, 999.0, 1000.0, 14'880.95, 1e6}) {
    const auto count = count_packets({{}, rate, 2, hz});
    EXPECT_NEAR(static_cast<double>(count), std::ceil(rate * 2), 1) << rate;
  }
}

TEST(Schedule, FirstPacketIsDueAtOnce) {
  EXPECT_EQ(Schedule({}, 1, 1, hz).due(), 0U);
  EXPECT_EQ(count_packets({{}, 1, 1, hz}), 1U);
  EXPECT_EQ(count_packets({{}, 0.1, 1, hz}), 1U);
}

TEST(Schedule, BurstsComeTogether) {
  const auto all = times({{.kind = PatternKind::bursts, .burst_packets = 10}, 1000, 1, hz});
  ASSERT_EQ(all.size(), 1000U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(all[i]), static_cast<double>(i / 10) * hz / 100, 1);
    EXPECT_EQ(all[i], all[i / 10 * 10]);
  }
}

TEST(Schedule, PoissonHasItsMeanAndSpread) {
  const double rate = 50'000;
  const auto all = times({{.kind = PatternKind::poisson, .seed = 7}, rate, 4, hz});
  const double expected = rate * 4;
  EXPECT_NEAR(static_cast<double>(all.size()), expected, 5 * std::sqrt(expected));
  std::vector<double> gaps;
  for (std::size_t i = 1; i < all.size(); ++i) gaps.push_back(static_cast<double>(all[i] - all[i - 1]));
  const double mean = std::accumulate(gaps.begin(), gaps.end(), 0.0) / static_cast<double>(gaps.size());
  double squares = 0;
  std::size_t longer = 0;
  for (const double gap : gaps) {
    squares += (gap - mean) * (gap - mean);
    if (gap > mean) ++longer;
  }
  EXPECT_NEAR(mean, hz / rate, hz / rate * 0.02);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(gaps.size())), mean, mean * 0.03);  // as wide as its mean
  EXPECT_NEAR(static_cast<double>(longer) / static_cast<double>(gaps.size()), std::exp(-1.0), 0.01);
}

TEST(Schedule, PoissonIsTheSameForTheSameSeed) {
  const Pattern pattern{.kind = PatternKind::poisson, .seed = 3};
  EXPECT_EQ(times({pattern, 1000, 1, hz}), times({pattern, 1000, 1, hz}));
}

TEST(Schedule, RampHasItsRateEverywhere) {
  for (const auto& [from, to] : {std::pair{1000.0, 9000.0}, std::pair{9000.0, 1000.0}, std::pair{5000.0, 5000.0}}) {
    const auto all = times({{.kind = PatternKind::ramp, .ramp_to_pps = to}, from, 10, hz});
    EXPECT_NEAR(static_cast<double>(all.size()), (from + to) / 2 * 10, 2);
    for (int second = 0; second < 10; ++second) {
      const auto begin = static_cast<std::uint64_t>(second * hz);
      const auto end = static_cast<std::uint64_t>((second + 1) * hz);
      const auto count = std::count_if(all.begin(), all.end(), [&](auto t) { return t >= begin && t < end; });
      const double expected = from + (to - from) * (second + 0.5) / 10;
      EXPECT_NEAR(static_cast<double>(count), expected, 2) << from << " to " << to << ", second " << second;
    }
    EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  }
}

TEST(Schedule, RampToNothingEnds) {
  EXPECT_NEAR(static_cast<double>(count_packets({{.kind = PatternKind::ramp, .ramp_to_pps = 1e-9}, 1000, 2, hz})), 1000,
              2);
}

TEST(Schedule, RecordingKeepsItsTimes) {
  const std::vector<std::uint64_t> recorded{0, 10, 10, 500};
  EXPECT_EQ(times({recorded, 1, 100}), recorded);
  EXPECT_EQ(times({recorded, 2, 100}), (std::vector<std::uint64_t>{0, 10, 10, 500, 600, 610, 610, 1100}));
  EXPECT_EQ(Schedule(std::span<const std::uint64_t>{}, 1, 1).due(), Schedule::never);
}

}  // namespace
}  // namespace portier::load
