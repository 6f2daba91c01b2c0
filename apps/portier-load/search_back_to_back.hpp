/// RFC 9004 (RFC 2544 section 26.4): the longest burst at the device's limit that comes back whole.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "search_trials.hpp"

namespace portier::load {

struct BackToBackParameters {
  double max_frame_rate_pps = 0;  ///< "Max Theoretical Frame Rate" of the medium; required, RFC 9004 section 6.5
  double throughput_pps = 0;      ///< "Measured Throughput" of the same traffic; 0: not known, no corrected buffer time
  double max_burst_s = 2;         ///< the longest burst, as sending time at max_frame_rate_pps; up to 30
  std::uint64_t min_burst_packets = 1;
  std::uint64_t step_packets = 16;  ///< a search ends when its bounds are this far apart
  unsigned repetitions = 10;        ///< whole searches, averaged; RFC 2544 asks for 50
  unsigned loss_repeats = 1;        ///< a burst with loss is sent again so often (binary search with loss verification,
                                    ///< ETSI TST 009 clause 12.3.3); 0: plain binary search (12.3.2)
};

struct BackToBackResult {
  std::vector<std::uint64_t> bursts_packets;  ///< longest burst of every finished repetition; 0: even the shortest lost
  double mean_packets = 0;                    ///< the benchmark
  std::uint64_t min_packets = 0;
  std::uint64_t max_packets = 0;
  double deviation_packets = 0;   ///< standard deviation of the repetitions (of a sample; 0 for one)
  double implied_buffer_s = 0;    ///< mean_packets / max_frame_rate_pps
  double corrected_buffer_s = 0;  ///< implied - implied * throughput / max_frame_rate; 0 without a throughput
  double burst_rate_pps = 0;      ///< at which the sender sent the longest lossless bursts in fact, mean
  bool is_buffer_known = false;   ///< whether the buffer times mean anything, see `why_not`
  std::string why_not;
  Stop stop = Stop::not_started;
  Limit limit = Limit::unknown;
  std::vector<std::string> deviations;
  std::vector<SearchTrial> trials;
};

/// Independent binary searches over the burst length. The waiting after a burst, at least 2 s that let the buffers run
/// empty, belongs to the runner. Throws std::invalid_argument for parameters that make no sense.
BackToBackResult search_back_to_back(const BackToBackParameters& parameters, const TrialRunner& run,
                                     const SearchWatch& watch = {});

}  // namespace portier::load
