/// The clock of trials: time stamp counter ticks since an epoch of this process, which is what marks carry.
#pragma once

#include <rte_cycles.h>

#include <cstdint>

namespace portier::load {

class TrialClock {
 public:
  explicit TrialClock(double tsc_hz) : tsc_hz_(tsc_hz), epoch_(rte_rdtsc()) {}

  /// Ticks since the epoch.
  std::uint64_t now() const { return rte_rdtsc() - epoch_; }
  double tsc_hz() const { return tsc_hz_; }
  std::uint64_t ticks(double seconds) const { return static_cast<std::uint64_t>(seconds * tsc_hz_); }
  double seconds(std::uint64_t ticks) const { return static_cast<double>(ticks) / tsc_hz_; }

 private:
  double tsc_hz_;
  std::uint64_t epoch_;
};

/// Which interval of a trial a time belongs to. Times mostly go on where the last one was, so divisions are rare.
class IntervalFinder {
 public:
  IntervalFinder(std::uint64_t interval_ticks, std::size_t count) : length_(interval_ticks), count_(count) {}

  /// The last interval has everything behind it as well.
  std::size_t find(std::uint64_t ticks) {
    if (ticks - start_ < length_) return index_;
    index_ = static_cast<std::size_t>(ticks / length_);
    if (index_ >= count_) index_ = count_ - 1;
    start_ = index_ * length_;
    return index_;
  }

 private:
  std::uint64_t length_;
  std::size_t count_;
  std::size_t index_ = 0;
  std::uint64_t start_ = 0;
};

}  // namespace portier::load
