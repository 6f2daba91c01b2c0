/// What commands need that look at a configuration without running it: `replay` and `explain`.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/settings.hpp"
#include "nic/eal.hpp"

namespace portier::app {

struct Offline {
  control::Settings settings;
  std::vector<unsigned> workers;  ///< CPUs of the workers: as configured, else as planned for this machine
};

/// Reads and checks FILE (empty: nothing is configured, every port is closed). Faults go to stderr.
std::optional<Offline> prepare_offline(const std::string& file);

/// Memory for prefix tables, no devices. Throws `nic::Failure`.
std::unique_ptr<nic::Eal> start_offline_eal(const control::Settings& settings);

}  // namespace portier::app
