/// Decides mode and cores: what is written is kept, what is not is computed from the CPUs that are left.
#include "control/core_plan.hpp"

#include <sched.h>

#include <algorithm>

#include <fmt/format.h>

namespace portier::control {
namespace {

using Cpus = std::vector<unsigned>;

bool has(std::span<const unsigned> cpus, unsigned cpu) {
  return std::find(cpus.begin(), cpus.end(), cpu) != cpus.end();
}

Cpus without(std::span<const unsigned> cpus, std::span<const unsigned> taken) {
  Cpus left;
  for (const auto cpu : cpus) {
    if (!has(taken, cpu)) left.push_back(cpu);
  }
  return left;
}

/// `count` CPUs from `first`, as far as there are.
Cpus some(const Cpus& cpus, std::size_t first, std::size_t count) {
  const auto begin = std::min(first, cpus.size());
  const auto end = begin + std::min(count, cpus.size() - begin);
  return {cpus.begin() + static_cast<std::ptrdiff_t>(begin), cpus.begin() + static_cast<std::ptrdiff_t>(end)};
}

class Planner {
 public:
  Planner(const RouterSettings& router, std::span<const unsigned> available, Faults& found)
      : router_(router), available_(available.begin(), available.end()), found_(found) {}

  CorePlan plan() {
    check_written("rx_cores", router_.rx_cores);
    check_written("worker_cores", router_.worker_cores);
    plan_.mode = mode();
    if (plan_.mode == Mode::run_to_completion) plan_run_to_completion();
    else plan_pipeline();
    plan_control();
    return std::move(plan_);
  }

 private:
  void note(std::string sentence) { plan_.notes.push_back(std::move(sentence)); }

  void check_written(std::string_view key, const Cpus& cpus) {
    for (const auto cpu : cpus) {
      if (has(available_, cpu)) continue;
      found_.fault(place_of(router_, key),
                   fmt::format("router.{}: CPU {} does not exist or is not allowed here; available are: {}", key, cpu,
                               fmt::join(available_, ", ")));
    }
  }

  Mode mode() {
    if (router_.mode) return *router_.mode;
    const bool nothing_left = router_.worker_cores.empty() && without(available_, router_.rx_cores).empty();
    if (available_.size() <= 1 && router_.worker_cores.empty()) {
      note("There is one CPU, so it does everything (run-to-completion).");
      return Mode::run_to_completion;
    }
    if (nothing_left) {
      note("router.rx_cores takes every CPU, so each does everything (run-to-completion).");
      return Mode::run_to_completion;
    }
    return Mode::pipeline;
  }

  void plan_run_to_completion() {
    if (!router_.worker_cores.empty()) {
      found_.fault(place_of(router_, "worker_cores"),
                   "run-to-completion has no worker cores, as each of its rx_cores also delivers; remove worker_cores, "
                   "or write mode = \"pipeline\"");
    }
    if (!router_.rx_cores.empty()) {
      plan_.rx_cpus = router_.rx_cores;
    } else if (available_.size() > 2) {
      plan_.rx_cpus = some(available_, 1, max_rx_cores);
      note(fmt::format("CPU {} is left to control and to the system.", available_.front()));
    } else {
      plan_.rx_cpus = some(available_, available_.size() - 1, 1);
    }
  }

  void plan_pipeline() {
    const bool rx_given = !router_.rx_cores.empty();
    const bool workers_given = !router_.worker_cores.empty();
    plan_.rx_cpus = router_.rx_cores;
    plan_.worker_cpus = router_.worker_cores;
    if (rx_given && workers_given) return;
    auto left = without(available_, rx_given ? router_.rx_cores : router_.worker_cores);
    if (!rx_given && !workers_given) {
      // The first CPU serves interrupts on most machines: it is kept free as soon as two others remain.
      if (left.size() >= 3) left.erase(left.begin());
      if (left.size() == 1) {
        share(left.front());
        plan_.rx_cpus = plan_.worker_cpus = left;
        return;
      }
      const std::size_t rx_count = available_.size() >= 8 ? 2 : 1;
      plan_.rx_cpus = some(left, 0, rx_count);
      plan_.worker_cpus = some(left, rx_count, max_worker_cores);
      return;
    }
    if (left.size() >= 2) left.erase(left.begin());
    auto& missing = rx_given ? plan_.worker_cpus : plan_.rx_cpus;
    const auto& given = rx_given ? plan_.rx_cpus : plan_.worker_cpus;
    if (left.empty()) {
      missing = some(given, 0, rx_given ? max_worker_cores : 1);
      share(missing.front());
    } else if (rx_given) {
      missing = some(left, 0, max_worker_cores);
    } else {
      missing = some(left, 0, available_.size() >= 8 ? 2 : 1);
    }
  }

  void share(unsigned cpu) {
    note(fmt::format(
        "There is no CPU left, so rx and worker share CPU {}: they take turns, which costs throughput and latency.",
        cpu));
  }

  void plan_control() {
    plan_.control_cpus = without(without(available_, plan_.rx_cpus), plan_.worker_cpus);
    if (!plan_.control_cpus.empty()) return;
    plan_.control_cpus = available_;
    note("No CPU is left to control alone, so it floats over all of them.");
  }

  const RouterSettings& router_;
  Cpus available_;
  Faults& found_;
  CorePlan plan_;
};

}  // namespace

std::vector<unsigned> available_cpus() {
  Cpus cpus;
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  // More CPUs than the set holds (EINVAL): CPU 0 is the one that is surely there.
  if (cpus.empty()) cpus.push_back(0);
  return cpus;
}

CorePlan plan_cores(const RouterSettings& router, std::span<const unsigned> available, Faults& found) {
  return Planner(router, available, found).plan();
}

void check_workers_are_planned(const Settings& settings, const CorePlan& plan, Faults& found) {
  const auto& cores = plan.delivering_cpus();
  for (const auto& service : settings.services) {
    for (const auto cpu : service.workers) {
      if (has(cores, cpu)) continue;
      found.fault(place_of(service, "workers"),
                  fmt::format("CPU {} delivers nothing by the computed core plan; write some of: {}, or set router.{}",
                              cpu, fmt::join(cores, ", "), plan.mode == Mode::pipeline ? "worker_cores" : "rx_cores"));
    }
  }
}

}  // namespace portier::control
