/// The arithmetic of RFC 9971's appendices, with the RFC's names of the sums.
#include "search_goal.hpp"

#include <algorithm>
#include <vector>

namespace portier::load {

SearchGoal ndr_goal() { return {.name = "NDR", .loss_ratio = 0}; }
SearchGoal pdr_goal() { return {.name = "PDR", .loss_ratio = 0.005}; }

SearchGoal rfc2544_goal() {
  return {.name = "RFC 2544",
          .loss_ratio = 0,
          .exceed_ratio = 0,
          .initial_trial_s = 1,
          .final_trial_s = 60,
          .duration_sum_s = 60};
}

LoadClass classify(const SearchGoal& goal, std::span<const TimedLoss> trials) {
  double full_length_low_loss_s = 0;
  double full_length_high_loss_s = 0;
  double short_low_loss_s = 0;
  double short_high_loss_s = 0;
  for (const auto& trial : trials) {
    const bool is_full_length = trial.duration_s >= goal.final_trial_s;
    const bool is_high_loss = trial.loss_ratio > goal.loss_ratio;
    auto& sum = is_full_length ? (is_high_loss ? full_length_high_loss_s : full_length_low_loss_s)
                               : (is_high_loss ? short_high_loss_s : short_low_loss_s);
    sum += trial.duration_s;
  }
  const double balancing_s = short_low_loss_s * goal.exceed_ratio / (1 - goal.exceed_ratio);
  const double effective_high_loss_s = full_length_high_loss_s + std::max(0.0, short_high_loss_s - balancing_s);
  const double effective_whole_s = std::max(full_length_low_loss_s + effective_high_loss_s, goal.duration_sum_s);
  // Sums of durations like 0.1 s are not exact; a billionth of the whole must not decide.
  const double allowed_s = effective_whole_s * (goal.exceed_ratio + 1e-9);
  const bool pessimistic_is_lower = effective_whole_s - full_length_low_loss_s <= allowed_s;
  const bool optimistic_is_lower = effective_high_loss_s <= allowed_s;
  if (pessimistic_is_lower && optimistic_is_lower) return LoadClass::lower_bound;
  if (!pessimistic_is_lower && !optimistic_is_lower) return LoadClass::upper_bound;
  return LoadClass::undecided;
}

double conditional_throughput_pps(const SearchGoal& goal, double load_pps, std::span<const TimedLoss> trials) {
  std::vector<TimedLoss> full_length;
  double full_length_s = 0;
  for (const auto& trial : trials) {
    if (trial.duration_s < goal.final_trial_s) continue;
    full_length.push_back(trial);
    full_length_s += trial.duration_s;
  }
  std::sort(full_length.begin(), full_length.end(),
            [](const TimedLoss& a, const TimedLoss& b) { return a.loss_ratio < b.loss_ratio; });
  const double whole_s = std::max(goal.duration_sum_s, full_length_s);
  double remaining_s = whole_s * (1 - goal.exceed_ratio);
  double quantile_loss_ratio = 1;
  for (const auto& trial : full_length) {
    if (remaining_s <= whole_s * 1e-9) break;
    quantile_loss_ratio = trial.loss_ratio;
    remaining_s -= trial.duration_s;
  }
  if (remaining_s > whole_s * 1e-9) quantile_loss_ratio = 1;
  return load_pps * (1 - quantile_loss_ratio);
}

}  // namespace portier::load
