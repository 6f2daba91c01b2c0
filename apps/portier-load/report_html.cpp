/// Puts the page together: headline, tiles, warnings, plots, tables, environment.
#include "report_html.hpp"

#include <fmt/format.h>

#include "report_latency.hpp"
#include "report_plots.hpp"
#include "report_style.hpp"
#include "report_svg.hpp"
#include "report_text.hpp"

namespace portier::load {

namespace {

struct Cell {
  std::string text;
  const char* css_class = "";
};

std::string cell_html(const Cell& cell, const char* element) {
  const auto css_class = *cell.css_class == 0 ? "" : fmt::format(" class=\"{}\"", cell.css_class);
  return fmt::format("<{0}{1}>{2}</{0}>", element, css_class, escaped(cell.text));
}

std::string row_html(const std::vector<Cell>& cells, const char* element, const char* css_class = "") {
  std::string out = *css_class == 0 ? "<tr>" : fmt::format("<tr class=\"{}\">", css_class);
  for (const auto& cell : cells) out += cell_html(cell, element);
  return out + "</tr>\n";
}

std::string table_html(const std::vector<Cell>& columns, const std::string& rows, const char* css_class = "") {
  return fmt::format(
      "<div class=\"card scroll\"><table class=\"{}\">\n<thead>{}</thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
      css_class, row_html(columns, "th"), rows);
}

std::string list_html(const char* css_class, const std::vector<std::string>& items) {
  if (items.empty()) return "";
  auto out = fmt::format("<ul class=\"{}\">", css_class);
  for (const auto& item : items) out += fmt::format("<li>{}</li>", escaped(item));
  return out + "</ul>\n";
}

void add_latency_cells(std::vector<Cell>& cells, const LatencySample& sample) {
  const auto s = summarise(sample);
  for (const auto ns : {s.p50_ns, s.p99_ns, s.p999_ns, s.max_ns}) {
    cells.push_back({sample.count == 0 ? "-" : time_text(static_cast<double>(ns))});
  }
}

std::string header_html(const Report& report) {
  auto out = fmt::format("<header>\n<h1>{}</h1>\n<p class=\"verdict\">{}</p>\n", escaped(report.title),
                         escaped(report.verdict.empty() ? "No result." : report.verdict));
  if (!report.why_stopped.empty()) out += fmt::format("<p>Ended because {}.</p>\n", escaped(report.why_stopped));
  if (!report.limit.empty()) out += fmt::format("<p>Limit: {}.</p>\n", escaped(report.limit));
  out += "</header>\n";
  if (!report.figures.empty()) {
    out += "<ul class=\"tiles\">\n";
    for (const auto& figure : report.figures) {
      out += fmt::format("<li><span>{}</span><b>{}</b></li>\n", escaped(figure.name),
                         escaped(value_text(figure.value, figure.unit)));
    }
    out += "</ul>\n";
  }
  return out + list_html("warnings", report.warnings);
}

std::string result_table_html(const Report& report) {
  if (!report.table) return "";
  std::vector<Cell> columns;
  for (const auto& column : report.table->columns) columns.push_back({column});
  std::string rows;
  for (const auto& row : report.table->rows) {
    std::vector<Cell> cells;
    for (const auto& text : row) cells.push_back({text});
    rows += row_html(cells, "td");
  }
  return fmt::format("<section>\n<h2>{}</h2>\n{}</section>\n", escaped(report.table->title),
                     table_html(columns, rows, "text"));
}

Cell result_cell(const SearchTrial& trial) {
  if (trial.result.is_interrupted) return {"interrupted", "limited"};
  if (trial.is_sender_limited) return {trial.result.lost > 0 ? "generator limit, loss" : "generator limit", "limited"};
  if (trial.result.lost > 0 || trial.result.sent == 0) return {"loss", "bad"};
  return {"no loss"};
}

std::string trials_html(const Report& report, std::size_t max_rows) {
  if (report.trials.empty()) return "";
  std::string rows;
  const auto all = report.trials.size();
  for (std::size_t i = all > max_rows ? all - max_rows : 0; i < all; ++i) {
    const auto& trial = report.trials[i];
    const auto& r = trial.result;
    std::vector<Cell> cells = {{fmt::format("{} {}", i + 1, trial.purpose), "name"}};
    cells.push_back({report.has_bursts ? count_text(r.request.burst_packets) : request_rate_text(r.request)});
    cells.push_back({value_text(r.request.duration_s, Unit::seconds)});
    cells.push_back({rate_text(offered_pps(r))});
    cells.push_back({rate_text(received_pps(r))});
    cells.push_back({count_text(r.lost)});
    cells.push_back({share_text(r.loss_ratio()), r.lost > 0 ? "bad" : ""});
    add_latency_cells(cells, r.latency);
    cells.push_back(result_cell(trial));
    rows += row_html(cells, "td", report.shown_trial == i ? "shown" : "");
  }
  const std::vector<Cell> columns = {{"trial"},    {report.has_bursts ? "burst" : "intended"},
                                     {"sending"},  {"offered"},
                                     {"received"}, {"lost"},
                                     {"loss"},     {"p50"},
                                     {"p99"},      {"p99.9"},
                                     {"max"},      {"result"}};
  const auto note =
      all > max_rows ? fmt::format("<p class=\"notes\">The last {} of {} trials; the CSV has all.</p>\n", max_rows, all)
                     : "";
  return fmt::format("<section>\n<h2>Trials</h2>\n{}{}</section>\n", table_html(columns, rows), note);
}

std::string services_html(const Report& report, std::size_t max_rows) {
  const auto* shown = shown_trial(report);
  if (shown == nullptr || shown->result.services.empty()) return "";
  const bool with_answers = has_answers(shown->result);
  std::string rows;
  for (const auto* service : worst_services(shown->result, max_rows)) {
    const double loss =
        service->sent == 0 ? 0 : static_cast<double>(service->lost) / static_cast<double>(service->sent);
    std::vector<Cell> cells = {{service->name, "name"},
                               {count_text(service->sent)},
                               {count_text(service->received)},
                               {count_text(service->lost), service->lost > 0 ? "bad" : ""},
                               {share_text(loss), service->lost > 0 ? "bad" : ""},
                               {count_text(service->reordered)},
                               {count_text(service->duplicated)}};
    if (with_answers) {
      for (const auto count : {service->syn_acks, service->resets, service->unreachables}) {
        cells.push_back({count_text(count)});
      }
    }
    add_latency_cells(cells, service->latency);
    rows += row_html(cells, "td");
  }
  const auto all = shown->result.services.size();
  const auto which = all > max_rows
                         ? fmt::format("{} of {} services, those with most loss; the CSV has all.", max_rows, all)
                         : fmt::format("Trial {}.", *report.shown_trial + 1);
  std::vector<Cell> columns = {{"service"}, {"sent"}, {"received"}, {"lost"}, {"loss"}, {"reordered"}, {"duplicated"}};
  if (with_answers) columns.insert(columns.end(), {{"SYN-ACK"}, {"RST"}, {"unreachable"}});
  columns.insert(columns.end(), {{"p50"}, {"p99"}, {"p99.9"}, {"max"}});
  return fmt::format("<section>\n<h2>Services</h2>\n{}<p class=\"notes\">{}</p>\n</section>\n",
                     table_html(columns, rows), escaped(which));
}

/// What the generator adds on its own: below these figures nothing can be told apart.
std::string self_test_html(const Report& report) {
  if (!report.self_test) return "";
  const auto& alone = *report.self_test;
  std::string rows;
  const auto add = [&rows](const std::string& name, const LatencySample& sample) {
    if (sample.count == 0) return;
    std::vector<Cell> cells = {{name}, {count_text(sample.count)}};
    add_latency_cells(cells, sample);
    rows += row_html(cells, "td");
  };
  add("generator alone, looped back", alone.latency);
  add("its pacing error", alone.pacing_error);
  if (const auto* shown = shown_trial(report)) {
    add("pacing error in the trial shown", shown->result.pacing_error);
    add("delay variation at the receiver in it", shown->result.delay_variation);
  }
  if (rows.empty()) return "";
  const auto note =
      fmt::format("Self-test at {}: {} of {} packets came back. What it shows is the generator's own error.",
                  rate_text(offered_pps(alone)), count_text(alone.received), count_text(alone.sent));
  return fmt::format("<section>\n<h2>The generator itself</h2>\n{}<p class=\"notes\">{}</p>\n</section>\n",
                     table_html({{"measured"}, {"packets"}, {"p50"}, {"p99"}, {"p99.9"}, {"max"}}, rows),
                     escaped(note));
}

void add_texts(std::string& out, const std::vector<NamedText>& texts) {
  for (const auto& text : texts) {
    if (!text.value.empty()) out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(text.name), escaped(text.value));
  }
}

std::string environment_html(const Report& report) {
  std::string cores;
  for (const auto core : report.machine.cores) cores += (cores.empty() ? "" : ", ") + std::to_string(core);
  const auto& machine = report.machine;
  std::vector<NamedText> texts = {
      {"Started", report.started_at}, {"CPU", machine.cpu_model}, {"Cores", cores},
      {"Version", machine.version},   {"Commit", machine.commit}, {"DPDK", machine.dpdk_version}};
  texts.insert(texts.end(), machine.more.begin(), machine.more.end());
  std::string environment;
  std::string asked;
  add_texts(environment, texts);
  add_texts(asked, report.asked);
  std::string out = "<div class=\"grid2\">\n";
  if (!asked.empty())
    out += "<section>\n<h2>What was asked for</h2>\n<div class=\"card\"><dl>\n" + asked + "</dl></div></section>\n";
  if (!environment.empty()) {
    out += "<section>\n<h2>Environment</h2>\n<div class=\"card\"><dl>\n" + environment + "</dl></div></section>\n";
  }
  out += "</div>\n";
  return asked.empty() && environment.empty() ? "" : out;
}

std::string notes_html(const Report& report) {
  auto notes = report.deviations;
  notes.emplace_back(
      "Latency counts from the moment a packet was meant to be sent, so that a sender that is held up does not hide "
      "the "
      "wait; percentiles are exact to 6 %.");
  notes.emplace_back(
      "Rates are packets of all interfaces together. Packets are lost when they have not come back at the end of the "
      "trial.");
  return "<section>\n<h2>Procedure</h2>\n" + list_html("notes", notes) + "</section>\n";
}

}  // namespace

std::string report_to_html(const Report& report, std::size_t max_rows) {
  std::string out = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n";
  out += "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n";
  out += fmt::format("<title>{} - portier-load</title>\n<style>{}</style>\n</head>\n<body>\n<main>\n",
                     escaped(report.title), report_style);
  out += header_html(report);
  out += result_table_html(report);
  const auto plots = all_plots(report);
  if (!plots.empty()) out += "<section>\n<h2>Plots</h2>\n<div class=\"grid2\">\n" + plots + "</div>\n</section>\n";
  out += services_html(report, max_rows);
  out += trials_html(report, max_rows);
  out += self_test_html(report);
  out += environment_html(report);
  out += notes_html(report);
  return out + "</main>\n</body>\n</html>\n";
}

}  // namespace portier::load
