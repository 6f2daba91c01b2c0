/// Turns results of searches into verdicts, figures and warnings.
#include "report_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>

#include "report_latency.hpp"

namespace portier::load {

namespace {

/// Warnings that any set of trials can give.
void warn_of_trials(Report& report) {
  std::size_t limited = 0;
  std::uint64_t damaged = 0;
  std::uint64_t foreign = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t late = 0;
  bool is_interrupted = false;
  for (const auto& trial : report.trials) {
    limited += trial.is_sender_limited ? 1 : 0;
    damaged += trial.result.damaged;
    foreign += trial.result.foreign;
    duplicated += trial.result.duplicated;
    late += trial.result.late;
    is_interrupted = is_interrupted || trial.result.is_interrupted;
  }
  auto& warnings = report.warnings;
  if (is_interrupted) warnings.emplace_back("Interrupted: the figures are of what was measured until then.");
  if (limited > 0) {
    warnings.push_back(
        fmt::format("In {} of {} trials the generator sent less than intended; there the generator was the limit, not "
                    "the device under "
                    "test.",
                    limited, report.trials.size()));
  }
  if (damaged > 0) warnings.push_back(fmt::format("{} packets came back damaged.", count_text(damaged)));
  if (duplicated > 0) warnings.push_back(fmt::format("{} packets came back more than once.", count_text(duplicated)));
  if (late > 0) {
    warnings.push_back(fmt::format("{} packets came so late that they count as lost.", count_text(late)));
  }
  if (foreign > 0) {
    warnings.push_back(fmt::format("{} packets were received that are not of this test; keep other traffic away.",
                                   count_text(foreign)));
  }
}

void add_latency_figures(Report& report) {
  const auto* trial = shown_trial(report);
  if (trial == nullptr || trial->result.latency.count == 0) return;
  const auto latency = summarise(trial->result.latency);
  report.figures.push_back({"latency_p50_ns", "Latency p50", static_cast<double>(latency.p50_ns), Unit::ns});
  report.figures.push_back({"latency_p99_ns", "Latency p99", static_cast<double>(latency.p99_ns), Unit::ns});
  report.figures.push_back({"latency_p999_ns", "Latency p99.9", static_cast<double>(latency.p999_ns), Unit::ns});
}

/// The last trial that ran to its end, else the last one.
std::optional<std::size_t> last_whole(const std::vector<SearchTrial>& trials) {
  for (auto i = trials.size(); i-- > 0;) {
    if (!trials[i].result.is_interrupted) return i;
  }
  return trials.empty() ? std::nullopt : std::optional(trials.size() - 1);
}

void take_trials(Report& report, const std::vector<SearchTrial>& trials, const std::vector<std::string>& deviations) {
  report.trials = trials;
  report.deviations.insert(report.deviations.end(), deviations.begin(), deviations.end());
  warn_of_trials(report);
}

/// For a column of a table.
const char* short_text(Limit limit) {
  switch (limit) {
    case Limit::device: return "device under test";
    case Limit::sender: return "sender";
    case Limit::asked: return "highest rate allowed";
    case Limit::unknown: break;
  }
  return "not known";
}

std::string key_of(const std::string& name) {
  std::string key;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0) {
      key += static_cast<char>(std::tolower(byte));
    } else if (!key.empty() && key.back() != '_') {
      key += '_';
    }
  }
  return key;
}

std::vector<std::string> latency_cells(const LatencySample& sample) {
  const auto s = summarise(sample);
  std::vector<std::string> cells;
  for (const auto ns : {s.min_ns, s.p50_ns, s.p90_ns, s.p99_ns, s.p999_ns, s.p9999_ns, s.max_ns}) {
    cells.push_back(s.count == 0 ? "-" : time_text(static_cast<double>(ns)));
  }
  return cells;
}

std::optional<std::size_t> longest_at(const std::vector<SearchTrial>& trials, double rate_pps) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < trials.size(); ++i) {
    const auto& request = trials[i].result.request;
    if (request.rate_pps != rate_pps || trials[i].result.is_interrupted) continue;
    if (!found || request.duration_s >= trials[*found].result.request.duration_s) found = i;
  }
  return found;
}

}  // namespace

const SearchTrial* shown_trial(const Report& report) {
  if (!report.shown_trial || *report.shown_trial >= report.trials.size()) return nullptr;
  return &report.trials[*report.shown_trial];
}

void add_result(Report& report, const ThroughputResult& result) {
  if (report.title.empty()) report.title = "RFC 2544 throughput";
  take_trials(report, result.trials, result.deviations);
  report.shown_trial = result.best_trial ? result.best_trial : last_whole(report.trials);
  report.why_stopped = to_text(result.stop);
  report.limit = to_text(result.limit);
  report.figures.push_back({"throughput_pps", "Throughput", result.throughput_pps, Unit::pps});
  if (result.throughput_pps > 0) {
    report.verdict =
        result.limit == Limit::device
            ? fmt::format("Throughput is {}; above it packets are lost.", rate_text(result.throughput_pps))
            : fmt::format("Throughput is at least {}; nothing was lost.", rate_text(result.throughput_pps));
    report.mark_pps = result.throughput_pps;
  } else {
    report.verdict = "No rate without loss was found.";
  }
  if (result.upper_pps > 0 && result.limit == Limit::device) {
    report.figures.push_back({"lossy_pps", "Loses from", result.upper_pps, Unit::pps});
  }
  add_latency_figures(report);
}

void add_result(Report& report, const FrameLossResult& result) {
  if (report.title.empty()) report.title = "RFC 2544 frame loss rate";
  take_trials(report, result.trials, result.deviations);
  report.shown_trial = last_whole(report.trials);
  report.why_stopped = to_text(result.stop);
  report.limit = to_text(result.limit);
  report.figures.push_back({"lossless_pps", "No loss up to", result.lossless_pps, Unit::pps});
  if (!report.trials.empty()) {
    const auto& first = report.trials.front().result;
    report.figures.push_back({"loss_at_full_rate", "Loss at full rate", first.loss_ratio(), Unit::share});
    report.figures.push_back({"received_at_full_rate_pps", "Received at full rate", received_pps(first), Unit::pps});
  }
  if (result.lossless_pps > 0) {
    report.verdict = fmt::format("No loss up to the step at {}.", rate_text(result.lossless_pps));
    report.mark_pps = result.lossless_pps;
  } else {
    report.verdict = "No two rates in a row were free of loss.";
  }
}

void add_result(Report& report, const LatencyResult& result) {
  if (report.title.empty()) report.title = "RFC 2544 latency";
  take_trials(report, result.trials, result.deviations);
  report.why_stopped = to_text(result.stop);
  ResultTable table{
      "Latency by rate", {"share", "rate", "min", "p50", "p90", "p99", "p99.9", "p99.99", "max", "remark"}, {}};
  for (const auto& point : result.points) {
    std::vector<std::string> row = {share_text(point.share), rate_text(point.rate_pps)};
    const auto cells = latency_cells(point.latency);
    row.insert(row.end(), cells.begin(), cells.end());
    std::string remark = point.is_lossless ? "" : "loss";
    if (point.is_sender_limited) remark += remark.empty() ? "generator limit" : ", generator limit";
    row.push_back(remark);
    table.rows.push_back(std::move(row));
  }
  if (!table.rows.empty()) report.table = std::move(table);
  if (result.points.empty()) {
    report.verdict = "No latency was measured.";
    return;
  }
  const auto& first = result.points.front();
  report.shown_trial = first.trials.back();
  const auto latency = summarise(first.latency);
  report.verdict =
      fmt::format("At {} half of the packets take at most {}, 99.9 % at most {}.", rate_text(first.rate_pps),
                  time_text(static_cast<double>(latency.p50_ns)), time_text(static_cast<double>(latency.p999_ns)));
  report.mark_pps = first.rate_pps;
  add_latency_figures(report);
}

void add_result(Report& report, const BackToBackResult& result) {
  if (report.title.empty()) report.title = "RFC 9004 back-to-back frames";
  report.has_bursts = true;
  take_trials(report, result.trials, result.deviations);
  report.shown_trial = last_whole(report.trials);
  report.why_stopped = to_text(result.stop);
  report.limit = to_text(result.limit);
  const auto packets = [](std::uint64_t count) { return static_cast<double>(count); };
  report.figures.push_back({"burst_mean_packets", "Longest burst, mean", result.mean_packets, Unit::packets});
  report.figures.push_back({"burst_min_packets", "Minimum", packets(result.min_packets), Unit::packets});
  report.figures.push_back({"burst_max_packets", "Maximum", packets(result.max_packets), Unit::packets});
  report.figures.push_back({"burst_deviation_packets", "Std. deviation", result.deviation_packets, Unit::packets});
  report.figures.push_back({"implied_buffer_s", "Implied buffer time", result.implied_buffer_s, Unit::seconds});
  if (result.is_buffer_known) {
    report.figures.push_back({"corrected_buffer_s", "Corrected buffer time", result.corrected_buffer_s, Unit::seconds});
    report.verdict = fmt::format("Bursts of {} packets come back whole; the buffer holds {}.",
                                 value_text(result.mean_packets, Unit::packets),
                                 value_text(result.corrected_buffer_s, Unit::seconds));
  } else {
    report.verdict =
        fmt::format("Bursts of {} packets come back whole.", value_text(result.mean_packets, Unit::packets));
    report.warnings.push_back(fmt::format("No buffer time follows from it: {}.", result.why_not));
  }
  std::string bursts;
  for (const auto burst : result.bursts_packets) bursts += (bursts.empty() ? "" : "  ") + count_text(burst);
  ResultTable table{"Repetitions", {"repetitions", "longest burst without loss of each, packets"}, {}};
  if (!bursts.empty()) table.rows.push_back({std::to_string(result.bursts_packets.size()), bursts});
  if (!table.rows.empty()) report.table = std::move(table);
}

void add_result(Report& report, const MlrResult& result) {
  if (report.title.empty()) report.title = "NDR and PDR (MLRsearch, RFC 9971)";
  take_trials(report, result.trials, result.deviations);
  report.shown_trial = last_whole(report.trials);
  ResultTable table{
      "Goals", {"goal", "loss at most", "conditional throughput", "lower bound", "upper bound", "result", "limit"}, {}};
  for (const auto& goal : result.goals) {
    const auto& name = goal.goal.name;
    if (goal.lower_pps) {
      const char* const irregular = goal.is_regular ? "" : " (irregular)";
      const bool has_held = goal.stop == Stop::held_at_maximum;
      report.verdict +=
          fmt::format("{}{}: {}{}{}.", report.verdict.empty() ? "" : " ", name, has_held ? "at least " : "",
                      rate_text(goal.conditional_throughput_pps), has_held ? "" : irregular);
      report.figures.push_back({key_of(name) + "_pps", name + irregular, goal.conditional_throughput_pps, Unit::pps});
      report.figures.push_back({key_of(name) + "_lower_bound_pps", name + " lower bound", *goal.lower_pps, Unit::pps});
      if (!report.mark_pps) {
        report.mark_pps = goal.lower_pps;
        if (const auto best = longest_at(report.trials, *goal.lower_pps)) report.shown_trial = best;
      }
    } else {
      report.verdict += fmt::format("{}{}: no rate found.", report.verdict.empty() ? "" : " ", name);
    }
    if (goal.upper_pps) {
      report.figures.push_back({key_of(name) + "_upper_bound_pps", name + " upper bound", *goal.upper_pps, Unit::pps});
    }
    table.rows.push_back(
        {name, goal.goal.loss_ratio == 0 ? "none" : share_text(goal.goal.loss_ratio),
         goal.lower_pps ? rate_text(goal.conditional_throughput_pps) : "-",
         goal.lower_pps ? rate_text(*goal.lower_pps) : "-", goal.upper_pps ? rate_text(*goal.upper_pps) : "-",
         (goal.is_regular ? "regular: " : "irregular: ") + to_text(goal.stop), short_text(goal.limit)});
  }
  if (!table.rows.empty()) report.table = std::move(table);
  add_latency_figures(report);
}

void add_result(Report& report, const TrialResult& result) {
  if (report.title.empty()) report.title = "Trial";
  SearchTrial trial{.result = result, .purpose = "trial"};
  trial.is_good = is_lossless(result);
  trial.is_sender_limited = is_sender_limited(result, SearchWatch{}.sender_tolerance);
  take_trials(report, {trial}, {});
  report.shown_trial = 0;
  report.figures.push_back({"sent_pps", "Sent", offered_pps(result), Unit::pps});
  report.figures.push_back({"received_pps", "Received", received_pps(result), Unit::pps});
  report.figures.push_back({"loss_ratio", "Lost", result.loss_ratio(), Unit::share});
  report.verdict = result.sent == 0   ? "Nothing was sent."
                   : result.lost == 0 ? fmt::format("All of {} packets came back.", count_text(result.sent))
                                      : fmt::format("{} of {} packets were lost, {}.", count_text(result.lost),
                                                    count_text(result.sent), share_text(result.loss_ratio()));
  report.why_stopped = to_text(result.is_interrupted ? Stop::interrupted : Stop::completed);
  add_latency_figures(report);
}

}  // namespace portier::load
