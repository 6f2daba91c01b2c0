/// Handlers for latency and overload: they read the due time that a paced source wrote into each frame.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crosscore/histogram.hpp"
#include "crosscore/ping_flag.hpp"
#include "datapath/handler.hpp"
#include "handlers/registry.hpp"

namespace portier::bench {

/// What one worker saw while recording was on. Times in units of 16 ticks.
struct LatencyLog {
  crosscore::PingFlag is_recording;         ///< 1: yes; written by control
  crosscore::Histogram due_to_handler;      ///< from the moment a packet was due: what held the rx core up counts
  crosscore::Histogram receive_to_handler;  ///< from stage 1's time stamp
};

/// "stamped": records each packet's latency in `log`, which outlives the handlers; one worker. "costly": spends
/// `cost_ticks` a packet besides.
handlers::Registry registry_with_stamped(LatencyLog& log, std::uint64_t cost_ticks);

/// Percentiles of a histogram of 16-tick units, in nanoseconds.
struct Percentiles {
  std::uint64_t count = 0;
  double p50_ns = 0;
  double p99_ns = 0;
  double p999_ns = 0;
  double p9999_ns = 0;
  double max_ns = 0;
};
Percentiles percentiles_of(const std::vector<std::uint64_t>& buckets, double tsc_hz);

/// Adds a histogram's buckets to a sum that may be empty.
void add_buckets(const crosscore::Histogram& histogram, std::vector<std::uint64_t>& sum);

}  // namespace portier::bench
