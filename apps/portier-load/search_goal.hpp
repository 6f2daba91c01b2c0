/// What MLRsearch (RFC 9971) asks of a rate, and whether trials have shown it: load classification.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace portier::load {

/// RFC 9971 "Search Goal". A rate is good when trials above `loss_ratio` take at most `exceed_ratio` of the time spent.
struct SearchGoal {
  std::string name;
  double loss_ratio = 0;       ///< a trial that loses a larger share is a high-loss trial; below 1
  double exceed_ratio = 0.5;   ///< the share of trial time that may be high-loss; below 1; the RFC recommends 0.5
  double initial_trial_s = 1;  ///< the shortest trial; as long as final_trial_s: no short trials
  double final_trial_s = 5;    ///< length of the trials that can make a rate good
  double duration_sum_s = 15;  ///< trial time at one rate after which it is decided either way
  double width = 0.005;        ///< the bounds end up this close: (upper - lower) / upper
};

/// No drop rate: not a packet lost in at least half of the trial time.
SearchGoal ndr_goal();
/// Partial drop rate: at most 0.5 % lost in at least half of the trial time.
SearchGoal pdr_goal();
/// The goal whose result is RFC 2544 throughput: one trial of 60 s without loss.
SearchGoal rfc2544_goal();

/// What classification knows of a trial.
struct TimedLoss {
  double duration_s = 0;
  double loss_ratio = 0;
};

enum class LoadClass : std::uint8_t { lower_bound, upper_bound, undecided };

/// RFC 9971 appendix "Load Classification Code": certain to keep the goal, certain to miss it, or neither yet. A rate
/// without trials is undecided.
LoadClass classify(const SearchGoal& goal, std::span<const TimedLoss> trials);

/// RFC 9971 appendix "Conditional Throughput Code": the forwarding rate to expect at a lower bound.
double conditional_throughput_pps(const SearchGoal& goal, double load_pps, std::span<const TimedLoss> trials);

}  // namespace portier::load
