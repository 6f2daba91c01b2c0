/// Steps down through the rates of a frame loss curve.
#include "search_frame_loss.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>

namespace portier::load {

FrameLossResult measure_frame_loss(const FrameLossParameters& parameters, const TrialRunner& run,
                                   const SearchWatch& watch) {
  if (!(parameters.max_rate_pps > 0) || !(parameters.step > 0 && parameters.step <= 1) || !(parameters.trial_s > 0)) {
    throw std::invalid_argument("rate, step (a share, at most 1) and duration of a frame loss curve must be above 0");
  }
  FrameLossResult out;
  TrialLog log(run, watch);
  const auto steps = static_cast<std::size_t>(std::ceil(1 / parameters.step - 1e-9));
  bool was_good = false;
  out.stop = Stop::lost_at_minimum;
  for (std::size_t step = 0; step < steps; ++step) {
    const double rate_pps = parameters.max_rate_pps * (1 - static_cast<double>(step) * parameters.step);
    const auto left = steps - step;
    const auto& trial = log.run({.rate_pps = rate_pps, .duration_s = parameters.trial_s}, "step",
                                {left, static_cast<double>(left) * parameters.trial_s});
    if (trial.result.is_interrupted) {
      out.stop = Stop::interrupted;
      break;
    }
    if (trial.is_good && was_good) {
      const auto& above = log.trials()[step - 1];
      out.lossless_pps = above.is_sender_limited ? offered_pps(above.result) : above.result.request.rate_pps;
      out.stop = step == 1 ? Stop::held_at_maximum : Stop::completed;
      break;
    }
    was_good = trial.is_good;
  }
  bool has_loss = false;
  for (const auto& trial : log.trials()) {
    has_loss = has_loss || trial.result.lost > 0;
    if (trial.is_sender_limited && !has_loss) out.limit = Limit::sender;
  }
  if (has_loss) {
    out.limit = Limit::device;
  } else if (out.limit == Limit::unknown && out.stop == Stop::held_at_maximum) {
    out.limit = Limit::asked;
  }
  if (parameters.trial_s < 60)
    out.deviations.push_back(duration_deviation(parameters.trial_s, 60, "RFC 2544 section 24"));
  if (parameters.step > 0.1 + 1e-9) {
    out.deviations.push_back(
        fmt::format("steps of {:g} %; RFC 2544 section 26.3 asks for 10 % at most", parameters.step * 100));
  }
  out.trials = log.finish();
  return out;
}

}  // namespace portier::load
