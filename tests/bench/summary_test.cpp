/// Lines of a result: one per contender, source and class of distance, with what does not add up said aloud.
#include "summary.hpp"

#include <gtest/gtest.h>

namespace portier::bench {
namespace {

Run run_of(unsigned round, double probe_before_ns, double probe_behind_ns) {
  Run run;
  run.contender = "pipeline";
  run.source = "w4";
  run.cores = 2;
  run.round = round;
  run.windows = {{.seconds = 0.5, .packets = 5'000'000}, {.seconds = 0.5, .packets = 10'000'000}};
  run.tally = {.received = 100, .delivered = 75, .dropped = {{"ring_full", 25}}};
  run.probe_before_ns = probe_before_ns;
  run.probe_behind_ns = probe_behind_ns;
  return run;
}

TEST(Summary, RatesAndCyclesOfTheWindows) {
  const auto lines = summarise({run_of(0, 150, 150)}, 3e9);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_NEAR(lines[0].mpps.median, 15, 1e-9);
  EXPECT_NEAR(lines[0].cycles.median, 200, 1e-9);
  EXPECT_NEAR(lines[0].quiet_cycles, 165, 1e-9);  // a tenth of the way from 150 to 300
  EXPECT_NEAR(lines[0].dropped_share, 0.25, 1e-9);
  EXPECT_TRUE(lines[0].is_sound);
}

TEST(Summary, AMovedCoreIsAClassOfItsOwn) {
  const auto lines = summarise({run_of(0, 150, 150), run_of(1, 150, 40), run_of(2, 300, 300)}, 3e9);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].distance, Distance::mid);
  EXPECT_EQ(lines[1].distance, Distance::mixed);
  EXPECT_EQ(lines[2].distance, Distance::far);
}

TEST(Summary, LostPacketsAndBuffersAreSaid) {
  auto lossy = run_of(0, 150, 150);
  lossy.tally.delivered -= 1;
  auto leaky = run_of(0, 150, 150);
  leaky.leaked_mbufs = 1;
  for (const auto& run : {lossy, leaky}) {
    const auto lines = summarise({run_of(1, 150, 150), run}, 3e9);
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_FALSE(lines[0].is_sound);
    EXPECT_NE(table_of(lines).find("DOES NOT ADD UP"), std::string::npos);
  }
}

TEST(Summary, AnotherProgramIsNotHeldToOurAccount) {
  auto run = run_of(0, 150, 150);
  run.tally = {.received = 5, .delivered = 3, .dropped = {}, .is_counted = false};
  EXPECT_TRUE(run.is_sound());
}

TEST(Distances, LimitsBetweenTheClasses) {
  EXPECT_EQ(distance_of(33), Distance::near);
  EXPECT_EQ(distance_of(70), Distance::mid);
  EXPECT_EQ(distance_of(220), Distance::mid);
  EXPECT_EQ(distance_of(310), Distance::far);
  EXPECT_EQ(distance_of(33, 150), Distance::mixed);
}

}  // namespace
}  // namespace portier::bench
