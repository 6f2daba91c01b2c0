/// What every program that runs the data path needs first: checked settings, a core plan, devices planned to be opened.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/core_plan.hpp"
#include "control/settings.hpp"
#include "handlers/registry.hpp"
#include "nic/device.hpp"

namespace portier::control {

/// Where a configuration comes from: a file, or else a text that the program brings along.
struct ConfigSource {
  std::string file;                                       ///< "-": standard input; empty: `built_in`
  std::string_view built_in = {};                         ///< TOML
  std::string_view built_in_name = "(built-in default)";  ///< stands for the file in faults and reports
};

struct Session {
  Settings settings;
  CorePlan plan;
  std::vector<nic::DeviceSpec> devices;  ///< by device of the settings
};

/// Reads and checks a configuration, with the options of its handlers, and plans cores and devices. Faults go to
/// stderr, all of them; then nothing is returned. `cpus`: `available_cpus()` as it was before DPDK started, which
/// leaves its caller with the control CPUs only.
std::optional<Session> prepare(const ConfigSource& source, const handlers::Registry& registry,
                               const std::vector<unsigned>& cpus);

}  // namespace portier::control
