/// Options checked and turned into values: every fault a sentence, all of them at once, nothing opened yet.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core_choice.hpp"
#include "engine.hpp"
#include "nic/device.hpp"
#include "nic/eal.hpp"
#include "options.hpp"
#include "traffic_plan.hpp"

namespace portier::load {

/// What a device is called where no one is named: packets come back by themselves.
inline constexpr auto loop_device = "net_ring_loop";

inline constexpr double most_rate_pps = 1e9;  ///< above what any device of today does

struct LoadSetup {
  CoreChoice cores;
  nic::EalOptions eal;
  nic::DeviceSpec device;
  std::optional<nic::DeviceSpec> rx_device;
  TrafficSettings traffic;
  bool receives = true;
  bool has_src_mac = false;  ///< otherwise the device's own
  EngineSettings engine;
  TrialRequest request;
};

/// One of the two: a setup, or faults.
struct CheckedOptions {
  std::optional<LoadSetup> setup;
  std::vector<std::string> faults;
};

CheckedOptions check_options(const LoadOptions& options);

/// "1000", "2.5M", "10k", "max" (infinity). Otherwise a fault is added.
double read_rate(const std::string& text, const std::string& option, std::vector<std::string>& faults);

}  // namespace portier::load
