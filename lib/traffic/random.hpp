/// Seeded random numbers that are the same on every machine, and Zipf-distributed choices.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace portier::traffic {

/// A Weyl sequence behind a 64-bit mixing function: the standard library's distributions differ between
/// implementations, so seeds would not be worth much with them.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15;
    std::uint64_t z = state_;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }

  /// Uniform in [0, limit); 0 for a limit of 0. The bias is below limit / 2^32.
  std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>((next() >> 32) * limit >> 32); }

  /// Uniform in [low, high].
  std::uint32_t between(std::uint32_t low, std::uint32_t high) {
    return high <= low ? low : low + static_cast<std::uint32_t>((next() >> 32) * (std::uint64_t{high} - low + 1) >> 32);
  }

  /// True with this probability.
  bool chance(double probability) { return static_cast<double>(next() >> 11) * 0x1p-53 < probability; }

  std::uint8_t byte() { return static_cast<std::uint8_t>(next() >> 56); }

 private:
  std::uint64_t state_;
};

/// Chooses rank k (from 0) of `count` with weight 1 / (k + 1)^exponent; exponent 0 is uniform.
class Zipf {
 public:
  Zipf(std::size_t count, double exponent) {
    double total = 0;
    for (std::size_t k = 0; k < count; ++k) total += std::pow(static_cast<double>(k + 1), -exponent);
    double sum = 0;
    for (std::size_t k = 0; k < count; ++k) {
      sum += std::pow(static_cast<double>(k + 1), -exponent);
      upper_.push_back(static_cast<std::uint64_t>(sum / total * 0x1p53));
    }
  }

  /// `count` must not be 0.
  std::size_t choose(Random& random) const {
    const auto found = std::upper_bound(upper_.begin(), upper_.end(), random.next() >> 11);
    return std::min(static_cast<std::size_t>(found - upper_.begin()), upper_.size() - 1);
  }

 private:
  std::vector<std::uint64_t> upper_;  ///< cumulated weights, in units of 2^-53
};

}  // namespace portier::traffic
