/// When each packet of a trial is meant to be sent: ticks from the start, computed from it, so that nothing drifts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "traffic/random.hpp"

namespace portier::load {

enum class PatternKind {
  constant,  ///< one packet every 1/rate
  poisson,   ///< gaps are exponentially distributed, their mean is 1/rate
  bursts,    ///< `burst_packets` at once, as often as the rate asks for
  ramp,      ///< from the rate to `ramp_to_pps`, evenly over the duration
};

struct Pattern {
  PatternKind kind = PatternKind::constant;
  std::uint64_t burst_packets = 32;
  double ramp_to_pps = 0;
  std::uint64_t seed = 1;  ///< of Poisson's gaps
};

/// Intended send times, ascending. `due()` is that of the next packet, `advance()` goes on to the one behind.
class Schedule {
 public:
  static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

  /// Packets due before `duration_s`.
  Schedule(const Pattern& pattern, double rate_pps, double duration_s, double tsc_hz);
  /// Times of a recording, in ticks from its first packet, sent `loops` times with `gap_ticks` between two rounds. The
  /// times must outlive the schedule.
  Schedule(std::span<const std::uint64_t> times, std::uint64_t loops, std::uint64_t gap_ticks);

  /// Ticks from the start; `never` when there is no packet left.
  std::uint64_t due() const { return due_; }
  void advance();

 private:
  enum class Kind { constant, poisson, bursts, ramp, recorded };

  void step(std::uint64_t whole, std::uint64_t fraction) {
    const auto before = fraction_;
    fraction_ += fraction;
    whole_ += whole + (fraction_ < before ? 1 : 0);
  }
  std::uint64_t ramp_time(std::uint64_t number) const;

  Kind kind_;
  std::uint64_t due_ = 0;
  std::uint64_t end_ticks_ = 0;

  // The interval, and the present time, as ticks and 2^-64 ticks: after 10^12 packets the sum is still exact to a tick.
  std::uint64_t interval_whole_ = 0;
  std::uint64_t interval_fraction_ = 0;
  std::uint64_t whole_ = 0;
  std::uint64_t fraction_ = 0;

  std::uint64_t number_ = 0;  ///< of the packet that `due_` is about; in a recording, its place
  std::uint64_t burst_packets_ = 1;
  std::uint64_t burst_left_ = 0;

  std::shared_ptr<const std::vector<double>> gaps_;  ///< Poisson: quantiles of the exponential distribution, mean 1
  double interval_ticks_ = 0;
  traffic::Random random_;

  double start_rate_ = 0;   ///< ramp: packets a tick
  double rate_growth_ = 0;  ///< ramp: packets a tick, a tick

  std::span<const std::uint64_t> times_;
  std::uint64_t loops_left_ = 0;
  std::uint64_t loop_start_ = 0;
  std::uint64_t gap_ticks_ = 0;
};

/// How many packets a schedule has: by walking a copy of it to its end.
std::uint64_t count_packets(Schedule schedule);

}  // namespace portier::load
