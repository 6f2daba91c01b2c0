/// A device under test and a sender that exist only as arithmetic, for the tests of searches.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "search_trials.hpp"
#include "traffic/random.hpp"

namespace portier::load {

struct DeviceModel {
  double capacity_pps = 1e12;       ///< what is above it is lost once the buffer is full
  double buffer_packets = 0;        ///< what it can hold
  double spike_probability = 0;     ///< of a trial in which `spike_loss` is lost, whatever the rate
  double spike_loss = 0.001;        ///< as a share
  double capacity_noise = 0;        ///< capacity of a trial varies uniformly by this share, up and down
  double capacity_drift = 0;        ///< capacity falls by this share with every trial
  double sender_max_pps = 1e12;     ///< the sender cannot do more
  double overhead_s = 0.5;          ///< of a trial, besides sending
  std::size_t interrupt_at = ~0UL;  ///< the trial of this number, from 0, is interrupted half way
};

class SimulatedDevice {
 public:
  explicit SimulatedDevice(const DeviceModel& model, std::uint64_t seed = 1) : model_(model), random_(seed) {}

  TrialResult operator()(const TrialRequest& request) {
    TrialResult out;
    out.request = request;
    const double capacity_pps = next_capacity();
    const double asked_s =
        request.burst_packets > 0 ? static_cast<double>(request.burst_packets) / request.rate_pps : request.duration_s;
    const double rate_pps = std::min(request.rate_pps, model_.sender_max_pps);
    out.is_interrupted = requests_.size() == model_.interrupt_at;
    const double sending_s = out.is_interrupted ? asked_s / 2 : asked_s;
    out.intended = static_cast<std::uint64_t>(std::llround(request.rate_pps * asked_s));
    out.sent = static_cast<std::uint64_t>(std::llround(rate_pps * sending_s));
    out.sending_s = sending_s;
    const double forwarded = std::min(rate_pps, capacity_pps) * sending_s + model_.buffer_packets;
    out.lost = out.sent - std::min(out.sent, static_cast<std::uint64_t>(forwarded + 0.5));
    if (random_.chance(model_.spike_probability)) {
      const double lost = static_cast<double>(out.sent) * model_.spike_loss;
      const auto whole = static_cast<std::uint64_t>(lost);
      out.lost = std::max(out.lost, whole + (random_.chance(lost - static_cast<double>(whole)) ? 1 : 0));
    }
    out.received = out.sent - out.lost;
    requests_.push_back(request);
    clock_s_ += sending_s + model_.overhead_s;
    return out;
  }

  const std::vector<TrialRequest>& requests() const { return requests_; }
  double now_s() const { return clock_s_; }

  /// Both refer to this device.
  TrialRunner runner() {
    return [this](const TrialRequest& request) { return (*this)(request); };
  }
  SearchWatch watch() {
    SearchWatch watch;
    watch.now_s = [this] { return clock_s_; };
    return watch;
  }

 private:
  double next_capacity() {
    const double drift = std::pow(1 - model_.capacity_drift, static_cast<double>(requests_.size()));
    const double noise = model_.capacity_noise * (static_cast<double>(random_.below(20001)) / 10000 - 1);
    return model_.capacity_pps * drift * (1 + noise);
  }

  DeviceModel model_;
  traffic::Random random_;
  std::vector<TrialRequest> requests_;
  double clock_s_ = 0;
};

}  // namespace portier::load
