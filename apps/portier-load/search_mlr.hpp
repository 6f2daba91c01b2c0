/// NDR, PDR and other goals in one search: MLRsearch, RFC 9971.
///
/// Covered: search goals with all required and optional attributes; load classification and conditional throughput as
/// the RFC's appendices compute them; relevant bounds, loss inversion settled conservatively; short trials first, with
/// their effect balanced; regular and irregular results kept apart; highest and lowest rate; a sender that falls behind
/// what was intended counts as loss, so that a rate the sender cannot make is never a lower bound. Not covered: an
/// effective trial duration other than the trial duration; rates per interface (rates are of all packets sent); warm-up
/// and the waits of RFC 2544 section 23, which belong to the runner.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "search_goal.hpp"
#include "search_trials.hpp"

namespace portier::load {

struct MlrParameters {
  std::vector<SearchGoal> goals = {ndr_goal(), pdr_goal()};
  double max_rate_pps = 0;         ///< "Max Load"; required
  double min_rate_pps = 0;         ///< "Min Load"; 0: ten packets in the shortest trial
  unsigned preceding_targets = 2;  ///< coarse searches with short trials before the one that counts, per goal
  std::size_t max_trials = 400;
  double max_search_s = 0;  ///< 0: no limit; no trial starts later than this
};

/// RFC 9971 "Goal Result".
struct GoalResult {
  SearchGoal goal;
  bool is_regular = false;          ///< both bounds exist and are as close as the goal's width
  std::optional<double> lower_pps;  ///< relevant lower bound; in an irregular result the best lower bound there is
  std::optional<double> upper_pps;  ///< relevant upper bound: the lowest rate that misses the goal
  double conditional_throughput_pps = 0;  ///< what to quote and compare; 0 without a lower bound
  Stop stop = Stop::not_started;
  Limit limit = Limit::unknown;
};

struct MlrResult {
  std::vector<GoalResult> goals;  ///< in the order of the parameters
  std::vector<std::string> deviations;
  std::vector<SearchTrial> trials;
};

/// Throws std::invalid_argument for parameters that make no sense.
MlrResult search_mlr(const MlrParameters& parameters, const TrialRunner& run, const SearchWatch& watch = {});

/// Every rate that was tried, in packets per second, with its trials.
using LoadTable = std::map<double, std::vector<TimedLoss>>;

struct RelevantBounds {
  std::optional<double> lower_pps;
  std::optional<double> upper_pps;
};

/// The smallest upper bound, and the largest lower bound below it.
RelevantBounds relevant_bounds(const SearchGoal& goal, const LoadTable& loads);

/// The share lost, where what the sender left out counts as lost too if it fell behind by more than `tolerance`.
double mlr_loss_ratio(const TrialResult& trial, double tolerance);

}  // namespace portier::load
