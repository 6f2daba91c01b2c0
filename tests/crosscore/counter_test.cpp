/// A counter adds, raises, and shows other threads whole values that never fall.
#include "crosscore/counter.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace portier::crosscore {
namespace {

TEST(Counter, Adds) {
  Counter counter;
  EXPECT_EQ(counter.value(), 0U);
  counter.add(3);
  counter.add(0);
  counter.add(std::uint64_t{1} << 40);
  EXPECT_EQ(counter.value(), (std::uint64_t{1} << 40) + 3);
}

TEST(Counter, RaisesToTheLargest) {
  Counter counter;
  struct Case {
    std::uint64_t candidate, value;
  };
  for (const auto& [candidate, value] : {Case{5, 5}, {4, 5}, {5, 5}, {6, 6}, {0, 6}}) {
    counter.raise_to(candidate);
    EXPECT_EQ(counter.value(), value);
  }
}

/// Both halves of the value count the same, so a torn read would show two different numbers.
TEST(Counter, IsNeverTornAndNeverFalls) {
  constexpr std::uint64_t one_in_both_halves = (std::uint64_t{1} << 32) + 1;
  constexpr std::uint64_t steps = 1'000'000;
  Counter counter;
  std::thread writer([&] {
    for (std::uint64_t i = 0; i < steps; ++i) counter.add(one_in_both_halves);
  });
  std::uint64_t before = 0;
  bool is_torn = false;
  bool has_fallen = false;
  while (before < steps * one_in_both_halves) {
    const auto now = counter.value();
    is_torn = is_torn || now >> 32 != (now & 0xffffffff);
    has_fallen = has_fallen || now < before;
    before = now;
  }
  writer.join();
  EXPECT_FALSE(is_torn);
  EXPECT_FALSE(has_fallen);
}

}  // namespace
}  // namespace portier::crosscore
