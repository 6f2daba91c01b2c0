/// How long is one packet on its way from core to core, when nothing else is: by our ring, by rte_ring, and by a bare
/// cache line?
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "core_pair.hpp"
#include "measurement.hpp"
#include "ring_ways.hpp"

namespace portier::bench {
namespace {

constexpr std::size_t round_trips = 1000;  // an iteration
constexpr std::size_t max_samples = std::size_t{1} << 20;

template <class Way>
void take_one(Way& way, std::uint64_t& sum) {
  while (way.take(sum, 1) == 0) rte_pause();
}

/// Half of a round trip through two rings, one each way: clocks of two cores need not agree.
template <class Way>
void ping_pong(benchmark::State& state) {
  const auto cores = core_pair();
  if (!cores.is_real) return state.SkipWithError("needs two CPUs");
  const LineProbe probe(cores);
  const auto there = std::make_unique<Way>();
  const auto back = std::make_unique<Way>();
  const Letter letter;
  std::atomic<bool> is_over{false};
  std::jthread far([&] {
    pin_to(cores.receiver);
    std::uint64_t sum = 0;
    while (!is_over.load(std::memory_order_relaxed)) {
      if (there->take(sum, 1) == 0) {
        rte_pause();
      } else {
        back->send(letter, 1);
      }
    }
    benchmark::DoNotOptimize(sum);
  });
  std::vector<std::uint64_t> ticks;
  ticks.reserve(max_samples);
  std::jthread near([&] {
    pin_to(cores.sender);
    std::uint64_t sum = 0;
    for (auto _ : state) {
      for (std::size_t i = 0; i < round_trips; ++i) {
        const auto start = rte_rdtsc();
        there->send(letter, 1);
        take_one(*back, sum);
        if (ticks.size() < max_samples) ticks.push_back((rte_rdtsc() - start) / 2);
      }
    }
    benchmark::DoNotOptimize(sum);
  });
  near.join();
  is_over.store(true, std::memory_order_relaxed);
  far.join();
  const auto ns_at = [&](double share) { return static_cast<double>(quantile(ticks, share)) * 1e9 / ticks_per_s(); };
  state.counters["one_way_p50_ns"] = ns_at(0.5);
  state.counters["one_way_p99_ns"] = ns_at(0.99);
  state.counters["one_way_p99.9_ns"] = ns_at(0.999);
  probe.report(state);
}

template <class Way>
void add() {
  benchmark::RegisterBenchmark((std::string("handover/") + Way::name).c_str(), ping_pong<Way>)->UseRealTime();
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  using namespace portier::bench;
  add<SlotsByValue>();
  add<Pointers<false>>();
  add<Pointers<true>>();
  add<ZeroCopyElements>();
  return run_benchmarks(argc, argv, false);
}
