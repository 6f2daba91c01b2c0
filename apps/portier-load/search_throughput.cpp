/// The binary search for throughput: bounds move, trials decide.
#include "search_throughput.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace portier::load {

namespace {

class ThroughputSearch {
 public:
  ThroughputSearch(const ThroughputParameters& asked, const TrialRunner& run, const SearchWatch& watch)
      : asked_(asked), log_(run, watch), resolution_pps_(asked.max_rate_pps * asked.resolution) {}

  ThroughputResult run() {
    if (asked_.search_trial_s < asked_.final_trial_s) {
      look();
      if (!has_ended()) confirm();
    } else {
      confirm();
    }
    return result();
  }

 private:
  /// Short trials: highest rate first, then the middle of what is left.
  void look() {
    try_rate(asked_.max_rate_pps, asked_.search_trial_s, "search");
    while (!has_ended() && !is_close()) try_rate(middle(), asked_.search_trial_s, "search");
  }

  /// Full-length trials, from the best short one on: down in growing steps until one holds, then between.
  void confirm() {
    double rate = good_pps_ > 0 ? good_pps_ : (bad_pps_ > 0 ? asked_.min_rate_pps : asked_.max_rate_pps);
    good_pps_ = 0;
    best_.reset();
    is_confirming_ = true;
    for (double step_pps = resolution_pps_;; step_pps *= 2) {
      try_rate(rate, asked_.final_trial_s, "confirm");
      if (has_ended() || is_close()) return;
      if (good_pps_ > 0) {
        rate = middle();
      } else if (rate <= asked_.min_rate_pps) {
        return;
      } else {
        rate = is_close_to_minimum() ? asked_.min_rate_pps : std::max(asked_.min_rate_pps, bad_pps_ - step_pps);
      }
    }
  }

  void try_rate(double rate_pps, double duration_s, const char* purpose) {
    for (unsigned attempt = 0;; ++attempt) {
      const auto& trial = log_.run({.rate_pps = rate_pps, .duration_s = duration_s}, purpose, outlook(duration_s));
      if (trial.result.is_interrupted) return;
      if (trial.is_good || attempt == asked_.loss_repeats || has_ended()) return take(trial, rate_pps);
    }
  }

  /// Moves the bounds. Where the sender fell behind, packets waited for it, so such a trial is not what a result should
  /// stand on: a little below what it managed is tried next.
  void take(const SearchTrial& trial, double rate_pps) {
    const double reached_pps = trial.is_sender_limited ? std::min(rate_pps, offered_pps(trial.result)) : rate_pps;
    const auto index = log_.trials().size() - 1;
    if (!trial.is_good) {
      const bool nothing_sent = trial.result.sent == 0;
      set_bad(reached_pps > good_pps_ ? reached_pps : rate_pps, nothing_sent);
    } else if (!trial.is_sender_limited) {
      if (reached_pps > good_pps_) set_good(reached_pps, index);
    } else {
      if (is_confirming_ && reached_pps > makeshift_pps_) {
        makeshift_pps_ = reached_pps;
        makeshift_ = index;
      }
      // What the device has been seen to carry holds for less, too.
      if (!is_confirming_) set_good(std::max({good_pps_, asked_.min_rate_pps, reached_pps - resolution_pps_}), index);
      set_bad(std::max(reached_pps, good_pps_), true);
    }
  }

  void set_good(double rate_pps, std::size_t trial) {
    good_pps_ = rate_pps;
    best_ = trial;
  }

  void set_bad(double rate_pps, bool is_by_sender) {
    bad_pps_ = rate_pps;
    bad_by_sender_ = is_by_sender;
  }

  double floor_pps() const { return std::max(good_pps_, asked_.min_rate_pps); }
  double middle() const { return (floor_pps() + bad_pps_) / 2; }
  bool holds_maximum() const { return bad_pps_ == 0 && good_pps_ >= asked_.max_rate_pps; }
  bool is_close_to_minimum() const { return bad_pps_ - asked_.min_rate_pps <= resolution_pps_; }
  /// In the full-length phase the lowest rate is tried before giving up, so closeness to it is not enough there.
  bool is_close() const {
    if (holds_maximum()) return true;
    return bad_pps_ > 0 &&
           (good_pps_ > 0 ? bad_pps_ - good_pps_ <= resolution_pps_ : !is_confirming_ && is_close_to_minimum());
  }
  bool has_ended() const { return log_.is_interrupted() || log_.trials().size() >= asked_.max_trials; }

  /// Usually one full-length trial confirms what the short ones found.
  Outlook outlook(double duration_s) const {
    if (is_confirming_ && good_pps_ == 0) return {1, duration_s};
    const double high = bad_pps_ > 0 ? bad_pps_ : asked_.max_rate_pps;
    const double halvings = std::ceil(std::log2(std::max(1.0, (high - floor_pps()) / resolution_pps_)));
    const auto steps = static_cast<std::size_t>(std::max(1.0, halvings));
    if (is_confirming_) return {steps, static_cast<double>(steps) * duration_s};
    return {steps + 1, static_cast<double>(steps) * duration_s + asked_.final_trial_s};
  }

  ThroughputResult result() {
    ThroughputResult out;
    const bool is_interrupted = log_.is_interrupted();
    const bool is_used_up = log_.trials().size() >= asked_.max_trials;
    // Only a full-length trial makes a throughput.
    if (is_confirming_ && best_) {
      out.throughput_pps = good_pps_;
      out.best_trial = best_;
    } else if (makeshift_) {
      out.throughput_pps = makeshift_pps_;
      out.best_trial = makeshift_;
    }
    out.upper_pps = bad_pps_;
    out.resolution_pps = resolution_pps_;
    const bool is_done = out.throughput_pps > 0 && is_close();
    if (is_interrupted) {
      out.stop = Stop::interrupted;
    } else if (is_done) {
      out.stop = holds_maximum() ? Stop::held_at_maximum : Stop::precise;
    } else {
      out.stop = is_used_up ? Stop::trial_limit : makeshift_ ? Stop::sender_too_slow : Stop::lost_at_minimum;
    }
    if (holds_maximum()) {
      out.limit = Limit::asked;
    } else if (bad_pps_ > 0) {
      out.limit = bad_by_sender_ ? Limit::sender : Limit::device;
    }
    if (asked_.final_trial_s < 60) {
      out.deviations.push_back(duration_deviation(asked_.final_trial_s, 60, "RFC 2544 section 24"));
    }
    if (asked_.loss_repeats > 0) {
      out.deviations.emplace_back("a trial with loss is repeated, as ETSI TST 009 does; RFC 2544 does not");
    }
    out.trials = log_.finish();
    return out;
  }

  ThroughputParameters asked_;
  TrialLog log_;
  double resolution_pps_;
  double good_pps_ = 0;  ///< in the second phase: of full-length trials only
  double bad_pps_ = 0;   ///< 0: none yet
  bool bad_by_sender_ = false;
  bool is_confirming_ = false;
  std::optional<std::size_t> best_;
  double makeshift_pps_ = 0;  ///< the best full-length trial without loss in which the sender fell behind
  std::optional<std::size_t> makeshift_;
};

}  // namespace

ThroughputResult search_throughput(const ThroughputParameters& parameters, const TrialRunner& run,
                                   const SearchWatch& watch) {
  if (!(parameters.min_rate_pps > 0) || !(parameters.max_rate_pps >= parameters.min_rate_pps)) {
    throw std::invalid_argument("the rates of a search must be above 0, and the highest not below the lowest");
  }
  if (!(parameters.resolution > 0) || !(parameters.final_trial_s > 0) || !(parameters.search_trial_s > 0) ||
      parameters.max_trials == 0) {
    throw std::invalid_argument("resolution, durations and number of trials of a search must be above 0");
  }
  return ThroughputSearch(parameters, run, watch).run();
}

}  // namespace portier::load
