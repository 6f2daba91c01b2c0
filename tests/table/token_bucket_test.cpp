/// The token bucket: rate, burst, and clocks that misbehave.
#include "table/token_bucket.hpp"

#include <gtest/gtest.h>

namespace portier::table {
namespace {

constexpr std::uint64_t tsc_hz = 2'300'000'000;

int take_all(TokenBucket& bucket, std::uint64_t now) {
  int taken = 0;
  while (taken < 100'000 && bucket.take(now)) ++taken;
  return taken;
}

TEST(TokenBucket, StartsFullWheneverItStarts) {
  for (const std::uint64_t start : {std::uint64_t{0}, std::uint64_t{1} << 60}) {
    TokenBucket bucket(1000, 50, tsc_hz);
    EXPECT_EQ(take_all(bucket, start), 50);
  }
}

TEST(TokenBucket, RefillsAtItsRate) {
  TokenBucket bucket(1000, 50, tsc_hz);
  EXPECT_EQ(take_all(bucket, 0), 50);
  EXPECT_EQ(take_all(bucket, tsc_hz / 100), 10);
  EXPECT_EQ(take_all(bucket, tsc_hz / 100 + tsc_hz / 1000 - 1), 0);
  EXPECT_EQ(take_all(bucket, tsc_hz / 100 + tsc_hz / 1000), 1);
  EXPECT_EQ(take_all(bucket, tsc_hz * 10), 50) << "never above the burst";
}

TEST(TokenBucket, LosesNoFraction) {
  // Looked at every 7 ticks, ten seconds long, at a rate that divides nothing.
  constexpr std::uint64_t hz = 1'000'003;
  TokenBucket bucket(997, 10, hz);
  std::uint64_t taken = 0;
  for (std::uint64_t now = 0; now < hz * 10 + 7; now += 7) taken += bucket.take(now) ? 1U : 0U;
  EXPECT_EQ(taken, 10U + 9970U);
}

TEST(TokenBucket, ReadyTakesNothing) {
  TokenBucket bucket(1, 1, tsc_hz);
  EXPECT_TRUE(bucket.is_ready(5));
  EXPECT_TRUE(bucket.is_ready(5));
  EXPECT_TRUE(bucket.take(5));
  EXPECT_FALSE(bucket.is_ready(5));
}

TEST(TokenBucket, TimeThatGoesBackIsNoTime) {
  TokenBucket bucket(1000, 10, tsc_hz);
  EXPECT_EQ(take_all(bucket, tsc_hz), 10);
  EXPECT_EQ(take_all(bucket, tsc_hz / 2), 0);
  EXPECT_EQ(take_all(bucket, tsc_hz), 0);
  EXPECT_EQ(take_all(bucket, tsc_hz + tsc_hz / 1000), 1);
}

TEST(TokenBucket, Extremes) {
  TokenBucket never(0, 100, tsc_hz);
  EXPECT_FALSE(never.take(0));
  EXPECT_FALSE(never.take(~std::uint64_t{0}));
  TokenBucket no_burst(10, 0, tsc_hz);
  EXPECT_EQ(take_all(no_burst, 0), 1);
  TokenBucket huge(~std::uint64_t{0}, ~std::uint64_t{0}, tsc_hz);
  EXPECT_TRUE(huge.take(0));
  EXPECT_TRUE(huge.take(1));
  EXPECT_TRUE(huge.take(~std::uint64_t{0}));
  TokenBucket fast(100'000'000, 100'000'000, tsc_hz);
  EXPECT_EQ(take_all(fast, 0), 100'000);
}

static_assert([] {
  TokenBucket bucket(2, 1, 10);
  const bool first = bucket.take(0);
  const bool second = bucket.take(4);
  const bool third = bucket.take(5);
  return first && !second && third;
}());

}  // namespace
}  // namespace portier::table
