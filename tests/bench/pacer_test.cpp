/// The pacer emits what is due, stamps it with the time at which it was due, and counts what a device would have
/// missed.
#include "pacer.hpp"

#include <gtest/gtest.h>

namespace portier::bench {
namespace {

constexpr double tsc_hz = 1e9;  // a tick is a nanosecond
constexpr std::uint16_t limit = 32;

TEST(Pacer, EmitsNothingAtRateZero) {
  Pacer pacer;
  EXPECT_EQ(pacer.due(1'000'000, limit), 0);
  pacer.set_rate(0, tsc_hz);
  EXPECT_EQ(pacer.due(2'000'000, limit), 0);
  EXPECT_EQ(pacer.emitted(), 0U);
}

TEST(Pacer, KeepsTheRateOverASecond) {
  Pacer pacer;
  pacer.set_rate(1'000'003, tsc_hz);  // no whole number of ticks apart
  std::uint64_t emitted = 0;
  for (std::uint64_t now = 0; now <= 1'000'000'000; now += 777) {
    const auto count = pacer.due(now, limit);
    for (int i = 0; i < count; ++i) EXPECT_LE(pacer.next_due_tsc(), now);
    emitted += count;
  }
  EXPECT_NEAR(static_cast<double>(emitted), 1'000'003, 20);
  EXPECT_EQ(pacer.emitted(), emitted);
  EXPECT_EQ(pacer.missed(), 0U);
}

TEST(Pacer, StampsTheTimeAtWhichAPacketWasDue) {
  Pacer pacer;
  pacer.set_rate(1'000'000, tsc_hz);
  ASSERT_EQ(pacer.due(5000, limit), 1);
  EXPECT_EQ(pacer.next_due_tsc(), 5000U);
  ASSERT_EQ(pacer.due(8500, limit), 3) << "the core was away for three and a half intervals";
  EXPECT_EQ(pacer.next_due_tsc(), 6000U);
  EXPECT_EQ(pacer.next_due_tsc(), 7000U);
  EXPECT_EQ(pacer.next_due_tsc(), 8000U);
}

TEST(Pacer, WhatDoesNotFitIntoTheQueueIsMissed) {
  Pacer pacer;
  pacer.set_rate(1'000'000, tsc_hz);
  ASSERT_EQ(pacer.due(0, limit), 1);
  EXPECT_EQ(pacer.next_due_tsc(), 0U);
  ASSERT_EQ(pacer.due(10'000'000, limit), limit);  // 10,000 packets later
  EXPECT_EQ(pacer.missed(), 10'000 - Pacer::queue_packets);
  EXPECT_EQ(pacer.next_due_tsc(), (10'001 - Pacer::queue_packets) * 1000);
}

TEST(Pacer, UnlimitedIsAsManyAsAreAskedFor) {
  Pacer pacer;
  pacer.set_unlimited();
  EXPECT_EQ(pacer.due(7, limit), limit);
  EXPECT_EQ(pacer.next_due_tsc(), 7U);
  EXPECT_EQ(pacer.next_due_tsc(), 7U);
  EXPECT_EQ(pacer.due(7, 5), 5);
  EXPECT_EQ(pacer.emitted(), limit + 5U);
}

}  // namespace
}  // namespace portier::bench
