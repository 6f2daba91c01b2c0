/// A latency histogram that one core fills and reads: plain numbers, the buckets of crosscore/histogram.hpp.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "crosscore/histogram.hpp"
#include "trial.hpp"

namespace portier::load {

/// Ticks of the time stamp counter to nanoseconds, by one multiplication. Capped at 2^32-1 ns, the last bucket.
class TickClock {
 public:
  explicit TickClock(double tsc_hz) : multiplier_(static_cast<std::uint64_t>(1e9 / tsc_hz * 0x1p32)) {}

  std::uint32_t to_ns(std::uint64_t ticks) const {
    __extension__ using Wide = unsigned __int128;
    const auto ns = static_cast<std::uint64_t>(static_cast<Wide>(ticks) * multiplier_ >> 32);
    return ns > most_ns ? most_ns : static_cast<std::uint32_t>(ns);
  }

 private:
  static constexpr std::uint32_t most_ns = std::numeric_limits<std::uint32_t>::max();
  std::uint64_t multiplier_;
};

class LatencyRecorder {
 public:
  void add(std::uint32_t ns) {
    ++buckets_[crosscore::histogram_bucket(ns)];
    ++count_;
    min_ns_ = std::min(min_ns_, ns);
    max_ns_ = std::max(max_ns_, ns);
  }

  void add(const LatencyRecorder& other) {
    for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
    count_ += other.count_;
    min_ns_ = std::min(min_ns_, other.min_ns_);
    max_ns_ = std::max(max_ns_, other.max_ns_);
  }

  std::uint64_t count() const { return count_; }
  std::uint32_t max_ns() const { return max_ns_; }

  /// The upper end of the bucket that holds this share of all values, never above the largest one; 0: there are none.
  std::uint64_t quantile_ns(double share) const {
    if (count_ == 0) return 0;
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)) + 1;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen >= wanted) return std::min<std::uint64_t>(crosscore::histogram_upper(i), max_ns_);
    }
    return max_ns_;
  }

  LatencySample sample() const {
    if (count_ == 0) return {.buckets = std::vector<std::uint64_t>(buckets_.size())};
    return {.buckets = {buckets_.begin(), buckets_.end()}, .count = count_, .min_ns = min_ns_, .max_ns = max_ns_};
  }

 private:
  std::array<std::uint64_t, crosscore::histogram_buckets> buckets_{};
  std::uint64_t count_ = 0;
  std::uint32_t min_ns_ = std::numeric_limits<std::uint32_t>::max();
  std::uint32_t max_ns_ = 0;
};

}  // namespace portier::load
