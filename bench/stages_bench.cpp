/// How much do stages 2 to 5 cost a packet together, and each of the stages 2 to 7 alone, from frames in memory?
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "measurement.hpp"
#include "stage_chain.hpp"

namespace portier::bench {
namespace {

struct Case {
  FrameSpec frames;
  RuleSpec rules;
};

/// A ring that is full, or a packet lost on the way, would make a figure look better than it is.
void check(benchmark::State& state, StageChain& chain, const FrameSpec& spec) {
  const auto dropped = static_cast<double>(chain.counters().dropped_before_rings.value());
  const auto share =
      dropped / static_cast<double>(std::max<std::uint64_t>(chain.counters().received.packets.value(), 1));
  if (spec.traffic == Traffic::mixed) {
    state.counters["dropped_share"] = share;
  } else if (dropped != 0) {
    state.SkipWithError("packets were dropped that should have gone through");
  }
}

/// All stages up to `last` as a core runs them, with the reading of mbufs that stage 1 does.
void together(benchmark::State& state, const Case& what, int last) {
  auto& frames = frames_for(what.frames);
  StageChain chain(make_program(what.rules), what.rules.workers);
  Passes passes;
  for (auto _ : state) {
    passes.time([&] { run_stages(chain, frames, last); });
    if (last == 6) chain.drain();
  }
  check(state, chain, what.frames);
  passes.report(state, pass_packets);
}

/// The ticks between two readings of the clock with nothing between them.
std::uint64_t bracket_ticks() {
  std::vector<std::uint64_t> ticks(1000);
  for (auto& each : ticks) {
    const auto start = rte_rdtsc_precise();
    each = rte_rdtsc_precise() - start;
  }
  return quantile(ticks, 0.5);
}

/// One stage in brackets: the stages before it run too, but do not count.
void alone(benchmark::State& state, const Case& what, int stage) {
  auto& frames = frames_for(what.frames);
  StageChain chain(make_program(what.rules), what.rules.workers);
  Passes passes;
  const auto bracket = bracket_ticks();
  for (auto _ : state) {
    std::uint64_t total = 0;
    const auto run = [&](int at, auto&& call) {
      if (at > stage || (stage == 7 && at == 6)) return;
      if (at < stage) return call();
      const auto start = rte_rdtsc_precise();
      call();
      const auto ticks = rte_rdtsc_precise() - start;
      total += ticks > bracket ? ticks - bracket : 0;
    };
    const auto first = frames.next_pass();
    for (std::size_t at = first; at < first + pass_packets; at += burst_packets) {
      chain.receive(frames, at);
      run(2, [&] { chain.parse(); });
      run(3, [&] { chain.look_up(); });
      run(5, [&] { stage == 7 ? chain.stay() : chain.steer(); });
      run(6, [&] { chain.hand_off(); });
      run(7, [&] { chain.deliver(); });
    }
    passes.note(total);
    if (stage == 6) chain.drain();
  }
  check(state, chain, what.frames);
  passes.report(state, pass_packets);
}

/// What, to which ports, how warm, and last what a plot compares.
std::string name_of(const std::string& what, const Case& of, const std::string& more = {}) {
  const auto addresses = of.rules.addresses == 0 ? "" : "_on_" + std::to_string(of.rules.addresses) + "_addresses";
  return what + "/" + text_of_ports(of.frames) + addresses + "/" + text_of(of.frames.warmth) + "/" +
         text_of(of.frames.traffic) + more;
}

/// `rules.services` follows the frames.
Case make_case(const FrameSpec& frames, std::size_t addresses = 0, std::size_t workers = 1) {
  return {frames, {.services = frames.services, .addresses = addresses, .workers = workers}};
}

void add_together(const Case& what, int last, const std::string& more = {}) {
  const auto stages = last == 1 ? "fill" : "stages_2_to_" + std::to_string(last);
  benchmark::RegisterBenchmark(name_of(stages, what, more).c_str(),
                               [what, last](benchmark::State& state) { together(state, what, last); });
}

void add_alone(const Case& what, int stage) {
  benchmark::RegisterBenchmark(name_of("stage_" + std::to_string(stage) + "_alone", what).c_str(),
                               [what, stage](benchmark::State& state) { alone(state, what, stage); });
}

constexpr std::array all_traffic{Traffic::ipv4, Traffic::ipv6, Traffic::vlan, Traffic::imix, Traffic::mixed};
constexpr std::array all_warmth{Warmth::hot, Warmth::warm, Warmth::cold};

void register_all() {
  // All kinds of traffic at all temperatures, 1,000 services by Zipf; "fill" is what reading the mbufs costs in each.
  for (const int last : {5, 1}) {
    for (const auto warmth : all_warmth) {
      for (const auto traffic : all_traffic) add_together(make_case({.traffic = traffic, .warmth = warmth}), last);
    }
  }
  // What the choice of ports and of transports does.
  add_together(make_case({.popularity = Popularity::uniform}), 5);
  add_together(make_case({.services = 1}), 5);
  add_together(make_case({.traffic = Traffic::ipv4_udp, .services = 1}), 5);
  // Bindings on 16 addresses instead of any.
  for (const auto traffic : {Traffic::ipv4, Traffic::ipv6}) add_together(make_case({.traffic = traffic}, 16), 5);
  // To the end: by value into rings, of one worker or several; or to the counting handler on the same core.
  for (const auto traffic : {Traffic::ipv4, Traffic::ipv6, Traffic::imix}) {
    add_together(make_case({.traffic = traffic}), 6);
    add_together(make_case({.traffic = traffic}), 7);
  }
  for (const std::size_t workers : {2, 4, 8}) {
    add_together(make_case({}, 0, workers), 6, "_" + std::to_string(workers) + "_workers");
  }
  for (const int stage : {2, 3, 5, 6, 7}) {
    for (const auto traffic : {Traffic::ipv4, Traffic::ipv6, Traffic::imix}) {
      add_alone(make_case({.traffic = traffic}), stage);
    }
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, true);
}
