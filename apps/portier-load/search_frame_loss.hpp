/// RFC 2544 section 26.3: how much is lost at 100 %, 90 %, 80 % ... of the highest rate.
#pragma once

#include <string>
#include <vector>

#include "search_trials.hpp"

namespace portier::load {

struct FrameLossParameters {
  double max_rate_pps = 0;  ///< 100 %; required
  double step = 0.1;        ///< of max_rate_pps; RFC 2544 allows 0.1 at most
  double trial_s = 60;      ///< RFC 2544 section 24 asks for 60 s
};

struct FrameLossResult {
  double lossless_pps = 0;  ///< the higher of the two rates without loss that ended the series; 0: there were none
  Stop stop = Stop::not_started;
  Limit limit = Limit::unknown;
  std::vector<std::string> deviations;
  std::vector<SearchTrial> trials;  ///< one per step, highest rate first: the curve
};

/// Steps down until two trials in a row have lost nothing, or no step is left. Throws std::invalid_argument for
/// parameters that make no sense.
FrameLossResult measure_frame_loss(const FrameLossParameters& parameters, const TrialRunner& run,
                                   const SearchWatch& watch = {});

}  // namespace portier::load
