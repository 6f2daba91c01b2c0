/// RFC 2544 section 26.2: latency at the throughput rate, and at shares of it.
#pragma once

#include <string>
#include <vector>

#include "search_trials.hpp"

namespace portier::load {

struct LatencyParameters {
  double throughput_pps = 0;                          ///< what the throughput search found; required
  std::vector<double> shares = {1.0, 0.8, 0.5, 0.1};  ///< of throughput_pps, in the order in which they are run
  double trial_s = 120;                               ///< RFC 2544 asks for 120 s
  unsigned repetitions = 1;                           ///< of every rate; RFC 2544 asks for 20
};

/// All repetitions at one rate, added up.
struct LatencyPoint {
  double share = 0;
  double rate_pps = 0;
  std::vector<std::size_t> trials;  ///< indices
  LatencySample latency;            ///< of all of them
  LatencySample latency_from_send;
  bool is_lossless = true;
  bool is_sender_limited = false;
};

struct LatencyResult {
  std::vector<LatencyPoint> points;  ///< as far as measured
  Stop stop = Stop::not_started;
  std::vector<std::string> deviations;
  std::vector<SearchTrial> trials;
};

/// RFC 2544 times one tagged packet a trial; here every packet is timed, and the repetitions make one distribution.
/// Throws std::invalid_argument for parameters that make no sense.
LatencyResult measure_latency(const LatencyParameters& parameters, const TrialRunner& run,
                              const SearchWatch& watch = {});

/// Adds up two distributions; the one that is added may have fewer buckets.
void add_sample(LatencySample& sum, const LatencySample& part);

}  // namespace portier::load
