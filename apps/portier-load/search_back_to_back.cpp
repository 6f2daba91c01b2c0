/// Searches burst lengths and computes buffer times as RFC 9004 section 6.5 says.
#include "search_back_to_back.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

namespace portier::load {

namespace {

/// Below this share of the medium's rate a burst is not back to back.
constexpr double back_to_back_share = 0.95;

class BurstSearches {
 public:
  BurstSearches(const BackToBackParameters& asked, const TrialRunner& run, const SearchWatch& watch)
      : asked_(asked), log_(run, watch) {
    const double longest = std::floor(asked.max_burst_s * asked.max_frame_rate_pps);
    max_packets_ = std::max(asked.min_burst_packets, static_cast<std::uint64_t>(longest));
  }

  BackToBackResult run() {
    for (repetition_ = 0; repetition_ < asked_.repetitions && !log_.is_interrupted(); ++repetition_) search_once();
    summarise();
    return std::move(out_);
  }

 private:
  /// Highest first, then halves: RFC 9004 prescribes the binary search of TST 009.
  void search_once() {
    std::uint64_t good = 0;
    std::uint64_t bad = 0;
    std::uint64_t burst = max_packets_;
    for (;;) {
      const bool is_whole = try_burst(burst, outlook(good, bad));
      if (log_.is_interrupted()) return;
      (is_whole ? good : bad) = burst;
      if (good == max_packets_) break;
      const auto floor = good > 0 ? good : asked_.min_burst_packets;
      if (good == 0 && bad <= asked_.min_burst_packets) break;
      if (bad - floor <= asked_.step_packets) {
        if (good > 0) break;
        burst = asked_.min_burst_packets;  // nothing held yet: the shortest decides
      } else {
        burst = floor + (bad - floor) / 2;
      }
    }
    out_.bursts_packets.push_back(good);
    if (good > 0) best_rates_.push_back(last_good_pps_);
    held_maximum_ = held_maximum_ || good == max_packets_;
  }

  bool try_burst(std::uint64_t packets, const Outlook& outlook) {
    for (unsigned attempt = 0;; ++attempt) {
      const auto& trial = log_.run({.rate_pps = asked_.max_frame_rate_pps,
                                    .duration_s = static_cast<double>(packets) / asked_.max_frame_rate_pps,
                                    .burst_packets = packets},
                                   fmt::format("burst {}", repetition_ + 1), outlook);
      if (trial.result.is_interrupted) return false;
      if (trial.is_sender_limited) was_sender_short_ = true;
      const bool is_whole = trial.is_good && !trial.is_sender_limited;
      if (is_whole) last_good_pps_ = offered_pps(trial.result);
      if (is_whole || attempt == asked_.loss_repeats) return is_whole;
    }
  }

  Outlook outlook(std::uint64_t good, std::uint64_t bad) const {
    const auto steps_of = [this](double range) {
      return std::max(1.0, std::ceil(std::log2(std::max(2.0, range / static_cast<double>(asked_.step_packets)))));
    };
    const auto high = static_cast<double>(bad > 0 ? bad : max_packets_);
    const double fresh = steps_of(static_cast<double>(max_packets_)) * (asked_.repetitions - repetition_ - 1.0);
    const double steps = steps_of(high - static_cast<double>(good)) + fresh;
    const double mean_burst_s = (high + static_cast<double>(good)) / 2 / asked_.max_frame_rate_pps;
    return {static_cast<std::size_t>(steps), steps * mean_burst_s};
  }

  void summarise() {
    const auto& bursts = out_.bursts_packets;
    if (!bursts.empty()) {
      const auto count = static_cast<double>(bursts.size());
      const auto [low, high] = std::minmax_element(bursts.begin(), bursts.end());
      out_.min_packets = *low;
      out_.max_packets = *high;
      out_.mean_packets = static_cast<double>(std::accumulate(bursts.begin(), bursts.end(), std::uint64_t{0})) / count;
      double squares = 0;
      for (const auto burst : bursts) squares += std::pow(static_cast<double>(burst) - out_.mean_packets, 2);
      out_.deviation_packets = bursts.size() > 1 ? std::sqrt(squares / (count - 1)) : 0;
    }
    if (!best_rates_.empty()) {
      out_.burst_rate_pps =
          std::accumulate(best_rates_.begin(), best_rates_.end(), 0.0) / static_cast<double>(best_rates_.size());
    }
    out_.implied_buffer_s = out_.mean_packets / asked_.max_frame_rate_pps;
    const double share = asked_.throughput_pps / asked_.max_frame_rate_pps;
    if (asked_.throughput_pps > 0 && share < 1) out_.corrected_buffer_s = out_.implied_buffer_s * (1 - share);
    judge();
    describe_procedure();
    out_.trials = log_.finish();
  }

  void judge() {
    const bool is_short_of_medium = out_.burst_rate_pps < back_to_back_share * asked_.max_frame_rate_pps;
    if (log_.is_interrupted()) {
      out_.stop = Stop::interrupted;
    } else if (held_maximum_) {
      out_.stop = Stop::held_at_maximum;
    } else {
      out_.stop = out_.max_packets > 0 ? Stop::precise : Stop::lost_at_minimum;
    }
    if (was_sender_short_ || (out_.max_packets > 0 && is_short_of_medium)) {
      out_.limit = Limit::sender;
    } else if (held_maximum_) {
      out_.limit = Limit::asked;
    } else if (!out_.bursts_packets.empty()) {
      out_.limit = Limit::device;
    }
    if (out_.max_packets == 0) {
      out_.why_not = "no burst came back whole";
    } else if (is_short_of_medium) {
      out_.why_not = fmt::format(
          "the sender sent bursts at {:.0f} packets per second, {:.1f} % of the medium's rate, so "
          "they were not back to back",
          out_.burst_rate_pps, 100 * out_.burst_rate_pps / asked_.max_frame_rate_pps);
    } else if (held_maximum_) {
      out_.why_not = "the longest burst that was allowed held; allow longer bursts";
    } else if (asked_.throughput_pps <= 0) {
      out_.why_not = "the throughput of this traffic is not known, so the buffer time cannot be corrected";
    } else if (asked_.throughput_pps >= asked_.max_frame_rate_pps) {
      out_.why_not = "the device under test forwards at the medium's rate, so no burst fills its buffers";
    } else {
      out_.is_buffer_known = true;
    }
  }

  void describe_procedure() {
    out_.deviations.push_back(fmt::format(
        "binary search{} over bursts of {} to {} packets, in steps of {} (RFC 9004 asks to say so)",
        asked_.loss_repeats > 0 ? fmt::format(" with loss verification, {} repeat(s)", asked_.loss_repeats) : "",
        asked_.min_burst_packets, max_packets_, asked_.step_packets));
    if (asked_.repetitions < 50) {
      out_.deviations.push_back(fmt::format("{} repetition(s); RFC 2544 section 26.4 asks for 50", asked_.repetitions));
    }
  }

  BackToBackParameters asked_;
  TrialLog log_;
  BackToBackResult out_;
  std::uint64_t max_packets_ = 0;
  unsigned repetition_ = 0;
  std::vector<double> best_rates_;
  double last_good_pps_ = 0;
  bool held_maximum_ = false;
  bool was_sender_short_ = false;
};

}  // namespace

BackToBackResult search_back_to_back(const BackToBackParameters& parameters, const TrialRunner& run,
                                     const SearchWatch& watch) {
  if (!(parameters.max_frame_rate_pps > 0) || !(parameters.max_burst_s > 0) || parameters.max_burst_s > 30 ||
      parameters.min_burst_packets == 0 || parameters.step_packets == 0 || parameters.repetitions == 0) {
    throw std::invalid_argument(
        "a back-to-back search needs the medium's frame rate, bursts of 30 s at most, and steps and repetitions above "
        "0");
  }
  return BurstSearches(parameters, run, watch).run();
}

}  // namespace portier::load
