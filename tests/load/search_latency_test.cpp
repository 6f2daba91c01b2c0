/// Latency at shares of the throughput, and back-to-back bursts against simulated buffers.
#include "search_latency.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

#include "search_back_to_back.hpp"
#include "search_device_model.hpp"

namespace portier::load {
namespace {

TEST(LatencyTest, RunsEveryShareAsOftenAsAskedAndAddsUp) {
  SimulatedDevice device({.capacity_pps = 1e6});
  const TrialRunner run = [&](const TrialRequest& request) {
    auto result = device(request);
    const auto index = device.requests().size();
    result.latency = {
        .buckets = std::vector<std::uint64_t>(20 + index), .count = 10, .min_ns = 5 + index, .max_ns = 19 + index};
    result.latency.buckets.back() = 10;
    return result;
  };
  const auto found =
      measure_latency({.throughput_pps = 1e6, .shares = {1, 0.5}, .trial_s = 3, .repetitions = 4}, run, device.watch());
  EXPECT_EQ(found.stop, Stop::completed);
  ASSERT_EQ(found.points.size(), 2U);
  EXPECT_EQ(found.trials.size(), 8U);
  EXPECT_EQ(found.points[1].rate_pps, 5e5);
  EXPECT_THAT(found.points[1].trials, testing::ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(found.points[0].latency.count, 40U);
  EXPECT_EQ(found.points[0].latency.min_ns, 6U);
  EXPECT_EQ(found.points[0].latency.max_ns, 23U);
  std::uint64_t counted = 0;
  for (const auto count : found.points[0].latency.buckets) counted += count;
  EXPECT_EQ(counted, 40U);
  EXPECT_TRUE(found.points[0].is_lossless);
  EXPECT_EQ(found.deviations.size(), 3U);
}

TEST(LatencyTest, MarksLossAndTheSender) {
  SimulatedDevice device({.capacity_pps = 9e5, .sender_max_pps = 9.5e5});
  const auto found =
      measure_latency({.throughput_pps = 1e6, .shares = {1, 0.5}, .trial_s = 3}, device.runner(), device.watch());
  EXPECT_FALSE(found.points[0].is_lossless);
  EXPECT_TRUE(found.points[0].is_sender_limited);
  EXPECT_TRUE(found.points[1].is_lossless);
  EXPECT_FALSE(found.points[1].is_sender_limited);
}

TEST(LatencyTest, KeepsWhatWasMeasuredWhenInterrupted) {
  SimulatedDevice device({.interrupt_at = 2});
  const auto found = measure_latency({.throughput_pps = 1e6, .shares = {1, 0.5}, .trial_s = 3, .repetitions = 2},
                                     device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::interrupted);
  EXPECT_EQ(found.trials.size(), 3U);
  EXPECT_EQ(found.points.size(), 2U);
}

TEST(LatencyTest, RefusesNonsense) {
  SimulatedDevice device({});
  EXPECT_THROW(measure_latency({.throughput_pps = 0}, device.runner()), std::invalid_argument);
  EXPECT_THROW(measure_latency({.throughput_pps = 1, .shares = {1.5}}, device.runner()), std::invalid_argument);
  EXPECT_THROW(measure_latency({.throughput_pps = 1, .shares = {}}, device.runner()), std::invalid_argument);
}

constexpr double medium_pps = 1e6;

TEST(BackToBack, FindsTheBufferOfADeviceThatForwardsAtHalfTheRate) {
  for (const double buffer : {10.0, 1000.0, 65536.0}) {
    SimulatedDevice device({.capacity_pps = medium_pps / 2, .buffer_packets = buffer});
    const auto found = search_back_to_back(
        {.max_frame_rate_pps = medium_pps, .throughput_pps = medium_pps / 2, .step_packets = 4, .repetitions = 3},
        device.runner(), device.watch());
    // While a burst of 2 x buffer arrives, half of it has been forwarded already.
    EXPECT_NEAR(found.mean_packets, 2 * buffer, 5) << buffer;
    EXPECT_EQ(found.stop, Stop::precise);
    EXPECT_EQ(found.limit, Limit::device);
    EXPECT_EQ(found.bursts_packets.size(), 3U);
    EXPECT_EQ(found.deviation_packets, 0);
    ASSERT_TRUE(found.is_buffer_known) << found.why_not;
    EXPECT_NEAR(found.implied_buffer_s, 2 * buffer / medium_pps, 5 / medium_pps);
    EXPECT_NEAR(found.corrected_buffer_s, buffer / medium_pps, 3 / medium_pps)
        << "the buffer in time at the medium's rate";
    EXPECT_LE(found.trials.size(), 3 * 2 * 22U);
  }
}

TEST(BackToBack, AveragesRepetitionsThatDiffer) {
  SimulatedDevice device({.capacity_pps = medium_pps / 2, .buffer_packets = 1000, .capacity_noise = 0.05});
  const auto found = search_back_to_back(
      {.max_frame_rate_pps = medium_pps, .throughput_pps = medium_pps / 2, .repetitions = 20, .loss_repeats = 0},
      device.runner(), device.watch());
  EXPECT_EQ(found.bursts_packets.size(), 20U);
  EXPECT_GT(found.deviation_packets, 0);
  EXPECT_LE(static_cast<double>(found.min_packets), found.mean_packets);
  EXPECT_GE(static_cast<double>(found.max_packets), found.mean_packets);
  EXPECT_NEAR(found.mean_packets, 2000, 200);
}

TEST(BackToBack, OfADeviceWithoutLimitIsNotABuffer) {
  SimulatedDevice device({});
  const auto found =
      search_back_to_back({.max_frame_rate_pps = medium_pps, .throughput_pps = medium_pps, .repetitions = 2},
                          device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::held_at_maximum);
  EXPECT_EQ(found.limit, Limit::asked);
  EXPECT_EQ(found.max_packets, 2'000'000U);
  EXPECT_FALSE(found.is_buffer_known);
  EXPECT_FALSE(found.why_not.empty());
  EXPECT_EQ(found.trials.size(), 2U);
}

TEST(BackToBack, OfADeviceThatLosesEverythingIsZero) {
  SimulatedDevice device({.capacity_pps = 0});
  const auto found = search_back_to_back({.max_frame_rate_pps = medium_pps, .throughput_pps = 1000, .repetitions = 2},
                                         device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::lost_at_minimum);
  EXPECT_EQ(found.mean_packets, 0);
  EXPECT_FALSE(found.is_buffer_known);
  EXPECT_LE(found.trials.size(), 2 * 2 * 20U);
}

TEST(BackToBack, OfASlowSenderIsNotBackToBack) {
  SimulatedDevice device({.capacity_pps = medium_pps / 4, .buffer_packets = 1000});
  const TrialRunner slow = [&](const TrialRequest& request) {
    auto result = device(request);
    result.sending_s *= 2;
    return result;
  };
  const auto found = search_back_to_back(
      {.max_frame_rate_pps = medium_pps, .throughput_pps = medium_pps / 4, .repetitions = 1}, slow, device.watch());
  EXPECT_FALSE(found.is_buffer_known);
  EXPECT_EQ(found.limit, Limit::sender);
  EXPECT_NEAR(found.burst_rate_pps, medium_pps / 2, 1);
  EXPECT_THAT(found.why_not, testing::HasSubstr("50.0 %"));
}

TEST(BackToBack, KeepsFinishedRepetitionsWhenInterrupted) {
  SimulatedDevice whole({.capacity_pps = medium_pps / 2, .buffer_packets = 1000});
  const BackToBackParameters parameters{
      .max_frame_rate_pps = medium_pps, .throughput_pps = medium_pps / 2, .repetitions = 1};
  const auto one = search_back_to_back(parameters, whole.runner(), whole.watch()).trials.size();
  auto three = parameters;
  three.repetitions = 3;
  SimulatedDevice device({.capacity_pps = medium_pps / 2, .buffer_packets = 1000, .interrupt_at = one + 2});
  const auto found = search_back_to_back(three, device.runner(), device.watch());
  EXPECT_EQ(found.stop, Stop::interrupted);
  EXPECT_EQ(found.bursts_packets.size(), 1U);
  EXPECT_EQ(found.trials.size(), one + 3);
  EXPECT_NEAR(found.mean_packets, 2000, 17);
}

TEST(BackToBack, RefusesNonsense) {
  SimulatedDevice device({});
  EXPECT_THROW(search_back_to_back({}, device.runner()), std::invalid_argument);
  EXPECT_THROW(search_back_to_back({.max_frame_rate_pps = 1, .max_burst_s = 31}, device.runner()),
               std::invalid_argument);
}

}  // namespace
}  // namespace portier::load
