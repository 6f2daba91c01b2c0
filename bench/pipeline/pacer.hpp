/// Says how many packets are due: constant intervals from the first to the last, whatever the core was kept from.
#pragma once

#include <algorithm>
#include <cstdint>

#include "crosscore/counter.hpp"
#include "crosscore/ping_flag.hpp"

namespace portier::bench {

/// Control sets the rate, the core that receives asks. A device's queue is bounded, and so is what may be due at once:
/// what is beyond is missed, and counted.
class Pacer {
 public:
  static constexpr std::uint64_t queue_packets = 4096;

  // ---- control ----

  /// 0: none. Takes effect at the core's next turn, which starts a new schedule.
  void set_rate(double packets_per_second, double tsc_hz) {
    const bool is_on = packets_per_second > 0;
    interval_.set(is_on ? std::max<std::uint64_t>(2, static_cast<std::uint64_t>(tsc_hz / packets_per_second * fraction))
                        : 0);
  }
  /// As many as are asked for.
  void set_unlimited() { interval_.set(unlimited); }
  std::uint64_t emitted() const { return emitted_.value(); }
  std::uint64_t missed() const { return missed_.value(); }

  // ---- the core ----

  /// Packets to emit now, at most `limit`; each must be stamped by `next_due_tsc`.
  std::uint16_t due(std::uint64_t now_tsc, std::uint16_t limit) {
    const auto interval = interval_.value();
    if (interval != used_interval_) [[unlikely]] {
      used_interval_ = interval;
      base_tsc_ = now_tsc;
      next_ = 0;
    }
    if (interval == 0) return 0;
    if (interval == unlimited) {
      base_tsc_ = now_tsc;
      next_ = 0;
      emitted_.add(limit);
      return limit;
    }
    const auto now = (now_tsc - base_tsc_) * fraction;
    if (now < next_) return 0;
    auto count = (now - next_) / interval + 1;
    if (count > queue_packets) [[unlikely]] {
      missed_.add(count - queue_packets);
      next_ += (count - queue_packets) * interval;
      count = queue_packets;
    }
    const auto taken = std::min<std::uint64_t>(count, limit);
    emitted_.add(taken);
    return static_cast<std::uint16_t>(taken);
  }
  /// When the next of the packets that are due was due.
  std::uint64_t next_due_tsc() {
    const auto due_tsc = base_tsc_ + next_ / fraction;
    if (used_interval_ != unlimited) next_ += used_interval_;
    return due_tsc;
  }

 private:
  static constexpr std::uint64_t fraction = 1 << 16;  ///< of a tick; a schedule lasts 2^48 ticks, a day
  static constexpr std::uint64_t unlimited = 1;

  crosscore::PingFlag interval_;  ///< fractions of a tick between packets; written by control
  alignas(crosscore::cache_line) crosscore::Counter emitted_;
  crosscore::Counter missed_;
  std::uint64_t used_interval_ = 0;
  std::uint64_t base_tsc_ = 0;
  std::uint64_t next_ = 0;  ///< when the next packet is due, in fractions of a tick behind `base_tsc_`
};

}  // namespace portier::bench
