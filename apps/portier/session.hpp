/// What every command that runs the data path needs first: checked settings, a core plan, opened-to-be devices.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/core_plan.hpp"
#include "control/settings.hpp"
#include "handlers/registry.hpp"
#include "nic/device.hpp"

namespace portier::app {

struct Session {
  control::Settings settings;
  control::CorePlan plan;
  std::vector<nic::DeviceSpec> devices;  ///< by device of the settings
};

/// Reads and checks FILE (empty: the built-in default), plans cores and devices. Faults go to stderr, all of them;
/// then nothing is returned.
std::optional<Session> prepare(const std::string& file, const handlers::Registry& registry);

}  // namespace portier::app
