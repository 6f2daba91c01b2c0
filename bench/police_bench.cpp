/// How much would policing cost a packet? There is no stage 4 yet; this is the decision it will rest on, the token
/// bucket that today limits the answers to closed ports.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "frame_set.hpp"
#include "measurement.hpp"
#include "table/token_bucket.hpp"
#include "traffic/random.hpp"

namespace portier::bench {
namespace {

constexpr std::uint64_t ticks_per_s = 2'000'000'000;
constexpr std::uint64_t packet_ticks = 20;  // 100 million packets a second
constexpr std::uint64_t offered_pps = ticks_per_s / packet_ticks;

/// `share`: the part of what is offered that all buckets together let pass. One reading of the clock a burst, as
/// stage 1 has it; `buckets` are chosen at random, one per packet, as services or sources would.
void take(benchmark::State& state, std::size_t buckets, double share) {
  const auto rate = static_cast<std::uint64_t>(share * static_cast<double>(offered_pps / buckets));
  std::vector<table::TokenBucket> bucket(buckets, table::TokenBucket(rate, 4, ticks_per_s));
  traffic::Random random(5);
  std::vector<std::uint32_t> choice(std::max(pass_packets, 4 * buckets));
  for (auto& each : choice) each = random.below(static_cast<std::uint32_t>(buckets));
  std::size_t first = 0;
  std::uint64_t now = 1;
  std::uint64_t passed = 0;
  std::uint64_t asked = 0;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      for (std::size_t at = 0; at < pass_packets; at += burst_packets) {
        now += burst_packets * packet_ticks;
        for (std::size_t i = 0; i < burst_packets; ++i) passed += bucket[choice[first + at + i]].take(now) ? 1 : 0;
      }
    });
    first = (first + pass_packets) % choice.size();
    asked += pass_packets;
  }
  passes.report(state, pass_packets);
  state.counters["passed_share"] = static_cast<double>(passed) / static_cast<double>(asked);
}

void register_all() {
  for (const std::size_t buckets : {std::size_t{1}, std::size_t{1000}, std::size_t{65536}}) {
    for (const auto& [name, share] : {std::pair{"under_rate", 2.0}, std::pair{"half_over", 0.5}}) {
      benchmark::RegisterBenchmark(("token_bucket/" + std::to_string(buckets) + "/" + name).c_str(),
                                   [buckets, rate = share](benchmark::State& state) { take(state, buckets, rate); });
    }
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, false);
}
