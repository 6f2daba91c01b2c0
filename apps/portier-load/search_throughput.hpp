/// RFC 2544 section 26.1: the highest rate at which no packet is lost, by binary search.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "search_trials.hpp"

namespace portier::load {

struct ThroughputParameters {
  double max_rate_pps = 0;       ///< where the search starts; required, at least min_rate_pps
  double min_rate_pps = 1;       ///< below this nothing is tried
  double resolution = 0.005;     ///< the search ends when the bounds are this share of max_rate_pps apart
  double search_trial_s = 5;     ///< trials that look for the place; the same as final_trial_s or more: no short trials
  double final_trial_s = 60;     ///< a rate counts only after a trial of this length; RFC 2544 section 24 asks for 60 s
  unsigned loss_repeats = 0;     ///< a trial with loss is repeated so often, hoping for none (ETSI TST 009, 12.3.3);
                                 ///< 0 is RFC 2544 itself
  std::size_t max_trials = 100;  ///< the search ends after so many, with what it has
};

struct ThroughputResult {
  double throughput_pps = 0;  ///< 0: no rate without loss was found
  double upper_pps = 0;       ///< the lowest rate known to be too high; 0: none
  double resolution_pps = 0;  ///< how close the two had to come
  Stop stop = Stop::not_started;
  Limit limit = Limit::unknown;
  std::optional<std::size_t> best_trial;  ///< index of the full-length trial that throughput_pps stands on
  std::vector<std::string> deviations;    ///< where the procedure is not that of the RFC
  std::vector<SearchTrial> trials;
};

/// Short trials find the place, full-length trials confirm it; loss in a short trial rules a rate out for good. Where
/// the sender cannot reach a rate, the search goes on a little below what it did send, and the result says so. Throws
/// std::invalid_argument for parameters that make no sense.
ThroughputResult search_throughput(const ThroughputParameters& parameters, const TrialRunner& run,
                                   const SearchWatch& watch = {});

}  // namespace portier::load
