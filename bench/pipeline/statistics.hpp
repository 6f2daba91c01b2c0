/// Medians, percentiles and ranges of a few measured values.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

namespace portier::bench {

/// The value below which `share` (0 to 1) of the values lie, between neighbours by proportion; 0 of none.
inline double percentile(std::span<const double> values, double share) {
  if (values.empty()) return 0;
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const auto above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - std::floor(place));
}

inline double median(std::span<const double> values) { return percentile(values, 0.5); }

/// Median and range.
struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
  std::size_t count = 0;
};

inline Spread spread_of(std::span<const double> values) {
  if (values.empty()) return {};
  const auto [min, max] = std::ranges::minmax(values);
  return {.median = median(values), .min = min, .max = max, .count = values.size()};
}

}  // namespace portier::bench
