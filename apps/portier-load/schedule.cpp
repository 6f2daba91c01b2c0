/// Fixed-point steps for what is regular, a table of quantiles for Poisson, a closed formula for ramps.
#include "schedule.hpp"

#include <cmath>

namespace portier::load {

namespace {

constexpr std::size_t quantiles = 65536;

/// The middles of 65,536 equally likely parts of the exponential distribution, scaled to a mean of exactly 1: a draw is
/// one look-up, and the mean rate is right.
std::shared_ptr<const std::vector<double>> exponential_quantiles() {
  static const auto table = [] {
    auto made = std::make_shared<std::vector<double>>();
    double sum = 0;
    for (std::size_t i = 0; i < quantiles; ++i) {
      made->push_back(-std::log1p(-(static_cast<double>(i) + 0.5) / quantiles));
      sum += made->back();
    }
    for (auto& gap : *made) gap *= quantiles / sum;
    return made;
  }();
  return table;
}

}  // namespace

Schedule::Schedule(const Pattern& pattern, double rate_pps, double duration_s, double tsc_hz)
    : kind_(static_cast<Kind>(pattern.kind)), random_(pattern.seed) {
  const auto packets_per_step =
      pattern.kind == PatternKind::bursts ? static_cast<long double>(pattern.burst_packets) : 1;
  const long double interval = packets_per_step * static_cast<long double>(tsc_hz) / static_cast<long double>(rate_pps);
  const long double whole = std::floor(interval);
  interval_whole_ = static_cast<std::uint64_t>(whole);
  interval_fraction_ = static_cast<std::uint64_t>((interval - whole) * 0x1p64L);
  interval_ticks_ = static_cast<double>(interval);
  end_ticks_ = static_cast<std::uint64_t>(duration_s * tsc_hz);
  if (pattern.kind == PatternKind::poisson) {
    gaps_ = exponential_quantiles();
    advance();  // the first packet comes after a gap as well
    return;
  }
  burst_packets_ = pattern.burst_packets;
  burst_left_ = burst_packets_;
  start_rate_ = rate_pps / tsc_hz;
  rate_growth_ = (pattern.ramp_to_pps / tsc_hz - start_rate_) / (duration_s * tsc_hz);
  if (end_ticks_ == 0) due_ = never;
}

Schedule::Schedule(std::span<const std::uint64_t> times, std::uint64_t loops, std::uint64_t gap_ticks)
    : kind_(Kind::recorded), random_(0), times_(times), loops_left_(loops), gap_ticks_(gap_ticks) {
  due_ = times.empty() || loops == 0 ? never : times.front();
}

/// Packet k of a ramp is due when the integral of the rate has reached k: r t + g t^2 / 2 = k, in the form that does
/// not cancel when g is small.
std::uint64_t Schedule::ramp_time(std::uint64_t number) const {
  const auto k = static_cast<double>(number);
  const double square = start_rate_ * start_rate_ + 2 * rate_growth_ * k;
  if (square < 0) return never;  // a falling ramp ends before it has so many
  return static_cast<std::uint64_t>(2 * k / (start_rate_ + std::sqrt(square)));
}

void Schedule::advance() {
  ++number_;
  switch (kind_) {
    case Kind::constant:
      step(interval_whole_, interval_fraction_);
      due_ = whole_;
      break;
    case Kind::poisson: {
      const double gap = (*gaps_)[random_.below(quantiles)] * interval_ticks_;
      const double whole = std::floor(gap);
      step(static_cast<std::uint64_t>(whole), static_cast<std::uint64_t>((gap - whole) * 0x1p64));
      due_ = whole_;
      break;
    }
    case Kind::bursts:
      if (--burst_left_ != 0) return;
      burst_left_ = burst_packets_;
      step(interval_whole_, interval_fraction_);
      due_ = whole_;
      break;
    case Kind::ramp: due_ = ramp_time(number_); break;
    case Kind::recorded:
      if (number_ == times_.size()) {
        loop_start_ += times_.back() + gap_ticks_;
        number_ = 0;
        if (--loops_left_ == 0) due_ = never;
      }
      if (due_ != never) due_ = loop_start_ + times_[number_];
      return;
  }
  if (due_ >= end_ticks_) due_ = never;
}

std::uint64_t count_packets(Schedule schedule) {
  std::uint64_t count = 0;
  for (; schedule.due() != Schedule::never; schedule.advance()) ++count;
  return count;
}

}  // namespace portier::load
