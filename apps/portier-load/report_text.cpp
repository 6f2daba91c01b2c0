/// Lays out tables of text.
#include "report_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report_latency.hpp"

namespace portier::load {

namespace {

using Row = std::vector<std::string>;

std::string printable(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  return text;
}

/// First column to the left, the others to the right.
std::string aligned(const std::vector<Row>& rows, bool is_text) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], row[c].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line = " ";
    for (std::size_t c = 0; c < row.size(); ++c) {
      line += c == 0 || is_text ? fmt::format(" {:<{}} ", printable(row[c]), widths[c])
                                : fmt::format(" {:>{}} ", printable(row[c]), widths[c]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

Row latency_cells(const LatencySample& sample) {
  if (sample.count == 0) return {"-", "-", "-", "-"};
  const auto s = summarise(sample);
  Row cells;
  for (const auto ns : {s.p50_ns, s.p99_ns, s.p999_ns, s.max_ns}) cells.push_back(time_text(static_cast<double>(ns)));
  return cells;
}

std::string remark(const SearchTrial& trial) {
  std::string out = trial.result.is_interrupted ? "interrupted" : trial.is_good ? "ok" : "loss";
  if (trial.is_sender_limited) out += ", generator limit";
  return out;
}

std::string trials_table(const Report& report, std::size_t max_rows) {
  std::vector<Row> rows = {{"trial", report.has_bursts ? "burst" : "rate", "for", "received", "lost", "p50", "p99",
                            "p99.9", "max", "result"}};
  const auto first = report.trials.size() > max_rows ? report.trials.size() - max_rows : 0;
  for (auto i = first; i < report.trials.size(); ++i) {
    const auto& r = report.trials[i].result;
    Row row = {fmt::format("{} {}", i + 1, report.trials[i].purpose),
               report.has_bursts ? count_text(r.request.burst_packets) : request_rate_text(r.request),
               duration_text(r.request.duration_s), rate_text(received_pps(r)), share_text(r.loss_ratio())};
    const auto cells = latency_cells(r.latency);
    row.insert(row.end(), cells.begin(), cells.end());
    row.push_back(remark(report.trials[i]));
    rows.push_back(std::move(row));
  }
  return (first > 0 ? fmt::format("the last {} of {} trials\n", max_rows, report.trials.size()) : "trials\n") +
         aligned(rows, false);
}

std::string services_table(const TrialResult& trial, std::size_t max_rows) {
  std::vector<Row> rows = {
      {"service", "sent", "received", "lost", "reordered", "duplicated", "p50", "p99", "p99.9", "max"}};
  const bool with_answers = has_answers(trial);
  if (with_answers) rows[0].insert(rows[0].begin() + 6, {"SYN-ACK", "RST", "unreachable"});
  for (const auto* service : worst_services(trial, max_rows)) {
    Row row = {service->name,
               count_text(service->sent),
               count_text(service->received),
               count_text(service->lost),
               count_text(service->reordered),
               count_text(service->duplicated)};
    if (with_answers) {
      for (const auto count : {service->syn_acks, service->resets, service->unreachables}) {
        row.push_back(count_text(count));
      }
    }
    const auto cells = latency_cells(service->latency);
    row.insert(row.end(), cells.begin(), cells.end());
    rows.push_back(std::move(row));
  }
  const auto all = trial.services.size();
  return (all > max_rows ? fmt::format("{} of {} services, most loss first\n", max_rows, all) : "services\n") +
         aligned(rows, false);
}

}  // namespace

std::string request_rate_text(const TrialRequest& request) {
  return std::isinf(request.rate_pps) ? "unpaced" : rate_text(request.rate_pps);
}

bool has_answers(const TrialResult& trial) {
  return std::any_of(trial.services.begin(), trial.services.end(), [](const ServiceResult& service) {
    return service.syn_acks + service.resets + service.unreachables > 0;
  });
}

std::vector<const ServiceResult*> worst_services(const TrialResult& trial, std::size_t max_rows) {
  std::vector<const ServiceResult*> all;
  all.reserve(trial.services.size());
  for (const auto& service : trial.services) all.push_back(&service);
  std::stable_sort(all.begin(), all.end(), [](const ServiceResult* a, const ServiceResult* b) {
    return a->lost != b->lost ? a->lost > b->lost : a->sent > b->sent;
  });
  if (all.size() > max_rows) all.resize(max_rows);
  return all;
}

std::string report_to_text(const Report& report, std::size_t max_rows) {
  std::string out = printable(report.title) + "\n";
  for (const auto& warning : report.warnings) out += "warning: " + printable(warning) + "\n";
  for (const auto& deviation : report.deviations) out += "deviation: " + printable(deviation) + "\n";
  if (!report.trials.empty()) out += "\n" + trials_table(report, max_rows);
  const auto* shown = shown_trial(report);
  if (shown != nullptr && !shown->result.services.empty()) out += "\n" + services_table(shown->result, max_rows);
  if (report.table) {
    std::vector<Row> rows = {report.table->columns};
    rows.insert(rows.end(), report.table->rows.begin(), report.table->rows.end());
    out += "\n" + printable(report.table->title) + "\n" + aligned(rows, true);
  }
  out += "\n";
  std::vector<Row> figures;
  for (const auto& figure : report.figures) figures.push_back({figure.name, value_text(figure.value, figure.unit)});
  if (report.self_test && report.self_test->latency.count > 0) {
    const auto alone = summarise(report.self_test->latency);
    figures.push_back({"Generator alone, p50", time_text(static_cast<double>(alone.p50_ns))});
    figures.push_back({"Generator alone, p99.9", time_text(static_cast<double>(alone.p999_ns))});
  }
  out += aligned(figures, false);
  if (!report.verdict.empty()) out += "\n" + printable(report.verdict) + "\n";
  if (!report.why_stopped.empty()) out += "ended because " + printable(report.why_stopped) + "\n";
  if (!report.limit.empty()) out += "limit: " + printable(report.limit) + "\n";
  return out;
}

std::string progress_text(const Progress& progress) {
  if (progress.next.rate_pps <= 0) {
    return fmt::format("{} trials in {}", progress.trials_done, duration_text(progress.elapsed_s));
  }
  const auto what =
      progress.next.burst_packets > 0
          ? fmt::format("{} packets at once", count_text(progress.next.burst_packets))
          : fmt::format("{} for {}", request_rate_text(progress.next), duration_text(progress.next.duration_s));
  return fmt::format("{}  trial {} of about {}  {}", progress.phase, progress.trials_done + 1,
                     std::max(progress.trials_expected, progress.trials_done + 1), what);
}

}  // namespace portier::load
