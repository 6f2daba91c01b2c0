/// Runs the rates of a latency test one after the other and adds up repetitions.
#include "search_latency.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace portier::load {

void add_sample(LatencySample& sum, const LatencySample& part) {
  if (part.count == 0) return;
  if (sum.buckets.size() < part.buckets.size()) sum.buckets.resize(part.buckets.size());
  for (std::size_t b = 0; b < part.buckets.size(); ++b) sum.buckets[b] += part.buckets[b];
  sum.min_ns = sum.count == 0 ? part.min_ns : std::min(sum.min_ns, part.min_ns);
  sum.max_ns = std::max(sum.max_ns, part.max_ns);
  sum.count += part.count;
}

LatencyResult measure_latency(const LatencyParameters& parameters, const TrialRunner& run, const SearchWatch& watch) {
  const bool has_good_shares = std::all_of(parameters.shares.begin(), parameters.shares.end(),
                                           [](double share) { return share > 0 && share <= 1; });
  if (!(parameters.throughput_pps > 0) || !(parameters.trial_s > 0) || parameters.repetitions == 0 ||
      parameters.shares.empty() || !has_good_shares) {
    throw std::invalid_argument(
        "a latency test needs a throughput, a duration, repetitions, and shares of the throughput above 0 up to 1");
  }
  LatencyResult out;
  TrialLog log(run, watch);
  const auto all = parameters.shares.size() * parameters.repetitions;
  out.stop = Stop::completed;
  for (const double share : parameters.shares) {
    LatencyPoint point{.share = share, .rate_pps = share * parameters.throughput_pps};
    for (unsigned i = 0; i < parameters.repetitions && !log.is_interrupted(); ++i) {
      const auto left = all - log.trials().size();
      const auto& trial =
          log.run({.rate_pps = point.rate_pps, .duration_s = parameters.trial_s}, fmt::format("{:g} %", share * 100),
                  {left, static_cast<double>(left) * parameters.trial_s});
      point.trials.push_back(log.trials().size() - 1);
      add_sample(point.latency, trial.result.latency);
      add_sample(point.latency_from_send, trial.result.latency_from_send);
      point.is_lossless = point.is_lossless && trial.result.lost == 0 && trial.result.sent > 0;
      point.is_sender_limited = point.is_sender_limited || trial.is_sender_limited;
    }
    if (!point.trials.empty()) out.points.push_back(std::move(point));
    if (log.is_interrupted()) {
      out.stop = Stop::interrupted;
      break;
    }
  }
  if (parameters.trial_s < 120) {
    out.deviations.push_back(duration_deviation(parameters.trial_s, 120, "RFC 2544 section 26.2"));
  }
  if (parameters.repetitions < 20) {
    out.deviations.push_back(
        fmt::format("{} repetition(s) of every rate; RFC 2544 section 26.2 asks for 20", parameters.repetitions));
  }
  out.deviations.emplace_back("every packet is timed, not one tagged packet a trial");
  out.trials = log.finish();
  return out;
}

}  // namespace portier::load
