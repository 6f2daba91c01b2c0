/// Medians of passes, and the main() that the benchmarks share.
#include "measurement.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <string_view>
#include <thread>

#include "nic/eal.hpp"

namespace portier::bench {

std::uint64_t quantile(std::vector<std::uint64_t>& values, double share) {
  if (values.empty()) return 0;
  const auto last = values.size() - 1;
  const auto at = std::min(last, static_cast<std::size_t>(share * static_cast<double>(values.size())));
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(at), values.end());
  return values[at];
}

double ticks_per_s() {
  static const double measured = [] {
    const auto start_time = std::chrono::steady_clock::now();
    const auto start = rte_rdtsc();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start_time;
    return static_cast<double>(rte_rdtsc() - start) / elapsed.count();
  }();
  return measured;
}

void Passes::report(benchmark::State& state, std::size_t packets_per_pass) {
  const auto packets = static_cast<double>(packets_per_pass);
  state.counters["ticks/packet"] = static_cast<double>(quantile(ticks_, 0.5)) / packets;
  state.counters["quiet"] = static_cast<double>(quantile(ticks_, 0.1)) / packets;
  if (instructions_.are_counted() && counted_ != 0) {
    state.counters["instructions/packet"] = static_cast<double>(retired_) / static_cast<double>(counted_) / packets;
  }
}

namespace {

/// Takes `--scalar` out of the arguments: whether it was there.
bool take_scalar(int& argc, char** argv) {
  const auto end = std::remove_if(argv + 1, argv + argc, [](std::string_view word) { return word == "--scalar"; });
  const bool is_there = end != argv + argc;
  argc = static_cast<int>(end - argv);
  return is_there;
}

}  // namespace

int run_benchmarks(int argc, char** argv, bool needs_dpdk) {
  const bool is_scalar = needs_dpdk && take_scalar(argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::AddCustomContext("instructions", Instructions().said());
  if (needs_dpdk) benchmark::AddCustomContext("vectors", is_scalar ? "none, by --scalar" : "what the processor has");
  try {
    std::optional<nic::Eal> eal;
    if (needs_dpdk) {
      nic::EalOptions options;
      if (is_scalar) options.extra.push_back("--force-max-simd-bitwidth=64");
      if (is_scalar) setenv("PORTIER_VECTORS", "scalar", /*overwrite=*/1);
      eal.emplace(options);
    }
    benchmark::RunSpecifiedBenchmarks();
    benchmark::Shutdown();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "%s: %s\n", argv[0], failure.what());
    return 1;
  }
  return 0;
}

}  // namespace portier::bench
