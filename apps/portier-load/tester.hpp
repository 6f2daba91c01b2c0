/// Everything that a run needs, opened: EAL, devices, engine; and the self-test that says what the tester itself adds.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine.hpp"
#include "interrupts.hpp"
#include "load_setup.hpp"
#include "nic/device.hpp"
#include "nic/eal.hpp"
#include "progress_line.hpp"
#include "traffic_plan.hpp"

namespace portier::load {

inline constexpr double self_test_s = 0.5;

class Tester {
 public:
  /// Opens the devices. `recording` may be null, else it outlives the tester. Throws `nic::Failure`.
  Tester(const LoadSetup& setup, const Recording* recording, Interrupts& interrupts, ProgressLine& line);
  ~Tester();
  Tester(const Tester&) = delete;
  Tester& operator=(const Tester&) = delete;

  TrialResult run(const TrialRequest& request) { return engine_->run(request); }

  /// The same cores and traffic over a software ring in this process: what is lost or late there is the tester's own.
  TrialResult self_test(double rate_pps);

  /// Closes the devices and counts: packet buffers that have not come back.
  std::uint64_t close();

  const TrafficPlan& plan() const { return plan_; }

 private:
  EnginePorts ports_of(const nic::Device& device, const nic::Device* rx_device) const;
  TrialWatch watch();

  LoadSetup setup_;
  Interrupts& interrupts_;
  ProgressLine& line_;
  std::unique_ptr<nic::Eal> eal_;
  std::unique_ptr<nic::Device> device_;
  std::unique_ptr<nic::Device> rx_device_;
  TrafficPlan plan_;
  std::optional<Endpoints> endpoints_;
  std::unique_ptr<Engine> engine_;
  std::uint64_t missing_buffers_ = 0;  ///< of the self-test
};

}  // namespace portier::load
