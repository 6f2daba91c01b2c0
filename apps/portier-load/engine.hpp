/// The traffic engine: runs one trial on its cores and puts together what both sides saw.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "endpoints.hpp"
#include "frame_reader.hpp"
#include "mark.hpp"
#include "nic/eal.hpp"
#include "nic/pool.hpp"
#include "packet_source.hpp"
#include "receiver.hpp"
#include "schedule.hpp"
#include "sender.hpp"
#include "traffic_plan.hpp"
#include "trial.hpp"
#include "trial_clock.hpp"

namespace portier::load {

/// Where packets go out and come in, and which data path lcores do it.
struct EnginePorts {
  nic::Queue tx;
  std::optional<nic::Queue> rx;  ///< unset: nothing is received
  unsigned sender_lcore = 1;
  std::optional<unsigned> receiver_lcore;  ///< unset: the sender's
};

struct EngineSettings {
  Pattern pattern;
  unsigned burst = 32;   ///< packets handed to the device at a time, 1 to 64
  double drain_s = 0.5;  ///< how long to wait for packets that are still missing after the last was sent
};

/// A capture as a trial sends it.
struct Recording {
  std::vector<traffic::Frame> frames;
  std::vector<std::uint64_t> times_ns;  ///< of each frame, since the first one; ascending
  double speed = 1;                     ///< factor on the recorded pace
  std::uint64_t loops = 1;
  bool is_timed = true;  ///< false: the rate of the request counts
};

/// What a running trial says of itself.
struct TrialProgress {
  double elapsed_s = 0;
  double duration_s = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
};

/// Control's side of a trial: called about every 10 ms on the thread that runs it.
struct TrialWatch {
  /// Waits at most so long; true: the user wants the trial to end.
  std::function<bool(std::chrono::nanoseconds)> wait;
  std::function<void(const TrialProgress&)> on_progress;
};

class Engine {
 public:
  /// Sends what the plan says. Everything that is borrowed outlives the engine.
  Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, const TrafficPlan& plan,
         const Endpoints& endpoints, TrialWatch watch);
  /// Sends a recording; what comes back is counted, not recognised.
  Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, const Recording& recording,
         TrialWatch watch);

  /// Throws `std::invalid_argument` for a request that makes no sense, `nic::Failure` for a core that is missing.
  TrialResult run(const TrialRequest& request);

  /// Buffers that have not come home. Exact when the devices are closed.
  std::uint64_t missing_buffers() const { return pool_->size() - pool_->available(); }

 private:
  struct Signals;
  struct Cores;

  Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, TrialWatch watch,
         std::size_t longest_bytes);

  SendOrder order_for(const TrialRequest& request);
  void watch_over(const TrialRequest& request, const SendOrder& order, Signals& signals) const;
  TrialResult put_together(const TrialRequest& request, const SendOrder& order, const SendAccount& sent,
                           const ReceiveAccount* received) const;
  void add_services(TrialResult& result, const ReceiveAccount* received) const;

  nic::Eal& eal_;
  EnginePorts ports_;
  EngineSettings settings_;
  TrialWatch watch_;
  TrialClock clock_;
  MarkKey key_;
  std::unique_ptr<nic::Pool> pool_;
  std::vector<LoadService> services_;
  std::unique_ptr<FrameReader> reader_;
  std::optional<MarkedSource> marked_;  ///< one of the two
  std::optional<CaptureSource> capture_;
  const Recording* recording_ = nullptr;
  std::vector<std::uint64_t> recorded_ticks_;
  std::size_t flows_ = 1;
};

}  // namespace portier::load
