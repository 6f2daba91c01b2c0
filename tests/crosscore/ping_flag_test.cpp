/// What is written before a ping flag is set is seen by who sees the flag.
#include "crosscore/ping_flag.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace portier::crosscore {
namespace {

static_assert(sizeof(PingFlag) == cache_line && alignof(PingFlag) == cache_line);

TEST(PingFlag, StartsAtZero) {
  PingFlag flag;
  EXPECT_EQ(flag.value(), 0U);
  flag.set(3);
  EXPECT_EQ(flag.value(), 3U);
}

TEST(PingFlag, CarriesWhatWasWrittenBefore) {
  constexpr std::uint64_t trips = 2000;
  PingFlag ping;
  PingFlag pong;
  std::uint64_t letter = 0;  // no atomic: the flags order it
  std::thread other([&] {
    for (std::uint64_t trip = 1; trip <= trips; ++trip) {
      while (ping.value() != trip) std::this_thread::yield();
      letter = letter * 2 % 1'000'003;
      pong.set(trip);
    }
  });
  std::uint64_t expected = 0;
  for (std::uint64_t trip = 1; trip <= trips; ++trip) {
    letter += trip;
    expected = (expected + trip) * 2 % 1'000'003;
    ping.set(trip);
    while (pong.value() != trip) std::this_thread::yield();
    EXPECT_EQ(letter, expected);
  }
  other.join();
}

}  // namespace
}  // namespace portier::crosscore
