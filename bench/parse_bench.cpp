/// How much does stage 2 cost a packet: bytes to facts, on frames that are in the cache?
#include "hot_frames.hpp"
#include "packet/parse.hpp"

namespace portier::bench {
namespace {

constexpr std::array<std::uint16_t, 4> ports{53, 443, 5060, 49152};

void parse_frames(benchmark::State& state, const Shares& shares) {
  const auto frames = make_frames(shares, ports);
  std::array<packet::Facts, 64> facts;  // a burst's column, as stage 2 fills it
  const TickCount ticks;
  for (auto _ : state) {
    for (std::size_t i = 0; i < frames.size(); i += facts.size()) {
      for (std::size_t row = 0; row < facts.size(); ++row) facts[row] = packet::parse(frames[i + row]);
      benchmark::ClobberMemory();
    }
    benchmark::DoNotOptimize(facts);
  }
  ticks.report(state, state.iterations() * static_cast<std::int64_t>(frames.size()));
}

BENCHMARK_CAPTURE(parse_frames, mixed, Shares{});
BENCHMARK_CAPTURE(parse_frames, only_ipv4_udp, Shares{.ipv6 = 0, .vlan = 0, .tcp = 0});
BENCHMARK_CAPTURE(parse_frames, only_ipv6_udp, Shares{.ipv6 = 1, .vlan = 0, .tcp = 0});
BENCHMARK_CAPTURE(parse_frames, only_vlan_ipv4_udp, Shares{.ipv6 = 0, .vlan = 1, .tcp = 0});

}  // namespace
}  // namespace portier::bench

BENCHMARK_MAIN();
