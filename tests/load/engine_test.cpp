/// What the engine says about a device under test is exactly what that device did.
#include <gtest/gtest.h>

#include <numeric>

#include "engine_fixture.hpp"
#include "packet/parse.hpp"

namespace portier::load {
namespace {

using traffic::Frame;
using Frames = std::vector<Frame>;

/// Slow enough for three threads on one CPU: what is tested are counts.
constexpr TrialRequest short_trial{.rate_pps = 20'000, .duration_s = 0.1};
constexpr std::uint64_t packets = 2000;

std::uint64_t slower_than(const LatencySample& sample, std::uint32_t ns) {
  const auto first = sample.buckets.begin() + static_cast<std::ptrdiff_t>(crosscore::histogram_bucket(ns)) + 1;
  return std::accumulate(first, sample.buckets.end(), std::uint64_t{0});
}

/// To the width of a bucket.
double mean_ns(const LatencySample& sample) {
  double sum = 0;
  for (std::size_t i = 0; i < sample.buckets.size(); ++i) {
    sum += static_cast<double>(sample.buckets[i]) * static_cast<double>(crosscore::histogram_upper(i));
  }
  return sum / static_cast<double>(sample.count);
}

TEST_P(EngineTest, AllComesBack) {
  TrafficSettings traffic;
  traffic.services = parse_services("udp/53=3,tcp/443=1,udp/5000-5009=1").services;
  traffic.sizes = parse_sizes("imix").sizes;
  traffic.ipv6_share = 0.3;
  traffic.flows = 100;
  open({.traffic = traffic});
  const auto result = run(short_trial);
  EXPECT_EQ(result.intended, packets);
  EXPECT_EQ(result.received, result.sent);
  EXPECT_EQ(result.duplicated + result.reordered + result.foreign + result.damaged + result.late + result.stale, 0U);
  EXPECT_EQ(result.latency.count, result.sent);
  EXPECT_EQ(result.latency_from_send.count, result.sent);
  EXPECT_EQ(result.pacing_error.count, result.sent);
  EXPECT_GE(result.latency.max_ns, result.latency_from_send.min_ns);
  EXPECT_NEAR(static_cast<double>(result.services[0].sent) / static_cast<double>(result.sent), 0.6, 0.05);
}

TEST_P(EngineTest, LossIsCountedPerService) {
  TrafficSettings traffic;
  traffic.services = parse_services("udp/53,tcp/443").services;
  std::atomic<std::uint64_t> dropped[2] = {0, 0};
  open({.traffic = traffic}, [&](Frame frame, std::uint64_t number) -> Frames {
    if (number % 10 != 9) return {std::move(frame)};
    ++dropped[packet::parse(frame).dst_port == 53 ? 0 : 1];
    return {};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.lost, result.sent / 10);
  EXPECT_EQ(result.services[0].lost, dropped[0]);
  EXPECT_EQ(result.services[1].lost, dropped[1]);
  EXPECT_EQ(result.reordered, 0U) << "a gap is no reordering";
}

TEST_P(EngineTest, DuplicatesAreNeitherReceivedNorReordered) {
  open({}, [](Frame frame, std::uint64_t number) -> Frames {
    if (number % 7 != 0) return {std::move(frame)};
    return {frame, frame};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.received, result.sent);
  EXPECT_EQ(result.duplicated, (result.sent + 6) / 7);
  EXPECT_EQ(result.reordered, 0U);
}

TEST_P(EngineTest, ReorderingIsCountedWithinFlows) {
  // Every tenth packet waits for the one behind it.
  const auto swap = [](std::shared_ptr<Frame> held) {
    return [held](Frame frame, std::uint64_t number) -> Frames {
      if (number % 10 == 4) return *held = std::move(frame), Frames{};
      if (number % 10 == 5) return {std::move(frame), *held};
      return {std::move(frame)};
    };
  };
  TrafficSettings one_flow;
  one_flow.flows = 1;
  open({.traffic = one_flow}, swap(std::make_shared<Frame>()));
  auto result = run(short_trial);
  EXPECT_EQ(result.reordered, (result.sent + 4) / 10);
  EXPECT_EQ(result.lost, result.sent % 10 == 5 ? 1U : 0U);
  TearDown();

  TrafficSettings two_flows;
  two_flows.flows = 2;  // neighbours are of different flows
  open({.traffic = two_flows}, swap(std::make_shared<Frame>()));
  result = run(short_trial);
  EXPECT_EQ(result.reordered, 0U);
  EXPECT_EQ(result.lost, result.sent % 10 == 5 ? 1U : 0U);
}

TEST_P(EngineTest, DamageIsSeen) {
  TrafficSettings traffic;
  traffic.sizes = parse_sizes("200").sizes;
  open({.traffic = traffic}, [](Frame frame, std::uint64_t number) -> Frames {
    if (number % 5 == 0) frame[150] ^= 1;  // behind the mark
    if (number % 5 == 1) frame[58] ^= 1;   // in it
    return {std::move(frame)};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.damaged, (result.sent + 4) / 5 + (result.sent + 3) / 5);
  EXPECT_EQ(result.lost, result.damaged);
  EXPECT_EQ(result.foreign, 0U);
}

TEST_P(EngineTest, ForeignFramesAreNotOurs) {
  open({}, [](Frame frame, std::uint64_t number) -> Frames {
    if (number % 100 != 0) return {std::move(frame)};
    const auto source = traffic::v4(10, 0, 0, 1);
    return {std::move(frame),
            traffic::frame().ipv4(source, traffic::v4(10, 0, 0, 2)).udp(4000, 4001).payload(40).build(),
            traffic::frame().arp_request(source, traffic::v4(10, 0, 0, 2)).build(), Frame(60, 0)};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.foreign, (result.sent + 99) / 100 * 3);
  EXPECT_EQ(result.received, result.sent);
}

TEST_P(EngineTest, AnswersWithEndsSwappedAreOurs) {
  open({}, [](Frame frame, std::uint64_t) -> Frames {
    std::swap_ranges(frame.begin() + 26, frame.begin() + 30, frame.begin() + 30);
    std::swap_ranges(frame.begin() + 34, frame.begin() + 36, frame.begin() + 36);
    return {std::move(frame)};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.received, result.sent);
  EXPECT_GT(result.received, 0U);
}

TEST_P(EngineTest, LatencyIsThatOfTheDevice) {
  using Clock = std::chrono::steady_clock;
  struct Held {
    Frame frame;
    Clock::time_point until;
  };
  // One that holds every frame for 5 ms; frames come at 1 kHz, and each lets those go whose time has come.
  auto held = std::make_shared<std::vector<Held>>();
  TrafficSettings traffic;
  open({.traffic = traffic, .engine = {.drain_s = 0.05}}, [held](Frame frame, std::uint64_t) -> Frames {
    held->push_back({std::move(frame), Clock::now() + std::chrono::milliseconds(5)});
    Frames out;
    while (!held->empty() && held->front().until <= Clock::now()) {
      out.push_back(std::move(held->front().frame));
      held->erase(held->begin());
    }
    return out;
  });
  const auto result = run({.rate_pps = 1000, .duration_s = 0.3});
  ASSERT_GT(result.sent, 50U);
  EXPECT_EQ(result.received, result.sent - held->size()) << "all that were let go";
  EXPECT_GE(result.latency.min_ns, 4'900'000U);
  EXPECT_GE(result.latency_from_send.min_ns, 4'900'000U);
}

TEST_P(EngineTest, AStalledDeviceShowsInLatencyFromTheIntendedTime) {
  std::atomic<bool> has_stalled = false;
  TrialWatch watch;
  const auto start = std::chrono::steady_clock::now();
  watch.wait = [&](std::chrono::nanoseconds time) {
    std::this_thread::sleep_for(time);
    const auto elapsed = std::chrono::steady_clock::now() - start;
    if (!has_stalled && elapsed > std::chrono::milliseconds(60)) {
      has_stalled = true;
      dut_->stall(true);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
      dut_->stall(false);
    }
    return false;
  };
  open({.ring_size = 64, .watch = watch});
  const auto result = run({.rate_pps = 20'000, .duration_s = 0.3});
  EXPECT_EQ(result.lost, 0U);
  ASSERT_GT(result.sent, 300U);
  EXPECT_GT(result.device_full, 0U);
  // 63 frames fill the ring; whoever was due after that waited at the sender, and that wait must show.
  EXPECT_GE(result.pacing_error.max_ns, 80'000'000U);
  EXPECT_GE(result.latency.max_ns, 80'000'000U);
  EXPECT_GT(slower_than(result.pacing_error, 10'000'000), 100U);
  EXPECT_GE(slower_than(result.latency, 10'000'000), slower_than(result.pacing_error, 10'000'000));
  // From the actual send time it does not: what is between the two is the wait at the sender, to the last packet.
  const double wait_ns = mean_ns(result.pacing_error);
  EXPECT_GT(wait_ns, 1e6);
  EXPECT_NEAR(mean_ns(result.latency), mean_ns(result.latency_from_send) + wait_ns, mean_ns(result.latency) * 0.08);
}

TEST_P(EngineTest, ASenderThatIsTooSlowDoesNotMakeUpForItLater) {
  open({.ring_size = 64});
  const auto result = run({.rate_pps = 500e6, .duration_s = 0.2});
  EXPECT_LT(result.sent, result.intended / 2);
  EXPECT_EQ(result.intended, 100'000'000U);
  EXPECT_LT(result.sending_s, 0.21);
}

TEST_P(EngineTest, BurstsAreSentBackToBack) {
  open({});
  const auto result = run({.rate_pps = 1e6, .duration_s = 1, .burst_packets = 777});
  EXPECT_EQ(result.sent, 777U);
  EXPECT_EQ(result.intended, 777U);
  EXPECT_EQ(result.received, 777U);
  EXPECT_EQ(result.pacing_error.count, 0U);
}

TEST_P(EngineTest, WhatComesAfterItsTrialIsStale) {
  Frames held;
  std::atomic<bool> holds = true;
  open({.engine = {.drain_s = 0.05}}, [&](Frame frame, std::uint64_t) -> Frames {
    if (holds) return held.push_back(std::move(frame)), Frames{};
    Frames out = std::move(held);
    held.clear();
    out.push_back(std::move(frame));
    return out;
  });
  const auto first = run(short_trial);
  EXPECT_EQ(first.lost, first.sent);
  EXPECT_GT(first.sent, 0U);
  holds = false;
  const auto second = run(short_trial);
  EXPECT_EQ(second.stale, first.sent);
  EXPECT_EQ(second.received, second.sent);
  EXPECT_EQ(second.duplicated, 0U);
}

TEST_P(EngineTest, AnInterruptKeepsWhatWasMeasured) {
  TrialWatch watch;
  const auto start = std::chrono::steady_clock::now();
  watch.wait = [&](std::chrono::nanoseconds time) {
    std::this_thread::sleep_for(time);
    return dut_->seen() > 100 && std::chrono::steady_clock::now() - start > std::chrono::milliseconds(100);
  };
  open({.watch = watch});
  const auto result = run({.rate_pps = 10'000, .duration_s = 60});
  EXPECT_TRUE(result.is_interrupted);
  EXPECT_GT(result.sent, 100U);
  EXPECT_EQ(result.received, result.sent);
  EXPECT_LT(result.sending_s, 30);
}

TEST_P(EngineTest, ChurnIsNoReordering) {
  TrafficSettings traffic;
  traffic.flows = 16;
  traffic.churn_per_s = 5000;
  std::set<std::pair<std::uint32_t, std::uint16_t>> flows;
  open({.traffic = traffic}, [&](Frame frame, std::uint64_t) -> Frames {
    flows.emplace(packet::load32(frame.data() + 26), packet::load16(frame.data() + 34));
    return {std::move(frame)};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.received, result.sent);
  EXPECT_EQ(result.reordered, 0U);
  // 500 new ones in 0.1 s; of those that came and went while nothing was sent nobody knows.
  EXPECT_GT(flows.size(), 100U);
  EXPECT_LE(flows.size(), 16U + 500 + 300);
}

TEST_P(EngineTest, UnpacedSendingLosesNothingInTheTester) {
  open({.engine = {.drain_s = 10}, .ring_size = 256});
  const auto result = run({.rate_pps = HUGE_VAL, .duration_s = 0.1});
  EXPECT_GT(result.sent, 1000U);
  EXPECT_EQ(result.lost, 0U);
}

TEST_P(EngineTest, RecordedFramesComeBackInNumber) {
  recording_.emplace();
  for (unsigned i = 0; i < 50; ++i) {
    recording_->frames.push_back(
        traffic::frame().ipv4(traffic::v4(10, 0, 0, 1), traffic::v4(10, 0, 0, 2)).udp(1, 2).payload(20 + i).build());
    recording_->times_ns.push_back(i * 1'000'000);
  }
  recording_->speed = 2;
  recording_->loops = 3;
  open({});
  const auto result = run({.rate_pps = 1000, .duration_s = 0.1});
  EXPECT_EQ(result.sent, 150U);
  EXPECT_EQ(result.received, 150U);
  // Twice as fast as recorded, which would be 0.15; a sender that was held up may be late by its grace.
  EXPECT_GE(result.sending_s, 0.073);
  EXPECT_LT(result.sending_s, 0.13);
  EXPECT_NEAR(result.bytes_per_packet, 14 + 20 + 8 + 20 + 24.5, 1e-6);
}

TEST_P(EngineTest, RefusesWhatMakesNoSense) {
  open({});
  for (const double rate : {0.0, -1.0, std::nan("")}) {
    EXPECT_THROW(engine_->run({.rate_pps = rate, .duration_s = 1}), std::invalid_argument);
  }
  EXPECT_THROW(engine_->run({.rate_pps = 1, .duration_s = 0}), std::invalid_argument);
}

INSTANTIATE_TEST_SUITE_P(Cores, EngineTest, testing::Values(false, true), cores_in_words);

}  // namespace
}  // namespace portier::load
