/// The core plan: which CPU does what. Pure, but for `available_cpus`.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings.hpp"

namespace portier::control {

inline constexpr std::size_t max_rx_cores = 16;
inline constexpr std::size_t max_worker_cores = 64;

struct CorePlan {
  Mode mode = Mode::pipeline;
  std::vector<unsigned> rx_cpus;       ///< under run-to-completion: the cores that do everything
  std::vector<unsigned> worker_cpus;   ///< empty under run-to-completion
  std::vector<unsigned> control_cpus;  ///< where control threads may float; never empty in a sound plan
  std::vector<std::string> notes;      ///< what was decided, and why, a sentence each

  /// The CPUs that call handlers.
  const std::vector<unsigned>& delivering_cpus() const {
    return mode == Mode::run_to_completion ? rx_cpus : worker_cpus;
  }
  /// Of all cores, those that receive first.
  unsigned cpu_of(std::size_t core) const {
    return core < rx_cpus.size() ? rx_cpus[core] : worker_cpus[core - rx_cpus.size()];
  }
  std::string_view role_of(std::size_t core) const {
    if (mode == Mode::run_to_completion) return "run-to-completion";
    return core < rx_cpus.size() ? "rx" : "worker";
  }
};

/// The CPUs that this process may run on (sched_getaffinity), ascending. Never empty.
std::vector<unsigned> available_cpus();

/// `available` is ascending. Faults are placed at the settings they are about; the plan is not to be used with one.
CorePlan plan_cores(const RouterSettings& router, std::span<const unsigned> available, Faults& found);

/// The workers of services must be among the cores of the plan that deliver.
void check_workers_are_planned(const Settings& settings, const CorePlan& plan, Faults& found);

}  // namespace portier::control
