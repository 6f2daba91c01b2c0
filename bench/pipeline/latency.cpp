/// Latency: receive to handler at shares of the pipeline's own throughput and at a low rate, beside the bare ring and
/// the machine's hiccups of the same rounds.
#include <fmt/format.h>
#include <rte_cycles.h>

#include "bench_session.hpp"
#include "modes.hpp"
#include "nic/failure.hpp"
#include "pipeline_run.hpp"
#include "result_json.hpp"
#include "ring_ping_pong.hpp"
#include "rounds.hpp"
#include "stamped_handlers.hpp"
#include "statistics.hpp"
#include "verdict.hpp"

namespace portier::bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned paced_mbufs = 8192;
constexpr double low_rate_pps = 1000;
constexpr double p50_limit = 2;  // times the bare ring's

/// One load over all rounds.
struct Load {
  std::string name;
  double share = 0;  ///< of the pipeline's throughput; 0: the low rate
  std::vector<std::uint64_t> due;
  std::vector<std::uint64_t> received;
  std::vector<double> p50_to_ring;  ///< by round: p50 from receive to handler by the bare ring's p50
  std::vector<double> rates_pps;
  std::uint64_t missed = 0;
  Tally tally;
};

class LatencyBench {
 public:
  LatencyBench(const Match& match, PacedSource& source, const Options& options)
      : match_(match), source_(source), options_(options), tsc_hz_(nic::tsc_hz()) {}

  void run() {
    for (unsigned round = 0; round < options_.rounds && !is_interrupted(); ++round) {
      fmt::print(stderr, "round {} of {}: throughput, ring, loads\n", round + 1, options_.rounds);
      probes_ns.push_back(probe_one_way_ns(match_.arena));
      hiccups.add(watch_hiccups(match_.arena, options_.window_ms));
      const auto of_ring = play(ring, options_.window_ms * 2, 0);
      const auto of_slow_ring = play(slow_ring, run_ms(), low_rate_pps);
      capacity_pps.push_back(measure_capacity());
      for (auto& load : loads) {
        if (is_interrupted()) break;
        const double rate = load.share == 0 ? low_rate_pps : load.share * capacity_pps.back();
        measure(load, rate, load.share == 0 ? of_slow_ring : of_ring);
      }
      probes_ns.push_back(probe_one_way_ns(match_.arena));
    }
  }

  std::vector<Load> loads{{.name = "1,000 pps"}, {.name = "50 %", .share = 0.5}, {.name = "80 %", .share = 0.8}};
  std::vector<std::uint64_t> ring;       ///< one packet to and fro, as fast as it can
  std::vector<std::uint64_t> slow_ring;  ///< at the low rate: caches are as cold as they are for a lone packet
  std::vector<double> capacity_pps;
  std::vector<double> probes_ns;
  Hiccups hiccups;
  bool is_sound = true;

 private:
  unsigned run_ms() const { return options_.windows * options_.window_ms; }

  /// Half a round trip through two bare rings, p50; all of them go into `sum`.
  double play(std::vector<std::uint64_t>& sum, unsigned milliseconds, double rate_pps) {
    const auto halves = ring_ping_pong(match_.arena, milliseconds, rate_pps);
    sum.resize(halves.size());
    for (std::size_t i = 0; i < halves.size(); ++i) sum[i] += halves[i];
    return percentiles_of(halves, tsc_hz_).p50_ns;
  }

  double measure_capacity() {
    LatencyLog log;
    const auto settings = settings_for(match_.capture, options_.services, "stamped");
    const auto registry = registry_with_stamped(log, 0);
    PipelineRun run(match_, settings, registry, 1);
    source_.pacer().set_unlimited();
    run.start();
    pause_ms(options_.warm_up_ms);
    const auto start = rte_rdtsc();
    const auto before = run.delivered();
    pause_ms(run_ms() / 2);
    const auto packets = static_cast<double>(run.delivered() - before);
    const double rate = packets / (static_cast<double>(rte_rdtsc() - start) / tsc_hz_);
    source_.pacer().set_rate(0, tsc_hz_);
    is_sound = run.stop().adds_up() && is_sound;
    return rate;
  }

  void measure(Load& load, double rate_pps, double ring_p50_ns) {
    const auto log = std::make_unique<LatencyLog>();
    const auto settings = settings_for(match_.capture, options_.services, "stamped");
    const auto registry = registry_with_stamped(*log, 0);
    PipelineRun run(match_, settings, registry, 1);
    source_.pacer().set_rate(rate_pps, tsc_hz_);
    run.start();
    pause_ms(options_.warm_up_ms);
    const auto missed = source_.pacer().missed();
    log->is_recording.set(1);
    pause_ms(run_ms());
    log->is_recording.set(0);
    load.missed += source_.pacer().missed() - missed;
    source_.pacer().set_rate(0, tsc_hz_);
    const auto tally = run.stop();
    is_sound = tally.adds_up() && is_sound;
    load.tally.received += tally.received;
    load.tally.delivered += tally.delivered;
    for (const auto& [reason, packets] : tally.dropped) load.tally.dropped[reason] += packets;
    load.rates_pps.push_back(rate_pps);
    add_buckets(log->due_to_handler, load.due);
    add_buckets(log->receive_to_handler, load.received);
    std::vector<std::uint64_t> own;
    add_buckets(log->receive_to_handler, own);
    load.p50_to_ring.push_back(percentiles_of(own, tsc_hz_).p50_ns / ring_p50_ns);
  }

  Match match_;
  PacedSource& source_;
  const Options& options_;
  double tsc_hz_;
};

std::string row(const std::string& name, const std::string& from, const Percentiles& found) {
  return fmt::format("{:<12} {:<20} {:>9.0f} {:>9.0f} {:>9.0f} {:>9.0f} {:>10.0f} {:>11}\n", name, from, found.p50_ns,
                     found.p99_ns, found.p999_ns, found.p9999_ns, found.max_ns, found.count);
}

Json json_of(const Percentiles& found) {
  return {{"count", found.count},      {"p50_ns", found.p50_ns},      {"p99_ns", found.p99_ns},
          {"p99.9_ns", found.p999_ns}, {"p99.99_ns", found.p9999_ns}, {"max_ns", found.max_ns}};
}

Json json_of(const Load& load, double tsc_hz, Verdict verdict) {
  const auto ratio = spread_of(load.p50_to_ring);
  return {{"load", load.name},
          {"rate_pps", median(load.rates_pps)},
          {"receive_to_handler", json_of(percentiles_of(load.received, tsc_hz))},
          {"due_to_handler", json_of(percentiles_of(load.due, tsc_hz))},
          {"p50_to_ring", {{"median", ratio.median}, {"min", ratio.min}, {"max", ratio.max}, {"count", ratio.count}}},
          {"goal", {{"limit", p50_limit}, {"at_least", false}}},
          {"verdict", name_of(verdict)},
          {"missed", load.missed},
          {"account", bench::json_of(load.tally)}};
}

}  // namespace

int run_latency(const Options& options) {
  const auto capture = builtin_capture(options.traffic.front(), options.services);
  BenchSession session(options, 1, memory_mb_for_pools(paced_mbufs));
  if (session.arena().workers() == 0) throw nic::Failure("latency needs two CPUs; this process may use one");
  catch_interrupts();
  const auto source = open_paced(capture, paced_mbufs);
  const Match match{session.arena(), *source, capture, options};
  LatencyBench bench(match, *source, options);
  bench.run();
  const auto missing = source->close();
  const double tsc_hz = nic::tsc_hz();

  auto* out = options.json == "-" ? stderr : stdout;
  fmt::print(out, "{:<12} {:<20} {:>9} {:>9} {:>9} {:>9} {:>10} {:>11}\n", "load", "nanoseconds from", "p50", "p99",
             "p99.9", "p99.99", "max", "packets");
  fmt::print(out, "{}", row("bare ring", "half a round trip", percentiles_of(bench.ring, tsc_hz)));
  fmt::print(out, "{}", row("at 1,000 pps", "half a round trip", percentiles_of(bench.slow_ring, tsc_hz)));
  Json loads = Json::array();
  for (const auto& load : bench.loads) {
    if (load.p50_to_ring.empty()) continue;
    const auto verdict = judge(spread_of(load.p50_to_ring), p50_limit);
    const auto ratio = spread_of(load.p50_to_ring);
    fmt::print(out, "{}", row(load.name, "receive to handler", percentiles_of(load.received, tsc_hz)));
    fmt::print(out, "{}", row("", "due to handler", percentiles_of(load.due, tsc_hz)));
    fmt::print(out, "{:<12} p50 is {:.2f} [{:.2f}..{:.2f}] times the bare ring's{}, goal at most {}: {}; {} missed\n",
               "", ratio.median, ratio.min, ratio.max, load.share == 0 ? " at that rate" : "", p50_limit,
               name_of(verdict), load.missed);
    loads.push_back(json_of(load, tsc_hz, verdict));
  }
  fmt::print(out, "\nthroughput of the pipeline: {:.2f} Mpps; cache line one way: {:.0f} ns [{:.0f}..{:.0f}]\n{}\n",
             median(bench.capacity_pps) / 1e6, median(bench.probes_ns), spread_of(bench.probes_ns).min,
             spread_of(bench.probes_ns).max, text_of(bench.hiccups));
  for (const auto& sentence : session.notes()) fmt::print(out, "note: {}\n", sentence);
  const bool is_sound = bench.is_sound && missing == 0;
  if (!options.json.empty()) {
    auto json = json_head("latency", options, session.machine(), session.arena().cpus, session.notes());
    json["is_interrupted"] = is_interrupted();
    json["hiccups"] = json_of(bench.hiccups);
    json["probes_ns"] = bench.probes_ns;
    json["capacity_pps"] = bench.capacity_pps;
    json["bare_ring"] = json_of(percentiles_of(bench.ring, tsc_hz));
    json["bare_ring_at_low_rate"] = json_of(percentiles_of(bench.slow_ring, tsc_hz));
    json["loads"] = loads;
    json["missing_mbufs"] = missing;
    json["is_sound"] = is_sound;
    write_json(json, options.json);
  }
  if (!is_sound) return 1;
  return is_interrupted() ? exit_interrupted : 0;
}

}  // namespace portier::bench
