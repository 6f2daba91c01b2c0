/// Walks through buckets.
#include "report_latency.hpp"

#include <algorithm>
#include <cmath>

#include "crosscore/histogram.hpp"

namespace portier::load {

namespace {

std::uint64_t counted(const LatencySample& sample) {
  std::uint64_t total = 0;
  for (const auto count : sample.buckets) total += count;
  return total;
}

double middle_ns(std::size_t bucket) {
  const auto upper = static_cast<double>(crosscore::histogram_upper(bucket));
  const double lower = bucket == 0 ? 0 : static_cast<double>(crosscore::histogram_upper(bucket - 1)) + 1;
  return (lower + upper) / 2;
}

}  // namespace

std::uint64_t percentile_ns(const LatencySample& sample, double share) {
  const auto total = counted(sample);
  if (total == 0) return 0;
  const double wanted = std::ceil(share * static_cast<double>(total) - 1e-6);
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::max(0.0, wanted)), 1, total);
  std::uint64_t seen = 0;
  for (std::size_t b = 0; b < sample.buckets.size(); ++b) {
    seen += sample.buckets[b];
    if (seen >= rank) return std::max(sample.min_ns, std::min(crosscore::histogram_upper(b), sample.max_ns));
  }
  return sample.max_ns;
}

LatencySummary summarise(const LatencySample& sample) {
  const auto total = counted(sample);
  if (total == 0) return {};
  double sum_ns = 0;
  for (std::size_t b = 0; b < sample.buckets.size(); ++b) {
    sum_ns += static_cast<double>(sample.buckets[b]) * middle_ns(b);
  }
  const double mean_ns = std::clamp(sum_ns / static_cast<double>(total), static_cast<double>(sample.min_ns),
                                    std::max(static_cast<double>(sample.min_ns), static_cast<double>(sample.max_ns)));
  return {.count = sample.count,
          .min_ns = sample.min_ns,
          .p50_ns = percentile_ns(sample, 0.5),
          .p90_ns = percentile_ns(sample, 0.9),
          .p99_ns = percentile_ns(sample, 0.99),
          .p999_ns = percentile_ns(sample, 0.999),
          .p9999_ns = percentile_ns(sample, 0.9999),
          .p99999_ns = percentile_ns(sample, 0.99999),
          .max_ns = sample.max_ns,
          .mean_ns = mean_ns};
}

std::vector<std::pair<std::uint64_t, std::uint64_t>> histogram_pairs(const LatencySample& sample) {
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
  for (std::size_t b = 0; b < sample.buckets.size(); ++b) {
    if (sample.buckets[b] != 0) pairs.emplace_back(crosscore::histogram_upper(b), sample.buckets[b]);
  }
  return pairs;
}

std::vector<std::uint64_t> buckets_from_pairs(const std::vector<std::pair<std::uint64_t, std::uint64_t>>& pairs) {
  std::vector<std::uint64_t> buckets;
  for (const auto& [ns, count] : pairs) {
    const auto bucket =
        crosscore::histogram_bucket(static_cast<std::uint32_t>(std::min<std::uint64_t>(ns, 0xffffffff)));
    if (buckets.size() <= bucket) buckets.resize(bucket + 1);
    buckets[bucket] += count;
  }
  return buckets;
}

}  // namespace portier::load
