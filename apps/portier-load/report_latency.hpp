/// Percentiles and distributions out of the buckets of a latency sample.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "trial.hpp"

namespace portier::load {

/// The smallest value that this share of the sample does not exceed, to the width of a bucket (6 %) and never above the
/// maximum; 0 for an empty sample.
std::uint64_t percentile_ns(const LatencySample& sample, double share);

struct LatencySummary {
  std::uint64_t count = 0;
  std::uint64_t min_ns = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p90_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t p999_ns = 0;
  std::uint64_t p9999_ns = 0;
  std::uint64_t p99999_ns = 0;
  std::uint64_t max_ns = 0;
  double mean_ns = 0;  ///< from the middles of the buckets, so within 3 %
};

LatencySummary summarise(const LatencySample& sample);

/// The filled buckets: largest value of each, in nanoseconds, and how many packets it holds.
std::vector<std::pair<std::uint64_t, std::uint64_t>> histogram_pairs(const LatencySample& sample);

/// Buckets from such pairs; the inverse of histogram_pairs.
std::vector<std::uint64_t> buckets_from_pairs(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& pairs);

}  // namespace portier::load
