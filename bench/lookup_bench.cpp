/// Does a look-up cost more when more is bound? Stage 3 over bursts, with 1 to 131,072 bindings on any address or on 1
/// to 1,000 of them.
#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"
#include "frame_set.hpp"
#include "measurement.hpp"
#include "table/ruleset.hpp"
#include "traffic/random.hpp"

namespace portier::bench {
namespace {

/// What packets touch of the tables. `one`: one bound port of one address, in all cases the same lines; `all`: every
/// binding equally often.
enum class Touched { one, all };

struct LookupCase {
  std::size_t bindings = 1;
  std::size_t addresses = 0;  ///< 0: any
  Touched touched = Touched::one;
  friend bool operator==(const LookupCase&, const LookupCase&) = default;
};

/// Half of them UDP, half TCP, the same ports on every address; the first is always the same.
std::vector<table::Binding> make_bindings(const LookupCase& what) {
  const auto ports = service_ports(65535);
  const auto groups = std::max<std::size_t>(what.addresses, 1);
  std::vector<table::Binding> bindings(what.bindings);
  for (std::size_t i = 0; i < what.bindings; ++i) {
    const auto in_group = i / groups;
    auto& binding = bindings[i];
    binding.transport = in_group % 2 == 0 ? packet::Transport::udp : packet::Transport::tcp;
    // Port 9 is left out of the list: the one that makes 65,536 of them.
    const auto port = in_group / 2 < ports.size() ? ports[in_group / 2] : std::uint16_t{9};
    binding.first_port = binding.last_port = port;
    binding.service = static_cast<table::ServiceId>(table::first_user_service + i % 4000);
    if (what.addresses == 0) continue;
    binding.destination.address = destination4(i % groups);
    binding.destination.length = 32;
  }
  return bindings;
}

std::unique_ptr<const table::Ruleset> build(const std::vector<table::Binding>& bindings) {
  table::RulesetSpec spec;
  spec.bindings = bindings;
  spec.closed_action = table::ClosedAction::drop;
  spec.workers.assign(table::max_services, {0, 1});
  auto rules = table::Ruleset::build(spec, nullptr);
  if (rules == nullptr) throw std::runtime_error("DPDK has not enough memory for the prefix tables");
  return rules;
}

/// Bursts as stage 2 leaves them.
struct Parsed {
  std::vector<traffic::Frame> frames;
  std::vector<datapath::RxBurst> bursts;
};

/// Columns of a set of bursts; those of all sets together stay in the second-level cache.
constexpr std::size_t burst_count = 16;

std::unique_ptr<Parsed> make_bursts(const LookupCase& what, const std::vector<table::Binding>& bindings,
                                    datapath::CoreCounters& counters, traffic::Random& random) {
  auto made = std::make_unique<Parsed>();
  for (std::size_t i = 0; i < burst_count * burst_packets; ++i) {
    const auto at = what.touched == Touched::one ? 0 : random.below(static_cast<std::uint32_t>(bindings.size()));
    const auto& to = bindings[at];
    const auto dst = to.destination.is_any() ? destination4(0) : to.destination.address;
    auto frame = traffic::frame().ipv4(packet::ipv4(0xc6120000U | random.below(1U << 17)), dst);
    const auto from_port = static_cast<std::uint16_t>(random.between(1024, 65535));
    to.transport == packet::Transport::udp ? frame.udp(from_port, to.first_port) : frame.tcp(from_port, to.first_port);
    made->frames.push_back(frame.build());
  }
  made->bursts.resize(burst_count);
  for (std::size_t i = 0; i < made->frames.size(); ++i) {
    auto& burst = made->bursts[i / burst_packets];
    const auto row = burst.count++;
    burst.mbuf[row] = nullptr;
    burst.data[row] = made->frames[i].data();
    burst.present[row] = burst.wire_length[row] = static_cast<std::uint32_t>(made->frames[i].size());
  }
  for (auto& burst : made->bursts) datapath::stage2_parse(burst, counters);
  return made;
}

/// Stage 3 reads facts and frames, so all of them are made before; sets of bursts take turns, so that every binding's
/// line of the table comes up.
void look_up(benchmark::State& state, const LookupCase& what) {
  const auto bindings = make_bindings(what);
  const auto rules = build(bindings);
  const auto counters = std::make_unique<datapath::CoreCounters>();
  datapath::DemuxState demux{.fragments = datapath::FragmentMemory({}), .counters = *counters};
  traffic::Random random(3);
  std::vector<std::unique_ptr<Parsed>> sets;
  for (int i = 0; i < 16; ++i) sets.push_back(make_bursts(what, bindings, *counters, random));
  std::size_t next = 0;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      for (auto& burst : sets[next]->bursts) datapath::stage3_lookup(*rules, demux, burst);
    });
    next = (next + 1) % sets.size();
  }
  if (counters->dropped_before_rings.value() != 0) state.SkipWithError("a packet found no service");
  passes.report(state, burst_count * burst_packets);
  state.counters["table_bytes"] = static_cast<double>(rules->ports().bytes());
}

void register_all() {
  const auto add = [](const LookupCase& what) {
    const auto bindings = std::to_string(what.bindings) + "_bindings";
    const std::string touched = what.touched == Touched::one ? "/one_port_touched/" : "/all_ports_touched/";
    const auto name = what.addresses == 0 ? "stage_3/any_address" + touched + bindings
                                          : "stage_3/" + bindings + touched + std::to_string(what.addresses) +
                                                (what.addresses == 1 ? "_address" : "_addresses");
    benchmark::RegisterBenchmark(name.c_str(), [what](benchmark::State& state) { look_up(state, what); });
  };
  for (const auto touched : {Touched::one, Touched::all}) {
    for (const std::size_t bindings : {1, 1000, 65536, 131072}) add({bindings, 0, touched});
    for (const std::size_t addresses : {1, 16, 256, 1000}) add({1000, addresses, touched});
    for (const std::size_t addresses : {1, 16, 256, 1000}) add({131072, addresses, touched});
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, true);
}
