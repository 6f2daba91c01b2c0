/// A verdict is given when the rounds agree and not otherwise; runs are paired by round, source and class of distance.
#include "verdict.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace portier::bench {
namespace {

using Runs = std::vector<Run>;  // within a test, Run is a member of GoogleTest's class

constexpr double tsc_hz = 2e9;

/// `mpps` million packets a second, in one window of a second.
Run run_of(const std::string& contender, unsigned round, double mpps, const std::string& source = "w4") {
  Run run;
  run.contender = contender;
  run.source = source;
  run.round = round;
  run.windows = {{.seconds = 1, .packets = static_cast<std::uint64_t>(mpps * 1e6)}};
  return run;
}

Run two_core_run_of(const std::string& contender, unsigned round, double mpps, double probe_ns) {
  auto run = run_of(contender, round, mpps);
  run.cores = 2;
  run.probe_before_ns = run.probe_behind_ns = probe_ns;
  return run;
}

std::optional<Goal> at_least_one(const Pairing&) { return Goal{.limit = 1}; }
const Pairing ours_by_peer{.ours = {"ours", ""}, .peer = {"peer", ""}};

TEST(Verdict, NeedsAllValuesOnOneSide) {
  EXPECT_EQ(judge(spread_of(std::array{1.1, 1.2, 1.3}), 1.0), Verdict::above);
  EXPECT_EQ(judge(spread_of(std::array{0.9, 0.8, 0.7}), 1.0), Verdict::below);
  EXPECT_EQ(judge(spread_of(std::array{0.9, 1.2, 1.3}), 1.0), Verdict::cannot_tell);
  EXPECT_EQ(judge(spread_of(std::array{1.0, 1.2, 1.3}), 1.0), Verdict::cannot_tell) << "the limit itself is no side";
}

TEST(Verdict, NeedsThreeRounds) {
  EXPECT_EQ(judge(spread_of(std::array{5.0, 5.0}), 1.0), Verdict::cannot_tell);
  EXPECT_EQ(judge(spread_of(std::vector<double>{}), 1.0), Verdict::cannot_tell);
}

TEST(Verdict, RatiosAreOfTheSameRound) {
  Runs runs;
  // The machine gets slower by the round; ours is always twice as fast.
  for (unsigned round = 0; round < 3; ++round) {
    runs.push_back(run_of("peer", round, 30.0 / (round + 1)));
    runs.push_back(run_of("ours", round, 60.0 / (round + 1)));
  }
  runs.push_back(run_of("ours", 7, 1));  // its peer did not run
  const auto made = compare(runs, ours_by_peer, at_least_one, tsc_hz);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].value.count, 3U);
  EXPECT_NEAR(made[0].value.min, 2, 1e-6);
  EXPECT_NEAR(made[0].value.max, 2, 1e-6);
  EXPECT_EQ(made[0].verdict, Verdict::above);
  EXPECT_EQ(made[0].is_reached(), true);
}

TEST(Verdict, ClassesOfDistanceAreNeverMixed) {
  Runs runs;
  for (unsigned round = 0; round < 3; ++round) {
    const double probe_ns = round == 2 ? 35 : 150;
    runs.push_back(two_core_run_of("peer", round, 10, probe_ns));
    runs.push_back(two_core_run_of("ours", round, round == 2 ? 50 : 20, probe_ns));
  }
  const auto made = compare(runs, ours_by_peer, at_least_one, tsc_hz);
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made[0].distance, Distance::mid);
  EXPECT_EQ(made[0].value.count, 2U);
  EXPECT_EQ(made[1].distance, Distance::near);
  EXPECT_NEAR(made[1].value.median, 5, 1e-6);
  EXPECT_EQ(made[0].verdict, Verdict::cannot_tell) << "two rounds of this class";
}

TEST(Verdict, SidesOfDifferentClassesAreMixed) {
  const Runs runs{two_core_run_of("peer", 0, 10, 35), two_core_run_of("ours", 0, 10, 300)};
  const auto made = compare(runs, ours_by_peer, at_least_one, tsc_hz);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_EQ(made[0].distance, Distance::mixed);
}

TEST(Verdict, SourcesStayApartUnlessTheyAreNamed) {
  const Runs runs{run_of("ours", 0, 20, "w4"), run_of("peer", 0, 10, "w4"), run_of("ours", 0, 8, "w6"),
                  run_of("peer", 0, 4, "w6")};
  EXPECT_EQ(compare(runs, ours_by_peer, at_least_one, tsc_hz).size(), 2U);
  const Pairing across{.ours = {"ours", "w6"}, .peer = {"ours", "w4"}, .measure = Measure::cycles_ratio};
  const auto made = compare(runs, across, at_least_one, tsc_hz);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_NEAR(made[0].value.median, 2.5, 1e-6);
}

TEST(Verdict, CyclesAboveAPeer) {
  const Runs runs{run_of("ours", 0, 20), run_of("peer", 0, 40)};
  const Pairing above{.ours = {"ours", ""}, .peer = {"peer", ""}, .measure = Measure::cycles_above};
  const auto made = compare(runs, above, at_least_one, tsc_hz);
  ASSERT_EQ(made.size(), 1U);
  EXPECT_NEAR(made[0].value.median, 50, 1e-6);  // 100 - 50 ticks
}

TEST(Verdict, AtMostIsReachedBelow) {
  Comparison made;
  made.goal = Goal{.limit = 20, .at_least = false};
  made.verdict = Verdict::below;
  EXPECT_EQ(made.is_reached(), true);
  made.verdict = Verdict::above;
  EXPECT_EQ(made.is_reached(), false);
  made.verdict = Verdict::cannot_tell;
  EXPECT_EQ(made.is_reached(), std::nullopt);
}

TEST(Verdict, GoalsBelongToTheTrafficTheyWereSetFor) {
  Runs runs;
  for (unsigned round = 0; round < 3; ++round) {
    for (const auto* source : {"w4", "w4/65536", "imix"}) {
      runs.push_back(run_of("r2c", round, 20, source));
      runs.push_back(run_of("floor", round, 80, source));
    }
  }
  for (const auto& made : compare_all(runs, tsc_hz)) {
    const auto& source = made.pairing.ours.source;
    if (made.pairing.measure != Measure::cycles_above || source == "imix") {
      EXPECT_FALSE(made.goal) << source;
      continue;
    }
    ASSERT_TRUE(made.goal);
    EXPECT_DOUBLE_EQ(made.goal->limit, source == "w4" ? 20 : 40);
    EXPECT_EQ(made.is_reached(), false);  // 75 ticks above
  }
}

}  // namespace
}  // namespace portier::bench
