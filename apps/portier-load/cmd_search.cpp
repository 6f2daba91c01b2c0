/// `portier-load throughput` and the other searches: the engine as a trial runner, and what a search says on its way.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "commands.hpp"
#include "load_run.hpp"
#include "report_text.hpp"
#include "search_mlr.hpp"

namespace portier::load {

namespace {

constexpr double unpaced_probe_s = 1;
/// RFC 2544 section 23: two seconds for what is still on its way; RFC 9004 wants the buffers empty, too.
constexpr double rfc2544_drain_s = 2;

bool is_rfc2544(const std::string& procedure) {
  return procedure == "throughput" || procedure == "latency" || procedure == "loss" || procedure == "back-to-back";
}

class Search {
 public:
  Search(const SearchOptions& options, RunParts& parts) : options_(options), parts_(parts) {
    run_ = [this](const TrialRequest& request) {
      auto result = parts_.tester.run(request);
      if (parts_.interrupts.asked()) result.is_interrupted = true;
      return result;
    };
    watch_.on_progress = [this](const Progress& progress) {
      parts_.line.set_phase(progress_text(progress), progress.remaining_s);
    };
  }

  /// `--max-rate`, or what the device takes from this core, by a trial.
  bool find_max_rate(double asked) {
    max_rate_ = asked;
    if (asked > 0) return true;
    parts_.line.set_phase("highest rate");
    const auto probe = run_({.rate_pps = HUGE_VAL, .duration_s = unpaced_probe_s});
    max_rate_ = offered_pps(probe);
    parts_.report.asked.push_back(
        {"highest rate", fmt::format("measured: {:.0f} packets a second, unpaced", max_rate_)});
    if (max_rate_ > 0 && !probe.is_interrupted) return true;
    add_warnings_of(probe, parts_.report);
    add_result(parts_.report, probe);
    return false;
  }

  void throughput(double min_rate) {
    ThroughputParameters parameters{.max_rate_pps = max_rate_, .resolution = options_.resolution};
    if (min_rate > 0) parameters.min_rate_pps = min_rate;
    if (options_.trial_s > 0) parameters.final_trial_s = options_.trial_s;
    if (options_.search_trial_s > 0) parameters.search_trial_s = options_.search_trial_s;
    parameters.loss_repeats = options_.loss_repeats;
    add_result(parts_.report, search_throughput(parameters, run_, watch_));
  }

  void loss() {
    FrameLossParameters parameters{.max_rate_pps = max_rate_};
    if (options_.trial_s > 0) parameters.trial_s = options_.trial_s;
    add_result(parts_.report, measure_frame_loss(parameters, run_, watch_));
  }

  void latency() {
    LatencyParameters parameters{.throughput_pps = max_rate_};
    if (options_.trial_s > 0) parameters.trial_s = options_.trial_s;
    if (options_.repetitions > 0) parameters.repetitions = options_.repetitions;
    add_result(parts_.report, measure_latency(parameters, run_, watch_));
  }

  void back_to_back(double throughput_pps) {
    BackToBackParameters parameters{.max_frame_rate_pps = max_rate_, .throughput_pps = throughput_pps};
    if (options_.trial_s > 0) parameters.max_burst_s = options_.trial_s;
    if (options_.repetitions > 0) parameters.repetitions = options_.repetitions;
    if (options_.loss_repeats > 0) parameters.loss_repeats = options_.loss_repeats;
    add_result(parts_.report, search_back_to_back(parameters, run_, watch_));
  }

  void mlr(const std::string& procedure, double min_rate) {
    MlrParameters parameters{.max_rate_pps = max_rate_, .min_rate_pps = min_rate};
    auto pdr = pdr_goal();
    pdr.loss_ratio = options_.pdr_loss;
    parameters.goals.clear();
    if (procedure != "pdr") parameters.goals.push_back(ndr_goal());
    if (procedure != "ndr") parameters.goals.push_back(pdr);
    for (auto& goal : parameters.goals) {
      goal.width = options_.resolution;
      if (options_.trial_s > 0) {
        goal.duration_sum_s *= options_.trial_s / goal.final_trial_s;
        goal.final_trial_s = options_.trial_s;
        goal.initial_trial_s = std::min(goal.initial_trial_s, options_.trial_s);
      }
      if (options_.search_trial_s > 0) goal.initial_trial_s = std::min(options_.search_trial_s, goal.final_trial_s);
    }
    parameters.max_search_s = options_.max_search_s;
    add_result(parts_.report, search_mlr(parameters, run_, watch_));
  }

 private:
  const SearchOptions& options_;
  RunParts& parts_;
  TrialRunner run_;
  SearchWatch watch_;
  double max_rate_ = 0;
};

int refuse(const std::vector<std::string>& faults) {
  for (const auto& fault : faults) fmt::print(stderr, "portier-load: {}\n", fault);
  return exit_bad_input;
}

}  // namespace

int cmd_search(const std::string& procedure, const LoadOptions& options, const SearchOptions& search) {
  std::vector<std::string> faults;
  double max_rate = search.max_rate.empty() ? 0 : read_rate(search.max_rate, "--max-rate", faults);
  const double min_rate = search.min_rate.empty() ? 0 : read_rate(search.min_rate, "--min-rate", faults);
  if (!(search.resolution > 0 && search.resolution < 1))
    faults.emplace_back("--resolution: write a share between 0 and 1");
  if (!(search.pdr_loss > 0 && search.pdr_loss < 1)) faults.emplace_back("--pdr-loss: write a share between 0 and 1");
  if (options.send_only) faults.emplace_back("a search needs to receive: leave --send-only out");
  if (options.pattern == "ramp") faults.emplace_back("a search looks for one rate: --pattern ramp has many");
  if (procedure == "latency") {
    if (!options.has_rate)
      faults.emplace_back("latency needs --rate: the throughput that `portier-load throughput` found");
    else max_rate = read_rate(options.rate, "--rate", faults);
  }
  for (const double rate : {max_rate, min_rate}) {
    if (std::isinf(rate))
      faults.emplace_back("a search goes between numbers: leave the rate out instead of writing max");
  }
  if (!faults.empty()) return refuse(faults);

  auto adjusted = options;
  if (!adjusted.drain_s && is_rfc2544(procedure)) adjusted.drain_s = rfc2544_drain_s;
  return run_with(procedure, adjusted, nullptr, [&](RunParts& parts) {
    Search run(search, parts);
    if (!run.find_max_rate(max_rate)) return;
    if (procedure == "throughput") run.throughput(min_rate);
    else if (procedure == "loss") run.loss();
    else if (procedure == "latency") run.latency();
    else if (procedure == "back-to-back") run.back_to_back(options.has_rate ? parts.setup.request.rate_pps : 0);
    else run.mlr(procedure, min_rate);
  });
}

}  // namespace portier::load
