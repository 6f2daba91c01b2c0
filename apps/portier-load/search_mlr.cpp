/// The controller of MLRsearch: which rate is tried next, for how long, and when every goal has its bounds.
#include "search_mlr.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace portier::load {

RelevantBounds relevant_bounds(const SearchGoal& goal, const LoadTable& loads) {
  RelevantBounds out;
  for (const auto& [load_pps, trials] : loads) {  // lowest first
    const auto load_class = classify(goal, trials);
    if (load_class == LoadClass::upper_bound) {
      out.upper_pps = load_pps;
      break;
    }
    if (load_class == LoadClass::lower_bound) out.lower_pps = load_pps;
  }
  return out;
}

double mlr_loss_ratio(const TrialResult& trial, double tolerance) {
  if (trial.sent == 0) return 1;
  if (!is_sender_limited(trial, tolerance)) return trial.loss_ratio();
  return 1 - std::min(1.0, static_cast<double>(trial.received) / static_cast<double>(trial.intended));
}

namespace {

class MlrSearch {
 public:
  MlrSearch(const MlrParameters& asked, const TrialRunner& run, const SearchWatch& watch)
      : asked_(asked), watch_(watch), log_(run, watch) {
    double shortest_s = asked.goals.front().initial_trial_s;
    for (const auto& goal : asked.goals) shortest_s = std::min(shortest_s, goal.initial_trial_s);
    max_pps_ = std::floor(asked.max_rate_pps);
    min_pps_ = std::min(max_pps_, std::ceil(asked.min_rate_pps > 0 ? asked.min_rate_pps : 10 / shortest_s));
    hints_.resize(asked.goals.size());
  }

  MlrResult run() {
    probe();
    for (unsigned left = asked_.preceding_targets + 1; left-- > 0;) {
      for (std::size_t g = 0; g < asked_.goals.size(); ++g) {
        if (!has_ended()) pursue(target_of(asked_.goals[g], left), hints_[g], left);
      }
    }
    return result();
  }

 private:
  /// Where the search supposes the bounds of a goal, from coarser targets.
  using Hint = RelevantBounds;

  /// What comes through at the highest rate is a good first guess at what can be carried.
  void probe() {
    const double duration_s = asked_.goals.front().initial_trial_s;
    try_load(max_pps_, duration_s, "probe");
    if (log_.is_interrupted()) return;
    const auto& first = log_.trials().back().result;
    const double carried_pps = max_pps_ * (1 - mlr_loss_ratio(first, watch_.sender_tolerance));
    const double guess_pps = std::clamp(std::round(carried_pps), min_pps_, max_pps_);
    for (auto& hint : hints_) hint = {.lower_pps = guess_pps, .upper_pps = std::nullopt};
  }

  /// The goal itself (left == 0), or a coarser one before it: shorter single trials, wider bounds.
  SearchGoal target_of(const SearchGoal& goal, unsigned left) const {
    auto target = goal;
    if (left == 0) return target;
    const auto steps = asked_.preceding_targets;
    const double growth = std::pow(goal.final_trial_s / goal.initial_trial_s,
                                   static_cast<double>(steps - left) / static_cast<double>(steps));
    target.final_trial_s = goal.initial_trial_s * growth;
    target.duration_sum_s = target.final_trial_s;
    target.width = std::min(0.5, goal.width * std::pow(2.0, left));
    return target;
  }

  void pursue(const SearchGoal& target, Hint& hint, unsigned left) {
    unsigned expansions = 0;
    std::optional<double> current_pps;
    while (!has_ended()) {
      const auto bounds = relevant_bounds(target, loads_);
      if (!current_pps || !needs_more(target, bounds, *current_pps)) {
        current_pps = choose(target, bounds, hint, expansions);
        if (!current_pps) break;
        ++expansions;
      }
      remaining_targets_ = left * asked_.goals.size() + 1;
      try_load(*current_pps, target.final_trial_s, target.name, halvings(target, bounds));
    }
    const auto found = relevant_bounds(target, loads_);
    if (found.lower_pps) hint.lower_pps = found.lower_pps;
    hint.upper_pps = found.upper_pps;
  }

  /// A rate is measured until it is decided, unless that has stopped to matter.
  bool needs_more(const SearchGoal& target, const RelevantBounds& bounds, double load_pps) const {
    return (!bounds.lower_pps || load_pps > *bounds.lower_pps) && (!bounds.upper_pps || load_pps < *bounds.upper_pps) &&
           classify(target, loads_.at(load_pps)) == LoadClass::undecided;
  }

  /// The next rate; nothing when the target is reached or out of reach. Lower rates first: bounds found early are then
  /// less likely to be overturned.
  std::optional<double> choose(const SearchGoal& target, const RelevantBounds& bounds, const Hint& hint,
                               unsigned expansions) const {
    const double step = std::pow(1 - target.width, std::pow(2.0, std::min(expansions, 20U)));
    if (bounds.lower_pps && bounds.upper_pps) {
      const double low = *bounds.lower_pps;
      const double high = *bounds.upper_pps;
      if ((high - low) / high <= target.width || high - low <= 1) return std::nullopt;
      return std::clamp(std::round(std::sqrt(low * high)), low + 1, high - 1);
    }
    if (bounds.lower_pps) {
      const double low = *bounds.lower_pps;
      if (low >= max_pps_) return std::nullopt;
      if (hint.upper_pps && *hint.upper_pps > low) return hint.upper_pps;
      return std::clamp(std::round(low / step), low + 1, max_pps_);
    }
    if (bounds.upper_pps) {
      const double high = *bounds.upper_pps;
      if (high <= min_pps_) return std::nullopt;
      if (hint.lower_pps && *hint.lower_pps < high) return hint.lower_pps;
      return std::max(min_pps_, std::min(std::round(high * step), high - 1));
    }
    return hint.lower_pps ? hint.lower_pps : max_pps_;
  }

  void try_load(double load_pps, double duration_s, const std::string& purpose, double steps = 1) {
    const auto trials = static_cast<std::size_t>(std::ceil(steps + 3.0 * static_cast<double>(remaining_targets_ - 1)));
    auto& trial = log_.run({.rate_pps = load_pps, .duration_s = duration_s}, purpose,
                           {trials, static_cast<double>(trials) * duration_s});
    if (trial.result.is_interrupted) return;
    const double loss_ratio = mlr_loss_ratio(trial.result, watch_.sender_tolerance);
    loads_[load_pps].push_back({.duration_s = duration_s, .loss_ratio = loss_ratio});
  }

  double halvings(const SearchGoal& target, const RelevantBounds& bounds) const {
    const double high = bounds.upper_pps.value_or(max_pps_);
    const double low = bounds.lower_pps.value_or(high / 2);
    return std::max(1.0, std::ceil(std::log2(std::max(1.0, (high - low) / high / target.width))));
  }

  bool is_out_of_time() const { return asked_.max_search_s > 0 && log_.elapsed_s() >= asked_.max_search_s; }
  bool has_ended() const {
    return log_.is_interrupted() || log_.trials().size() >= asked_.max_trials || is_out_of_time();
  }

  MlrResult result() {
    MlrResult out;
    for (const auto& goal : asked_.goals) {
      GoalResult found{.goal = goal};
      const auto bounds = relevant_bounds(goal, loads_);
      found.lower_pps = bounds.lower_pps;
      found.upper_pps = bounds.upper_pps;
      const bool is_close = bounds.lower_pps && bounds.upper_pps &&
                            ((*bounds.upper_pps - *bounds.lower_pps) / *bounds.upper_pps <= goal.width ||
                             *bounds.upper_pps - *bounds.lower_pps <= 1);
      found.is_regular = is_close;
      if (bounds.lower_pps) {
        found.conditional_throughput_pps =
            conditional_throughput_pps(goal, *bounds.lower_pps, loads_.at(*bounds.lower_pps));
      }
      found.stop = stop_of(bounds, is_close);
      found.limit = limit_of(goal, bounds);
      out.goals.push_back(std::move(found));
      out.deviations.push_back(
          fmt::format("{}: loss ratio {:g} %, exceed ratio {:g} %, trials of {:g} s to {:g} s, duration sum {:g} s, "
                      "width {:g} % of the "
                      "upper bound (RFC 9971 asks to say so)",
                      goal.name, goal.loss_ratio * 100, goal.exceed_ratio * 100, goal.initial_trial_s,
                      goal.final_trial_s, goal.duration_sum_s, goal.width * 100));
    }
    out.trials = log_.finish();
    return out;
  }

  Stop stop_of(const RelevantBounds& bounds, bool is_close) const {
    if (is_close) return Stop::precise;
    if (log_.is_interrupted()) return Stop::interrupted;
    if (!bounds.upper_pps && bounds.lower_pps && *bounds.lower_pps >= max_pps_) return Stop::held_at_maximum;
    if (!bounds.lower_pps && bounds.upper_pps && *bounds.upper_pps <= min_pps_) return Stop::lost_at_minimum;
    return log_.trials().size() >= asked_.max_trials ? Stop::trial_limit : Stop::time_limit;
  }

  /// The sender is the limit when at the upper bound the device lost no more than it may.
  Limit limit_of(const SearchGoal& goal, const RelevantBounds& bounds) const {
    if (!bounds.upper_pps) return bounds.lower_pps ? Limit::asked : Limit::unknown;
    for (const auto& trial : log_.trials()) {
      if (trial.result.is_interrupted || trial.result.request.rate_pps != *bounds.upper_pps) continue;
      if (trial.result.sent > 0 && trial.result.loss_ratio() > goal.loss_ratio) return Limit::device;
    }
    return Limit::sender;
  }

  MlrParameters asked_;
  SearchWatch watch_;
  TrialLog log_;
  LoadTable loads_;
  std::vector<Hint> hints_;
  double max_pps_ = 0;
  double min_pps_ = 0;
  std::size_t remaining_targets_ = 1;
};

void check(const SearchGoal& goal) {
  const bool is_good = goal.loss_ratio >= 0 && goal.loss_ratio < 1 && goal.exceed_ratio >= 0 && goal.exceed_ratio < 1 &&
                       goal.initial_trial_s > 0 && goal.final_trial_s >= goal.initial_trial_s &&
                       goal.duration_sum_s > 0 && goal.width > 0 && goal.width < 1;
  if (!is_good) {
    throw std::invalid_argument(
        fmt::format("goal {}: ratios must be from 0 to below 1, the width above 0, and the first trial not longer than "
                    "the final one",
                    goal.name));
  }
}

}  // namespace

MlrResult search_mlr(const MlrParameters& parameters, const TrialRunner& run, const SearchWatch& watch) {
  if (parameters.goals.empty() || !(parameters.max_rate_pps >= 1) || parameters.min_rate_pps < 0 ||
      parameters.min_rate_pps > parameters.max_rate_pps || parameters.max_trials == 0) {
    throw std::invalid_argument("a search needs a goal, a highest rate not below the lowest, and at least one trial");
  }
  for (const auto& goal : parameters.goals) check(goal);
  return MlrSearch(parameters, run, watch).run();
}

}  // namespace portier::load
