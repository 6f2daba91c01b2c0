/// Overload: a handler of fixed cost makes the worker the bottleneck; twice its capacity is offered, then less again.
#include <fmt/format.h>
#include <rte_cycles.h>

#include <algorithm>

#include "bench_session.hpp"
#include "modes.hpp"
#include "nic/failure.hpp"
#include "pipeline_run.hpp"
#include "result_json.hpp"
#include "rounds.hpp"
#include "stamped_handlers.hpp"
#include "statistics.hpp"
#include "verdict.hpp"

namespace portier::bench {

namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned paced_mbufs = 8192;
constexpr double least_share = 0.95;              // of the best rate, under overload
constexpr double after_share = 0.7;               // of capacity, offered when the overload is over
constexpr double tries[] = {0.8, 0.9, 1.0, 1.1};  // of capacity, where the best rate is looked for

/// Rates in packets a second.
struct OverloadRound {
  double capacity = 0;
  double best = 0;
  double under_overload = 0;
  std::vector<double> after;  ///< delivered by offered, in tenths of the second behind the overload
};

class OverloadBench {
 public:
  OverloadBench(const Match& match, PacedSource& source) : match_(match), source_(source) {}

  /// One life of the pipeline; the rate changes under it.
  OverloadRound run_round() {
    LatencyLog log;
    const auto settings = settings_for(match_.capture, match_.options.services, "costly");
    const auto registry = registry_with_stamped(log, match_.options.cost_ticks);
    PipelineRun run(match_, settings, registry, 1);
    source_.pacer().set_unlimited();
    run.start();
    pause_ms(match_.options.warm_up_ms);
    OverloadRound round;
    round.capacity = rate_of(run, run_ms()).delivered;
    for (const double share : tries) round.best = std::max(round.best, offer(run, share * round.capacity));
    round.under_overload = offer(run, 2 * round.capacity);
    source_.pacer().set_rate(after_share * round.capacity, nic::tsc_hz());
    for (int tenth = 0; tenth < 10 && !is_interrupted(); ++tenth) {
      const auto [offered, delivered] = rate_of(run, 100);
      round.after.push_back(delivered / offered);
    }
    source_.pacer().set_rate(0, nic::tsc_hz());
    is_sound = run.stop().adds_up() && is_sound;
    return round;
  }

  bool is_sound = true;

 private:
  struct Rates {
    double offered;
    double delivered;
  };

  unsigned run_ms() const { return match_.options.windows * match_.options.window_ms / 2; }

  Rates rate_of(const PipelineRun& run, unsigned milliseconds) const {
    const auto start = rte_rdtsc();
    const auto delivered = run.delivered();
    const auto offered = source_.pacer().emitted() + source_.pacer().missed();
    pause_ms(milliseconds);
    const double seconds = static_cast<double>(rte_rdtsc() - start) / nic::tsc_hz();
    return {.offered = static_cast<double>(source_.pacer().emitted() + source_.pacer().missed() - offered) / seconds,
            .delivered = static_cast<double>(run.delivered() - delivered) / seconds};
  }

  double offer(const PipelineRun& run, double rate_pps) {
    source_.pacer().set_rate(rate_pps, nic::tsc_hz());
    pause_ms(match_.options.warm_up_ms);
    return rate_of(run, run_ms()).delivered;
  }

  Match match_;
  PacedSource& source_;
};

}  // namespace

int run_overload(const Options& options) {
  const auto capture = builtin_capture(options.traffic.front(), options.services);
  BenchSession session(options, 1, memory_mb_for_pools(paced_mbufs));
  if (session.arena().workers() == 0) throw nic::Failure("overload needs two CPUs; this process may use one");
  catch_interrupts();
  const auto source = open_paced(capture, paced_mbufs);
  OverloadBench bench({session.arena(), *source, capture, options}, *source);
  std::vector<double> kept;   // share of the best rate
  std::vector<double> after;  // first second behind the overload
  Json rounds = Json::array();
  auto* out = options.json == "-" ? stderr : stdout;
  fmt::print(out, "{:>5} {:>14} {:>10} {:>12} {:>14} {:>20}\n", "round", "capacity Mpps", "best Mpps", "at 2x Mpps",
             "share of best", "then, of 0.7x: share");
  for (unsigned k = 0; k < options.rounds && !is_interrupted(); ++k) {
    const auto round = bench.run_round();
    if (is_interrupted()) break;
    kept.push_back(round.under_overload / round.best);
    after.push_back(median(round.after));
    fmt::print(out, "{:>5} {:>14.3f} {:>10.3f} {:>12.3f} {:>14.3f} {:>12.3f}, first 0.1 s {:.3f}\n", k + 1,
               round.capacity / 1e6, round.best / 1e6, round.under_overload / 1e6, kept.back(), after.back(),
               round.after.front());
    rounds.push_back({{"capacity_pps", round.capacity},
                      {"best_pps", round.best},
                      {"at_twice_capacity_pps", round.under_overload},
                      {"delivered_by_offered_after", round.after}});
  }
  const auto missing = source->close();
  const auto share = spread_of(kept);
  const auto verdict = judge(share, least_share);
  fmt::print(out,
             "at 2x: {:.3f} [{:.3f}..{:.3f}] of the best rate, goal at least {}: {}; worker's handler costs {} ticks\n",
             share.median, share.min, share.max, least_share, name_of(verdict), options.cost_ticks);
  for (const auto& sentence : session.notes()) fmt::print(out, "note: {}\n", sentence);
  const bool is_sound = bench.is_sound && missing == 0;
  if (!options.json.empty()) {
    auto json = json_head("overload", options, session.machine(), session.arena().cpus, session.notes());
    json["is_interrupted"] = is_interrupted();
    json["cost_ticks"] = options.cost_ticks;
    json["rounds"] = rounds;
    json["share_of_best"] = {{"median", share.median}, {"min", share.min}, {"max", share.max}, {"count", share.count}};
    json["goal"] = {{"limit", least_share}, {"at_least", true}};
    json["verdict"] = name_of(verdict);
    json["missing_mbufs"] = missing;
    json["is_sound"] = is_sound;
    write_json(json, options.json);
  }
  if (!is_sound) return 1;
  return is_interrupted() ? exit_interrupted : 0;
}

}  // namespace portier::bench
