/// RFC 2544 throughput and frame loss against simulated devices: precision, bounded effort, honesty about the sender.
#include "search_throughput.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "search_device_model.hpp"
#include "search_frame_loss.hpp"

namespace portier::load {
namespace {

constexpr double line_pps = 14'880'952;

ThroughputParameters parameters() { return {.max_rate_pps = line_pps, .search_trial_s = 1, .final_trial_s = 10}; }

TEST(Throughput, OfASharpDeviceIsFoundWithinTheResolution) {
  for (const double share : {0.0003, 0.011, 0.37, 0.5, 0.73, 0.998}) {
    SimulatedDevice device({.capacity_pps = line_pps * share});
    const auto found = search_throughput(parameters(), device.runner(), device.watch());
    EXPECT_EQ(found.stop, Stop::precise) << share;
    EXPECT_EQ(found.limit, Limit::device) << share;
    EXPECT_LE(found.throughput_pps, line_pps * share * 1.0001);
    EXPECT_GE(found.throughput_pps, line_pps * (share - 0.005) - 1);
    EXPECT_GT(found.upper_pps, found.throughput_pps);
    EXPECT_LE(found.upper_pps - found.throughput_pps, found.resolution_pps * 1.0001);
    EXPECT_LE(found.trials.size(), 20U) << share;
    ASSERT_TRUE(found.best_trial);
    const auto& best = found.trials[*found.best_trial];
    EXPECT_EQ(best.result.request.duration_s, 10) << "only a full-length trial counts";
    EXPECT_TRUE(best.is_good);
  }
}

TEST(Throughput, StandsOnFullLengthTrialsWhenShortOnesHideABuffer) {
  // 2 million packets of buffer carry a short trial far above the capacity.
  SimulatedDevice device({.capacity_pps = 5e6, .buffer_packets = 2e6});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::precise);
  EXPECT_LE(found.throughput_pps, 5e6 + 2e6 / 10.0 + 1) << "what a buffer may add in a full-length trial";
  EXPECT_GE(found.throughput_pps, 5e6);
  EXPECT_LE(found.trials.size(), 30U);
}

TEST(Throughput, OfADeviceWithoutLimitIsWhatWasAsked) {
  SimulatedDevice device({});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::held_at_maximum);
  EXPECT_EQ(found.limit, Limit::asked);
  EXPECT_DOUBLE_EQ(found.throughput_pps, line_pps);
  EXPECT_EQ(found.upper_pps, 0);
  EXPECT_EQ(found.trials.size(), 2U) << "one short, one of full length";
}

TEST(Throughput, OfADeviceThatLosesEverythingIsNone) {
  SimulatedDevice device({.capacity_pps = 0});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::lost_at_minimum);
  EXPECT_EQ(found.throughput_pps, 0);
  EXPECT_FALSE(found.best_trial);
  EXPECT_LE(found.trials.size(), 12U);
}

TEST(Throughput, IsTheSendersWhenTheSenderIsTheLimit) {
  SimulatedDevice device({.capacity_pps = 9e6, .sender_max_pps = 4e6});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.limit, Limit::sender);
  EXPECT_LE(found.throughput_pps, 4e6);
  EXPECT_GE(found.throughput_pps, 4e6 - found.resolution_pps * 1.0001);
  EXPECT_TRUE(found.trials.front().is_sender_limited);
  ASSERT_TRUE(found.best_trial);
  EXPECT_FALSE(found.trials[*found.best_trial].is_sender_limited) << "in the trial that counts the sender kept pace";
  EXPECT_LE(found.trials.size(), 3U) << "no search above what the sender can do";
}

TEST(Throughput, OfASenderThatNeverKeepsPaceIsWhatItManaged) {
  SimulatedDevice device({});
  const TrialRunner slow = [&](const TrialRequest& request) {
    auto result = device(request);
    result.intended *= 2;
    return result;
  };
  const auto found = search_throughput(parameters(), slow, device.watch());
  EXPECT_EQ(found.limit, Limit::sender);
  EXPECT_EQ(found.stop, Stop::sender_too_slow);
  EXPECT_GT(found.throughput_pps, 0);
  ASSERT_TRUE(found.best_trial);
  EXPECT_TRUE(found.trials[*found.best_trial].is_sender_limited);
  EXPECT_LE(found.trials.size(), 30U);
}

TEST(Throughput, IsTheDevicesWhenItLosesAtWhatTheSenderCanDo) {
  SimulatedDevice device({.capacity_pps = 3e6, .sender_max_pps = 4e6});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.limit, Limit::device);
  EXPECT_LE(found.throughput_pps, 3e6 + 1);
  EXPECT_GE(found.throughput_pps, 3e6 - line_pps * 0.005);
}

TEST(Throughput, OfASenderThatSendsNothingIsNotAPass) {
  SimulatedDevice device({.sender_max_pps = 0});
  const auto found = search_throughput(parameters(), device.runner(), device.watch());
  EXPECT_EQ(found.throughput_pps, 0);
  EXPECT_EQ(found.limit, Limit::sender);
  EXPECT_EQ(found.stop, Stop::lost_at_minimum);
}

TEST(Throughput, RepeatsALossyTrialOnlyWhenToldTo) {
  const DeviceModel spiky{.capacity_pps = 6e6, .spike_probability = 0.25};
  auto repeating = parameters();
  repeating.loss_repeats = 4;
  double plain_pps = 0;
  double repeated_pps = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SimulatedDevice one(spiky, seed);
    SimulatedDevice other(spiky, seed);
    plain_pps += search_throughput(parameters(), one.runner(), one.watch()).throughput_pps / 20;
    const auto found = search_throughput(repeating, other.runner(), other.watch());
    repeated_pps += found.throughput_pps / 20;
    EXPECT_LE(found.trials.size(), 60U);
    EXPECT_FALSE(found.deviations.empty());
  }
  EXPECT_GT(repeated_pps, 0.97 * 6e6) << "rare loss at every rate must not hide the capacity";
  EXPECT_LT(plain_pps, repeated_pps);
}

TEST(Throughput, KeepsWhatWasMeasuredWhenInterrupted) {
  for (const std::size_t at : {0U, 3U, 8U, 9U}) {
    SimulatedDevice device({.capacity_pps = 5e6, .interrupt_at = at});
    const auto found = search_throughput(parameters(), device.runner(), device.watch());
    EXPECT_EQ(found.stop, Stop::interrupted) << at;
    EXPECT_EQ(found.trials.size(), at + 1) << "no trial follows an interrupted one";
    EXPECT_TRUE(found.trials.back().result.is_interrupted);
    EXPECT_FALSE(found.trials.back().is_good);
    EXPECT_FALSE(found.trials.back().is_sender_limited);
  }
}

TEST(Throughput, EndsAfterSoManyTrials) {
  auto few = parameters();
  few.max_trials = 4;
  SimulatedDevice device({.capacity_pps = 5e6});
  const auto found = search_throughput(few, device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::trial_limit);
  EXPECT_EQ(found.trials.size(), 4U);
  EXPECT_EQ(found.throughput_pps, 0) << "nothing of full length was run";
}

TEST(Throughput, SaysHowLongItWillTake) {
  SimulatedDevice device({.capacity_pps = 5e6});
  auto watch = device.watch();
  std::vector<Progress> said;
  watch.on_progress = [&](const Progress& progress) { said.push_back(progress); };
  const auto found = search_throughput(parameters(), device.runner(), watch);
  ASSERT_EQ(said.size(), found.trials.size() + 1);
  EXPECT_EQ(said.back().phase, "done");
  EXPECT_EQ(said.back().remaining_s, 0);
  const double total_s = said.back().elapsed_s;
  EXPECT_DOUBLE_EQ(total_s, device.now_s());
  for (std::size_t i = 1; i + 1 < said.size(); ++i) {
    EXPECT_EQ(said[i].trials_done, i);
    EXPECT_GE(said[i].trials_expected, i + 1);
    EXPECT_NEAR(said[i].elapsed_s + said[i].remaining_s, total_s, total_s * 0.6) << "after trial " << i;
  }
}

TEST(Throughput, NamesItsDeviations) {
  SimulatedDevice device({.capacity_pps = 5e6});
  EXPECT_THAT(search_throughput(parameters(), device.runner(), device.watch()).deviations,
              testing::ElementsAre("trials of 10 s; RFC 2544 section 24 asks for 60 s"));
  SimulatedDevice again({.capacity_pps = 5e6});
  EXPECT_THAT(search_throughput({.max_rate_pps = line_pps}, again.runner(), again.watch()).deviations,
              testing::IsEmpty());
}

TEST(Throughput, RefusesNonsense) {
  SimulatedDevice device({});
  EXPECT_THROW(search_throughput({.max_rate_pps = 0}, device.runner()), std::invalid_argument);
  EXPECT_THROW(search_throughput({.max_rate_pps = 10, .min_rate_pps = 20}, device.runner()), std::invalid_argument);
  EXPECT_THROW(search_throughput({.max_rate_pps = 10, .resolution = 0}, device.runner()), std::invalid_argument);
  EXPECT_TRUE(device.requests().empty());
}

TEST(FrameLoss, StepsDownUntilTwoTrialsInARowLoseNothing) {
  SimulatedDevice device({.capacity_pps = 0.65 * line_pps});
  const auto curve = measure_frame_loss({.max_rate_pps = line_pps, .trial_s = 2}, device.runner(), device.watch());
  ASSERT_EQ(curve.trials.size(), 6U) << "100 90 80 70 lose; 60 50 do not";
  EXPECT_EQ(curve.stop, Stop::completed);
  EXPECT_EQ(curve.limit, Limit::device);
  EXPECT_NEAR(curve.lossless_pps, 0.6 * line_pps, 1);
  EXPECT_NEAR(curve.trials[0].result.loss_ratio(), 0.35, 1e-6);
  EXPECT_NEAR(curve.trials[3].result.loss_ratio(), 1 - 0.65 / 0.7, 1e-6);
}

TEST(FrameLoss, EndsAtTheLowestStepWhenEverythingIsLost) {
  SimulatedDevice device({.capacity_pps = 0});
  const auto curve = measure_frame_loss({.max_rate_pps = 1000, .trial_s = 2}, device.runner(), device.watch());
  EXPECT_EQ(curve.trials.size(), 10U);
  EXPECT_NEAR(curve.trials.back().result.request.rate_pps, 100, 1e-6);
  EXPECT_EQ(curve.stop, Stop::lost_at_minimum);
  EXPECT_EQ(curve.lossless_pps, 0);
}

TEST(FrameLoss, OfAnIdealDeviceTakesTwoTrials) {
  SimulatedDevice device({});
  const auto curve = measure_frame_loss({.max_rate_pps = 1000}, device.runner(), device.watch());
  EXPECT_EQ(curve.trials.size(), 2U);
  EXPECT_EQ(curve.stop, Stop::held_at_maximum);
  EXPECT_EQ(curve.limit, Limit::asked);
  EXPECT_EQ(curve.lossless_pps, 1000);
  EXPECT_TRUE(curve.deviations.empty());
}

TEST(FrameLoss, SaysThatTheSenderWasTheLimitAndStopsWhenInterrupted) {
  SimulatedDevice slow({.sender_max_pps = 800});
  const auto curve = measure_frame_loss({.max_rate_pps = 1000, .trial_s = 60}, slow.runner(), slow.watch());
  EXPECT_EQ(curve.limit, Limit::sender);
  EXPECT_NEAR(curve.lossless_pps, 800, 1);
  SimulatedDevice cut({.capacity_pps = 10, .interrupt_at = 2});
  const auto part = measure_frame_loss({.max_rate_pps = 1000, .trial_s = 60}, cut.runner(), cut.watch());
  EXPECT_EQ(part.stop, Stop::interrupted);
  EXPECT_EQ(part.trials.size(), 3U);
}

}  // namespace
}  // namespace portier::load
