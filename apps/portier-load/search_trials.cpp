/// Keeps the trials of a search and estimates how long it will still take.
#include "search_trials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace portier::load {

namespace {

constexpr double assumed_overhead_s = 1;  ///< of a trial, until one has been seen: waiting for what is under way

double steady_s() { return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double per_second(std::uint64_t packets, const TrialResult& trial) {
  const double seconds = trial.sending_s > 0 ? trial.sending_s : trial.request.duration_s;
  return seconds > 0 ? static_cast<double>(packets) / seconds : 0;
}

}  // namespace

std::string to_text(Stop stop) {
  switch (stop) {
    case Stop::precise: return "the bounds are as close as was asked for";
    case Stop::completed: return "every planned trial was run";
    case Stop::held_at_maximum: return "the highest value that was allowed held";
    case Stop::lost_at_minimum: return "even the lowest value that was allowed lost too much";
    case Stop::sender_too_slow: return "the sender did not keep pace at any rate that was tried";
    case Stop::trial_limit: return "as many trials as were allowed have been run";
    case Stop::time_limit: return "the time that was allowed is used up";
    case Stop::interrupted: return "interrupted; what had been measured is kept";
    case Stop::not_started: break;
  }
  return "no trial was run";
}

std::string to_text(Limit limit) {
  switch (limit) {
    case Limit::device: return "the device under test: it loses packets above the result";
    case Limit::sender: return "the sender: it could not send more, so the device under test may be able to do more";
    case Limit::asked: return "what was asked for: nothing above it was tried";
    case Limit::unknown: break;
  }
  return "not known: the search ended before it found a limit";
}

double offered_pps(const TrialResult& trial) { return per_second(trial.sent, trial); }
double received_pps(const TrialResult& trial) { return per_second(trial.received, trial); }

bool is_sender_limited(const TrialResult& trial, double tolerance) {
  return !trial.is_interrupted &&
         static_cast<double>(trial.sent) < static_cast<double>(trial.intended) * (1 - tolerance);
}

bool is_lossless(const TrialResult& trial) { return trial.sent > 0 && trial.lost == 0 && !trial.is_interrupted; }

TrialLog::TrialLog(TrialRunner run, SearchWatch watch) : run_(std::move(run)), watch_(std::move(watch)) {
  if (!watch_.now_s) watch_.now_s = steady_s;
  started_s_ = watch_.now_s();
}

double TrialLog::elapsed_s() const { return watch_.now_s() - started_s_; }

void TrialLog::say(const std::string& phase, const TrialRequest& next, const Outlook& outlook) const {
  if (!watch_.on_progress) return;
  const auto done = static_cast<double>(trials_.size());
  const double overhead_s = trials_.empty() ? assumed_overhead_s : std::max(0.0, elapsed_s() - asked_s_) / done;
  watch_.on_progress({.phase = phase,
                      .trials_done = trials_.size(),
                      .trials_expected = trials_.size() + outlook.trials,
                      .elapsed_s = elapsed_s(),
                      .remaining_s = outlook.sending_s + static_cast<double>(outlook.trials) * overhead_s,
                      .next = next});
}

SearchTrial& TrialLog::run(const TrialRequest& request, const std::string& purpose, const Outlook& outlook) {
  say(purpose, request, outlook);
  auto result = run_(request);
  result.request = request;
  asked_s_ += request.duration_s;
  auto& trial = trials_.emplace_back();
  trial.result = std::move(result);
  trial.purpose = purpose;
  trial.is_good = is_lossless(trial.result);
  trial.is_sender_limited = is_sender_limited(trial.result, watch_.sender_tolerance);
  return trial;
}

std::vector<SearchTrial> TrialLog::finish() {
  say("done", {.rate_pps = 0, .duration_s = 0}, {.trials = 0, .sending_s = 0});
  return std::move(trials_);
}

std::string duration_deviation(double used_s, double asked_s, const std::string& source) {
  return fmt::format("trials of {:g} s; {} asks for {:g} s", used_s, source, asked_s);
}

}  // namespace portier::load
