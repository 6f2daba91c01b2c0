/// How the benchmarks take and report their figures: ticks per packet over many passes, their median and quiet decile.
#pragma once

#include <benchmark/benchmark.h>
#include <rte_cycles.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "instructions.hpp"

namespace portier::bench {

/// Passes over some thousand packets each, timed one by one by the time stamp counter. The median is what a pass costs
/// on this machine; passes that were interrupted do not move it. The lowest decile is what a quiet machine gives.
class Passes {
 public:
  Passes() { ticks_.reserve(max_passes); }

  /// Times one pass.
  template <typename Work>
  void time(Work&& work) {
    const auto instructions = instructions_.now();
    const auto start = rte_rdtsc();
    work();
    note(rte_rdtsc() - start);
    retired_ += instructions_.now() - instructions;
    counted_ += 1;
  }

  /// A pass whose ticks were added up elsewhere.
  void note(std::uint64_t ticks) {
    if (ticks_.size() < max_passes) ticks_.push_back(ticks);
  }

  /// Counters `ticks/packet` (median), `quiet` (lowest decile) and, where the machine counts, `instructions/packet`.
  void report(benchmark::State& state, std::size_t packets_per_pass);

 private:
  static constexpr std::size_t max_passes = std::size_t{1} << 20;
  std::vector<std::uint64_t> ticks_;
  Instructions instructions_;
  std::uint64_t retired_ = 0;
  std::uint64_t counted_ = 0;
};

/// The value below which `share` of them lie; reorders them. 0 of nothing.
std::uint64_t quantile(std::vector<std::uint64_t>& values, double share);

/// Ticks of the time stamp counter in a second, measured once against the monotonic clock for 50 ms.
double ticks_per_s();

/// main() of every benchmark: head of the report, and DPDK's memory where tables need it; then `--scalar` turns vector
/// paths off. Returns the exit code.
int run_benchmarks(int argc, char** argv, bool needs_dpdk);

}  // namespace portier::bench
