/// The watchdog: what it says of calls that take their time, by a clock of the test's own.
#include "control/watchdog.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portier::control {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class WatchdogTest : public testing::Test {
 protected:
  /// After another `passed`, what the cores on CPU 4 and 7 are inside of.
  std::vector<WatchdogEvent> tick(std::chrono::milliseconds passed, crosscore::CallMark::Call first,
                                  crosscore::CallMark::Call second = {}) {
    now_ += passed;
    const std::vector<SeenCall> seen{{4, first}, {7, second}};
    return watchdog_.tick(now_, seen);
  }

  Watchdog::Time now_{1h};
  Watchdog watchdog_{1000ms};
};

TEST_F(WatchdogTest, SaysOnceThatACallDoesNotReturnAndOnceThatItHas) {
  EXPECT_TRUE(tick(0ms, {10, 3}).empty());
  EXPECT_TRUE(tick(999ms, {10, 3}).empty());
  const auto stuck = tick(1ms, {10, 3});
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].service, 3);
  EXPECT_EQ(stuck[0].cpu, 4U);
  EXPECT_FALSE(stuck[0].has_returned);
  EXPECT_EQ(stuck[0].lasted, 1000ms);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(tick(500ms, {10, 3}).empty());
  const auto returned = tick(250ms, {});
  ASSERT_EQ(returned.size(), 1U);
  EXPECT_EQ(returned[0].service, 3);
  EXPECT_EQ(returned[0].cpu, 4U);
  EXPECT_TRUE(returned[0].has_returned);
  EXPECT_EQ(returned[0].lasted, 6250ms);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(tick(500ms, {}).empty()) << "a core in its own code may stay there";
}

TEST_F(WatchdogTest, EachCallHasItsOwnTime) {
  for (std::uint64_t burst = 1; burst < 20; ++burst) {
    EXPECT_TRUE(tick(600ms, {burst, 3}).empty()) << "the same service, another burst";
    EXPECT_TRUE(tick(600ms, {burst, 4}).empty()) << "the same burst, another service";
  }
}

TEST_F(WatchdogTest, TheNextCallEndsTheOneBefore) {
  tick(0ms, {10, 3});
  EXPECT_EQ(tick(1500ms, {10, 3}).size(), 1U);
  const auto returned = tick(100ms, {10, 5});
  ASSERT_EQ(returned.size(), 1U);
  EXPECT_EQ(returned[0].service, 3);
  EXPECT_TRUE(returned[0].has_returned);
  EXPECT_TRUE(tick(999ms, {10, 5}).empty());
  const auto stuck = tick(1ms, {10, 5});
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].service, 5);
}

TEST_F(WatchdogTest, CoresAreWatchedOnTheirOwn) {
  tick(0ms, {10, 3}, {10, 4});
  tick(600ms, {11, 3}, {10, 4});
  const auto stuck = tick(600ms, {11, 3}, {10, 4});
  ASSERT_EQ(stuck.size(), 1U);
  EXPECT_EQ(stuck[0].service, 4);
  EXPECT_EQ(stuck[0].cpu, 7U);
  const auto both = tick(600ms, {11, 3}, {});
  ASSERT_EQ(both.size(), 2U);
  EXPECT_EQ(both[0].cpu, 4U);
  EXPECT_FALSE(both[0].has_returned);
  EXPECT_EQ(both[1].cpu, 7U);
  EXPECT_TRUE(both[1].has_returned);
}

TEST_F(WatchdogTest, ZeroTurnsItOff) {
  watchdog_ = Watchdog(0ms);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(tick(10s, {10, 3}).empty());
}

TEST(WatchdogText, NamesServiceAndCpuAndSaysWhatToDo) {
  WatchdogEvent event{.service = 3, .cpu = 7, .has_returned = false, .lasted = 1049ms};
  EXPECT_EQ(to_text(event, "dns"),
            "service 'dns' on CPU 7: its handler has not returned for 1.0 s; its packets and those of all services of "
            "this core wait. Give it a core of its own: workers = [...]");
  event.has_returned = true;
  event.lasted = 2300ms;
  EXPECT_EQ(to_text(event, "dns"), "service 'dns' on CPU 7: its handler has returned after 2.3 s");
}

}  // namespace
}  // namespace portier::control
