/// How much do stages 2 to 5 cost a packet together: from bytes that are in the cache to the worker that gets them?
#include <memory>

#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage5_steer.hpp"
#include "hot_frames.hpp"
#include "table/ruleset.hpp"

namespace portier::bench {
namespace {

constexpr std::array<std::uint16_t, 8> open_ports{53, 80, 123, 443, 5060, 8080, 27015, 49152};

/// The ports are bound on any address, for UDP and TCP: no EAL, no prefix table.
std::unique_ptr<const table::Ruleset> make_rules() {
  table::RulesetSpec spec;
  spec.closed_action = table::ClosedAction::drop;
  spec.workers.assign(table::first_user_service + open_ports.size(), {0, 1, 2, 3});
  for (std::size_t i = 0; i < open_ports.size(); ++i) {
    for (const auto transport : {packet::Transport::udp, packet::Transport::tcp}) {
      table::Binding binding;
      binding.transport = transport;
      binding.first_port = binding.last_port = open_ports[i];
      binding.service = static_cast<table::ServiceId>(table::first_user_service + i);
      spec.bindings.push_back(binding);
    }
  }
  return table::Ruleset::build(spec, nullptr);
}

/// What stage 1 would have left; the frames stay where they are.
void fill(datapath::RxBurst& burst, const HotFrames& frames, std::size_t from, std::size_t count) {
  burst.count = count;
  for (std::size_t i = 0; i < count; ++i) {
    const auto frame = frames[from + i];
    burst.data[i] = frame.data();
    burst.present[i] = burst.wire_length[i] = static_cast<std::uint32_t>(frame.size());
  }
}

/// `last`: the stage after which a burst is dropped. The cost of a stage is the difference to the one before; the cost
/// of filling the burst is in all of them, and is what "1" shows.
void stages(benchmark::State& state, const Shares& shares, std::span<const std::uint16_t> ports) {
  const auto last = state.range(0);
  const auto frames = make_frames(shares, ports);
  const auto rules = make_rules();
  const auto counters = std::make_unique<datapath::CoreCounters>();
  datapath::DemuxState demux{.fragments = datapath::FragmentMemory({}), .counters = *counters};
  const auto burst = std::make_unique<datapath::RxBurst>();
  burst->mbuf = {};
  burst->now_tsc = rte_rdtsc();
  constexpr std::size_t burst_size = 32;  // the default of router.burst
  const TickCount ticks;
  for (auto _ : state) {
    for (std::size_t i = 0; i < frames.size(); i += burst_size) {
      fill(*burst, frames, i, burst_size);
      if (last >= 2) datapath::stage2_parse(*burst, *counters);
      if (last >= 3) datapath::stage3_lookup(*rules, demux, *burst);
      if (last >= 5) datapath::stage5_steer(*rules, demux, *burst, nullptr);
      benchmark::ClobberMemory();
    }
  }
  const auto packets = state.iterations() * static_cast<std::int64_t>(frames.size());
  ticks.report(state, packets);
  const auto closed = counters->in[table::no_service].packets.value();
  if (last >= 3) state.counters["closed_share"] = static_cast<double>(closed) / static_cast<double>(packets);
}

/// One packet in 41 goes to a port that nothing is bound to.
std::vector<std::uint16_t> some_closed() {
  std::vector<std::uint16_t> ports;
  for (int times = 0; times < 5; ++times) ports.insert(ports.end(), open_ports.begin(), open_ports.end());
  ports.push_back(9999);
  return ports;
}

void up_to(benchmark::internal::Benchmark* benchmark) { benchmark->Arg(1)->Arg(2)->Arg(3)->Arg(5); }

BENCHMARK_CAPTURE(stages, mixed, Shares{}, open_ports)->Apply(up_to);
BENCHMARK_CAPTURE(stages, mixed_some_closed, Shares{}, some_closed())->Apply(up_to);
BENCHMARK_CAPTURE(stages, only_ipv4_udp, Shares{.ipv6 = 0, .vlan = 0, .tcp = 0}, open_ports)->Apply(up_to);

}  // namespace
}  // namespace portier::bench

BENCHMARK_MAIN();
