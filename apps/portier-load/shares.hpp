/// Shares that come out exactly: how often each of several things occurs in a plan, and in which random order.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include "traffic/random.hpp"

namespace portier::load {

/// Counts that add up to `total` and are as close to the weights as whole numbers can be (largest remainders).
inline std::vector<std::size_t> apportion(std::span<const double> weights, std::size_t total) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  std::vector<std::size_t> counts;
  std::vector<std::pair<double, std::size_t>> remainders;
  std::size_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double exact = weights[i] / sum * static_cast<double>(total);
    counts.push_back(static_cast<std::size_t>(exact));
    given += counts.back();
    remainders.emplace_back(std::floor(exact) - exact, i);
  }
  std::sort(remainders.begin(), remainders.end());  // the largest remainder first, then by index
  for (std::size_t i = 0; given < total; ++i, ++given) ++counts[remainders[i % remainders.size()].second];
  return counts;
}

/// Indices of `weights`, each as often as its share of `total` says, shuffled.
inline std::vector<std::uint32_t> shuffled_shares(std::span<const double> weights, std::size_t total,
                                                  traffic::Random& random) {
  const auto counts = apportion(weights, total);
  std::vector<std::uint32_t> order;
  order.reserve(total);
  for (std::size_t i = 0; i < counts.size(); ++i) order.insert(order.end(), counts[i], static_cast<std::uint32_t>(i));
  for (std::size_t i = order.size(); i > 1; --i) {
    std::swap(order[i - 1], order[random.below(static_cast<std::uint32_t>(i))]);
  }
  return order;
}

/// Weights of ranks 1, 2, 3 ... by Zipf's law; exponent 0 is uniform.
inline std::vector<double> zipf_weights(std::size_t count, double exponent) {
  std::vector<double> weights;
  for (std::size_t k = 1; k <= count; ++k) weights.push_back(std::pow(static_cast<double>(k), -exponent));
  return weights;
}

}  // namespace portier::load
