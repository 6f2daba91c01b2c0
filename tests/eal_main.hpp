/// The EAL of a test program, for those tests that launch data path cores.
#pragma once

#include <sched.h>

#include <vector>

#include "nic/eal.hpp"

namespace portier::test {

/// Data path lcores 1..lcores; they float over all CPUs of the process.
inline constexpr unsigned lcores = 6;

nic::Eal& eal();

inline std::vector<unsigned> cpus_of_process() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<unsigned> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  return cpus.empty() ? std::vector<unsigned>{0} : cpus;
}

}  // namespace portier::test
