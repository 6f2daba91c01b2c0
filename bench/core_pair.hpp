/// Two CPUs for a sender and a receiver, and how far apart they are: the one-way latency of a cache line between them.
/// Virtual CPUs move, so every figure of two cores carries the class that was measured before and after it.
#pragma once

#include <rte_cycles.h>
#include <rte_pause.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "measurement.hpp"

namespace portier::bench {

struct CorePair {
  int sender = 0;
  int receiver = 0;
  bool is_real = false;  ///< false: the process has one CPU, and two threads would only wait for each other
};

/// The first two CPUs that this process may use.
inline CorePair core_pair() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  if (cpus.size() < 2) return {};
  return {cpus[0], cpus[1], true};
}

inline void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// Nanoseconds that a line takes from one core to the other: half the median of 4,000 round trips.
inline double line_ns(const CorePair& cores) {
  struct alignas(64) Flag {
    std::atomic<std::uint64_t> value{0};
    void wait_for(std::uint64_t wanted) const {
      while (value.load(std::memory_order_acquire) != wanted) rte_pause();
    }
  };
  constexpr std::uint64_t rounds = 4000;
  Flag there;
  Flag back;
  std::vector<std::uint64_t> ticks(rounds);
  std::jthread far([&] {
    pin_to(cores.receiver);
    for (std::uint64_t i = 1; i <= rounds; ++i) {
      there.wait_for(i);
      back.value.store(i, std::memory_order_release);
    }
  });
  std::jthread near([&] {
    pin_to(cores.sender);
    for (std::uint64_t i = 1; i <= rounds; ++i) {
      const auto start = rte_rdtsc();
      there.value.store(i, std::memory_order_release);
      back.wait_for(i);
      ticks[i - 1] = rte_rdtsc() - start;
    }
  });
  near.join();
  far.join();
  return static_cast<double>(quantile(ticks, 0.5)) / 2 * 1e9 / ticks_per_s();
}

/// near: two threads of one core, or cores that share a cache; mid: cores of one die; far: another die or socket.
inline std::string line_class(double ns) { return ns < 70 ? "near" : ns <= 220 ? "mid" : "far"; }

/// Probes at construction and at `report`, which sets the label: the class, or "mixed" when the two differ.
class LineProbe {
 public:
  explicit LineProbe(const CorePair& cores) : cores_(cores), before_ns_(line_ns(cores)) {}

  void report(benchmark::State& state) const {
    const auto after_ns = line_ns(cores_);
    const auto before = line_class(before_ns_);
    state.SetLabel(before == line_class(after_ns) ? before : "mixed");
    state.counters["line_ns"] = (before_ns_ + after_ns) / 2;
  }

 private:
  CorePair cores_;
  double before_ns_;
};

}  // namespace portier::bench
