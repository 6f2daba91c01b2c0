/// A token bucket driven by a tick counter: how many events a second may pass, and how many at once.
///
/// Integers only. Credit is counted in ticks times rate, so no fraction of a token is ever lost: one tick earns `rate`
/// units and one token costs as many units as a second has ticks. Owned and used by one core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>

namespace portier::table {

class TokenBucket {
 public:
  /// Starts full. A rate of 0 never lets anything pass; a burst of 0 means 1. Bursts that would overflow are cut (at
  /// 2.3 GHz that is beyond four thousand million tokens).
  constexpr TokenBucket(std::uint64_t rate_per_s, std::uint64_t burst, std::uint64_t ticks_per_s)
      : rate_(rate_per_s),
        cost_(std::max<std::uint64_t>(ticks_per_s, 1)),
        full_(rate_per_s == 0 ? 0 : cost_ * std::clamp<std::uint64_t>(burst, 1, max_credit / cost_)),
        fill_ticks_(rate_per_s == 0 ? 0 : full_ / rate_per_s + 1),
        credit_(full_) {}

  /// Takes one token if there is one.
  constexpr bool take(std::uint64_t now_ticks) {
    if (!is_ready(now_ticks)) return false;
    credit_ -= cost_;
    return true;
  }

  /// Whether `take` would succeed: for work that should only begin when its token is there.
  constexpr bool is_ready(std::uint64_t now_ticks) {
    refill(now_ticks);
    return credit_ >= cost_;
  }

 private:
  static constexpr std::uint64_t max_credit = std::numeric_limits<std::uint64_t>::max() / 2;

  constexpr void refill(std::uint64_t now_ticks) {
    if (!has_started_) {
      has_started_ = true;
      last_ticks_ = now_ticks;
    }
    if (now_ticks <= last_ticks_) return;  // counters of two sockets may disagree a little
    const std::uint64_t elapsed = now_ticks - last_ticks_;
    last_ticks_ = now_ticks;
    // Comparing first keeps the multiplication below `full_` plus one tick's earnings.
    credit_ = elapsed >= fill_ticks_ ? full_ : std::min(full_, credit_ + elapsed * rate_);
  }

  std::uint64_t rate_;
  std::uint64_t cost_;        ///< units of one token
  std::uint64_t full_;        ///< units of a full bucket
  std::uint64_t fill_ticks_;  ///< ticks after which any bucket is full
  std::uint64_t credit_;
  std::uint64_t last_ticks_ = 0;
  bool has_started_ = false;
};

}  // namespace portier::table
