/// Does a look-up cost more when more is bound? From destination address and port to the service, with 1, 1,000 and
/// 65,536 bindings.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <numeric>
#include <stdexcept>

#include "hot_frames.hpp"
#include "nic/eal.hpp"
#include "nic/failure.hpp"
#include "table/ruleset.hpp"
#include "traffic/random.hpp"

namespace portier::bench {
namespace {

constexpr std::size_t ports_per_prefix = 64;

/// Distinct ports in random order.
std::vector<std::uint16_t> shuffled_ports() {
  std::vector<std::uint16_t> ports(65536);
  std::iota(ports.begin(), ports.end(), std::uint16_t{0});
  traffic::Random random(2);
  for (std::size_t i = ports.size() - 1; i > 0; --i) {
    std::swap(ports[i], ports[random.below(static_cast<std::uint32_t>(i + 1))]);
  }
  return ports;
}

table::ServiceId service_of(std::size_t binding) {
  return static_cast<table::ServiceId>(table::first_user_service + binding % 4000);
}

/// `count` UDP ports on any address; or 64 on each of count / 64 prefixes 10.x.y.0/24.
std::vector<table::Binding> make_bindings(std::size_t count, bool has_prefixes) {
  const auto ports = shuffled_ports();
  std::vector<table::Binding> bindings(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto& binding = bindings[i];
    binding.first_port = binding.last_port = ports[i];
    binding.service = service_of(i);
    if (has_prefixes) {
      binding.destination.address = packet::ipv4(10U << 24 | static_cast<std::uint32_t>(i / ports_per_prefix) << 8);
      binding.destination.length = 24;
    }
  }
  return bindings;
}

std::unique_ptr<const table::Ruleset> build(const std::vector<table::Binding>& bindings) {
  table::RulesetSpec spec;
  spec.bindings = bindings;
  spec.workers.assign(table::max_services, {0, 1});
  auto rules = table::Ruleset::build(spec, nullptr);
  if (rules == nullptr) throw std::runtime_error("no memory for the prefix tables");
  return rules;
}

/// 4,096 packets to bindings chosen at random: all of them hit.
std::vector<packet::FlowKey> make_flows(const std::vector<table::Binding>& bindings) {
  traffic::Random random(3);
  std::vector<packet::FlowKey> flows(hot_frame_count);
  for (auto& flow : flows) {
    const auto& to = bindings[random.below(static_cast<std::uint32_t>(bindings.size()))];
    const auto base = to.destination.is_any() ? 0xc0000200U : packet::ipv4_value(to.destination.address);
    flow.src = packet::ipv4(0xc6336400U | random.below(256));
    flow.dst = packet::ipv4(base | random.below(256));
    flow.src_port = static_cast<std::uint16_t>(random.below(65536));
    flow.dst_port = to.first_port;
    flow.proto = packet::wire::proto_udp;
  }
  return flows;
}

/// The port table alone: no prefix, one row.
void port_table(benchmark::State& state) {
  const auto bindings = make_bindings(static_cast<std::size_t>(state.range(0)), false);
  const auto flows = make_flows(bindings);
  const std::array<packet::Prefix, 1> slots{};
  const table::PortTables tables(slots, bindings);
  const auto transport = packet::transport_index[packet::wire::proto_udp];
  const TickCount ticks;
  for (auto _ : state) {
    for (const auto& flow : flows) benchmark::DoNotOptimize(tables.look_up(table::any_slot, transport, flow.dst_port));
  }
  state.counters["table_bytes"] = static_cast<double>(tables.bytes());
  ticks.report(state, state.iterations() * static_cast<std::int64_t>(flows.size()));
}

/// The ruleset's decision for one packet; `has_prefixes`: address slot by rte_fib first, one address a call.
void ruleset(benchmark::State& state, bool has_prefixes) {
  const auto bindings = make_bindings(static_cast<std::size_t>(state.range(0)), has_prefixes);
  const auto flows = make_flows(bindings);
  const auto rules = build(bindings);
  const TickCount ticks;
  for (auto _ : state) {
    for (const auto& flow : flows) benchmark::DoNotOptimize(rules->service_for(flow));
  }
  ticks.report(state, state.iterations() * static_cast<std::int64_t>(flows.size()));
}

BENCHMARK(port_table)->Arg(1)->Arg(1000)->Arg(65536);
BENCHMARK_CAPTURE(ruleset, any_address, false)->Arg(1)->Arg(1000)->Arg(65536);
BENCHMARK_CAPTURE(ruleset, prefixes, true)->Arg(1)->Arg(1000)->Arg(65536);

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  try {
    const portier::nic::Eal eal({});  // memory for rte_fib
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "lookup_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
