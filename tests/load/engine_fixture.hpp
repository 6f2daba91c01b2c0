/// The engine over rings in this process, with a device under test between them that does exactly what it is told.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "eal_main.hpp"
#include "engine.hpp"
#include "nic/device.hpp"
#include "nic/ring_device.hpp"

namespace portier::load {

/// What goes back for the `number`-th frame (from 0): nothing, the frame, more than one.
using Behaviour = std::function<std::vector<traffic::Frame>(traffic::Frame frame, std::uint64_t number)>;

/// A thread that takes frames out of the sending ring and puts what a behaviour makes of them into the receiving one.
class DeviceUnderTest {
 public:
  DeviceUnderTest(nic::RingDevice& ring, Behaviour behaviour) : ring_(ring), behaviour_(std::move(behaviour)) {
    thread_ = std::thread([this] { run(); });
  }
  ~DeviceUnderTest() {
    end_ = true;
    thread_.join();
  }
  std::uint64_t seen() const { return seen_; }
  /// Takes nothing more until `false`.
  void stall(bool is_stalled) { is_stalled_ = is_stalled; }
  /// Returns when a whole turn has found nothing to take and nothing to give back.
  void wait_until_idle() const {
    const auto now = idle_turns_.load();
    // The turn that is under way may have looked before the last frame came.
    while (idle_turns_ < now + 2) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }

 private:
  void run() {
    std::deque<traffic::Frame> out;
    while (!end_) {
      bool took_any = false;
      // What cannot go on yet is not piled up: the ring fills, and the sender sees it.
      if (!is_stalled_ && out.size() < 256) {
        std::vector<traffic::Frame> in;
        ring_.pull(
            [](void* to, packet::Bytes bytes) {
              static_cast<std::vector<traffic::Frame>*>(to)->emplace_back(bytes.begin(), bytes.end());
            },
            &in);
        took_any = !in.empty();
        for (auto& frame : in) {
          for (auto& back : behaviour_(std::move(frame), seen_)) out.push_back(std::move(back));
          ++seen_;
        }
      }
      const auto some = static_cast<std::ptrdiff_t>(std::min<std::size_t>(out.size(), 256));
      const std::vector<packet::Bytes> views(out.begin(), out.begin() + some);
      const auto pushed = ring_.push(0, views);
      out.erase(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(pushed));
      if (!out.empty() || took_any) continue;
      ++idle_turns_;
      std::this_thread::yield();
    }
  }

  nic::RingDevice& ring_;
  Behaviour behaviour_;
  std::atomic<bool> end_ = false;
  std::atomic<bool> is_stalled_ = false;
  std::atomic<std::uint64_t> seen_ = 0;
  std::atomic<std::uint64_t> idle_turns_ = 0;
  std::thread thread_;
};

inline Behaviour pass_on() {
  return [](traffic::Frame frame, std::uint64_t) { return std::vector<traffic::Frame>{std::move(frame)}; };
}

inline std::string cores_in_words(const testing::TestParamInfo<bool>& tested) { return tested.param ? "two" : "one"; }

/// The parameter: whether a second core receives.
class EngineTest : public testing::TestWithParam<bool> {
 protected:
  struct Options {
    TrafficSettings traffic;
    EngineSettings engine;
    unsigned ring_size = 4096;
    TrialWatch watch;
  };

  void open(const Options& options, Behaviour behaviour = pass_on()) {
    static int number = 0;
    far_ = std::make_unique<nic::RingDevice>("dut" + std::to_string(number++), 1, options.ring_size, 8191);
    nic::DeviceSpec spec;
    spec.name = "near" + std::to_string(number);
    spec.eal_devices = {far_->eal_name()};
    near_ = std::make_unique<nic::Device>(spec);
    EnginePorts ports;
    ports.tx = near_->tx_queues().front();
    ports.rx = near_->rx_queues().front();
    if (GetParam()) ports.receiver_lcore = 2;
    auto watch = options.watch;
    // A wait that does not sleep would take the CPU from the cores. And on a busy machine the device may run late: the
    // time for draining is the network's in these tests, not the scheduler's.
    if (!watch.wait) {
      watch.wait = [this](std::chrono::nanoseconds time) {
        std::this_thread::sleep_for(time);
        if (dut_) dut_->wait_until_idle();
        return false;
      };
    }
    auto planned = plan_traffic(options.traffic);
    ASSERT_TRUE(planned.plan) << planned.problem;
    plan_ = std::move(*planned.plan);
    if (recording_) {
      engine_ = std::make_unique<Engine>(test::eal(), ports, options.engine, *recording_, watch);
    } else {
      const Endpoints endpoints(options.traffic.sources, options.traffic.flows, options.traffic.churn_per_s);
      engine_ = std::make_unique<Engine>(test::eal(), ports, options.engine, plan_, endpoints, watch);
    }
    dut_ = std::make_unique<DeviceUnderTest>(*far_, std::move(behaviour));
  }

  /// What must hold whatever a device under test does.
  TrialResult run(const TrialRequest& request) {
    auto result = engine_->run(request);
    EXPECT_EQ(result.sent, result.received + result.lost);
    EXPECT_LE(result.sent, result.intended);
    if (!recording_) {
      ServiceResult sum;
      for (const auto& service : result.services) {
        sum.sent += service.sent;
        sum.received += service.received;
        sum.lost += service.lost;
        sum.duplicated += service.duplicated;
        sum.reordered += service.reordered;
      }
      EXPECT_EQ(sum.sent, result.sent);
      EXPECT_EQ(sum.received, result.received);
      EXPECT_EQ(sum.lost, result.lost);
      EXPECT_EQ(sum.duplicated, result.duplicated);
      EXPECT_EQ(sum.reordered, result.reordered);
    }
    std::uint64_t in_intervals = 0;
    for (const auto& interval : result.intervals) in_intervals += interval.sent;
    EXPECT_EQ(in_intervals, result.sent);
    return result;
  }

  void TearDown() override {
    dut_.reset();
    if (near_) near_->close();
    if (far_) {
      far_->drain();
      EXPECT_EQ(far_->pool().available(), far_->pool().size());
    }
    if (engine_) {
      EXPECT_EQ(engine_->missing_buffers(), 0U);
    }
    engine_.reset();
    near_.reset();
    far_.reset();
  }

  std::optional<Recording> recording_;
  TrafficPlan plan_;
  std::unique_ptr<nic::RingDevice> far_;
  std::unique_ptr<nic::Device> near_;
  std::unique_ptr<Engine> engine_;
  std::unique_ptr<DeviceUnderTest> dut_;
};

}  // namespace portier::load
