/// What is plotted against what.
#include "report_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "report_figure.hpp"
#include "report_latency.hpp"

namespace portier::load {

namespace {

constexpr std::size_t max_line_points = 400;

/// Packets per second in one unit along the axis, so that labels stay short.
Axis rate_axis(const std::string& title, double high_pps) {
  const double scale = high_pps >= 1e6 ? 1e6 : high_pps >= 1e4 ? 1e3 : 1;
  const char* const unit = scale == 1e6 ? "Mpps" : scale == 1e3 ? "kpps" : "pps";
  return Axis::linear(fmt::format("{} ({})", title, unit), 0, high_pps,
                      [scale](double value) { return digits_text(value / scale, 4); });
}

Axis time_axis(const std::string& title, double low_ns, double high_ns) {
  return Axis::logarithmic(title, std::max(1.0, low_ns), high_ns, time_tick_text);
}

double offered_or_burst(const Report& report, const TrialResult& trial) {
  return report.has_bursts ? static_cast<double>(trial.request.burst_packets) : offered_pps(trial);
}

double highest(const Report& report, const std::function<double(const TrialResult&)>& value_of) {
  double high = 0;
  for (const auto& trial : report.trials) high = std::max(high, value_of(trial.result));
  return high;
}

Axis burst_axis(const Report& report) {
  double low = 1e18;
  double high = 1;
  for (const auto& trial : report.trials) {
    const auto burst = static_cast<double>(trial.result.request.burst_packets);
    low = std::min(low, burst);
    high = std::max(high, burst);
  }
  return Axis::logarithmic("burst (packets)", std::min(low, high), high, count_tick_text);
}

Axis offered_axis(const Report& report) {
  const double high = highest(report, [&](const TrialResult& trial) { return offered_or_burst(report, trial); });
  if (!report.has_bursts) return rate_axis("offered", high);
  return burst_axis(report);
}

void mark_result(Plot& plot, const Report& report) {
  if (report.mark_pps && !report.has_bursts) plot.add_mark_x(*report.mark_pps, rate_text(*report.mark_pps));
}

/// The share of packets up to each bucket, as the corners of a stair that ends at `last_share`.
std::vector<PlotPoint> distribution_of(const LatencySample& sample, double last_share) {
  const auto pairs = histogram_pairs(sample);
  std::uint64_t total = 0;
  for (const auto& pair : pairs) total += pair.second;
  // One packet in n says nothing beyond 1 - 1/n.
  last_share = std::min(last_share, 1 - 0.5 / static_cast<double>(std::max<std::uint64_t>(total, 1)));
  std::vector<PlotPoint> points;
  std::uint64_t seen = 0;
  for (const auto& [upper_ns, count] : pairs) {
    const double share = static_cast<double>(seen) / static_cast<double>(total);
    if (share > last_share) break;
    const auto ns = std::clamp(upper_ns, sample.min_ns, std::max(sample.min_ns, sample.max_ns));
    points.push_back({share, static_cast<double>(ns), ""});
    seen += count;
  }
  if (!points.empty()) points.push_back({last_share, points.back().y, ""});
  return points;
}

std::vector<PlotPoint> percentile_dots(const LatencySample& sample, double last_share, const std::string& name) {
  std::vector<PlotPoint> dots;
  for (const double share : {0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999}) {
    if (share > last_share || (1 - share) * static_cast<double>(sample.count) < 1) break;
    const auto ns = static_cast<double>(percentile_ns(sample, share));
    dots.push_back({share, ns, fmt::format("{}: p{:g} {}", name, share * 100, time_text(ns))});
  }
  return dots;
}

/// Neighbouring intervals joined, so that a long trial does not make a large page.
std::vector<IntervalResult> thinned(const std::vector<IntervalResult>& intervals) {
  const auto group = intervals.size() / max_line_points + 1;
  std::vector<IntervalResult> out;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    if (i % group == 0) {
      out.push_back(intervals[i]);
      continue;
    }
    auto& sum = out.back();
    sum.sent += intervals[i].sent;
    sum.received += intervals[i].received;
    sum.p50_ns = std::max(sum.p50_ns, intervals[i].p50_ns);
    sum.p99_ns = std::max(sum.p99_ns, intervals[i].p99_ns);
    sum.max_ns = std::max(sum.max_ns, intervals[i].max_ns);
  }
  return out;
}

Axis course_axis(const std::vector<IntervalResult>& intervals, double end_s) {
  // A sender that ended a little late must not bring another tick.
  const double last_s = std::max(end_s * 0.99, intervals.back().start_s);
  const double scale = last_s < 0.9 ? 1e3 : 1;
  return Axis::linear(scale > 1 ? "time (ms)" : "time (s)", 0, last_s,
                      [scale](double value) { return digits_text(value * scale, 4); });
}

}  // namespace

std::string loss_plot(const Report& report) {
  if (report.trials.size() < 2) return "";
  double low = 1;
  double high = 0;
  for (const auto& trial : report.trials) {
    const double loss = trial.result.loss_ratio();
    if (loss > 0) low = std::min(low, loss);
    high = std::max(high, loss);
  }
  if (high == 0) low = high = 1e-3;
  const auto label = [](double share) { return share_text(share); };
  Plot plot("Loss against what was offered", offered_axis(report),
            Axis::logarithmic_with_zero("lost", low, high, label));
  mark_result(plot, report);
  const auto legend = add_trials(plot, report, [&](const SearchTrial& trial, std::size_t) {
    return PlotPoint{offered_or_burst(report, trial.result), trial.result.loss_ratio(), ""};
  });
  return figure_html(report.has_bursts ? "Loss against burst length" : "Loss against offered rate", legend, plot, "");
}

std::string received_plot(const Report& report) {
  if (report.trials.size() < 2 || report.has_bursts) return "";
  const double high = highest(report, [](const TrialResult& trial) { return offered_pps(trial); });
  Plot plot("Received against offered rate", rate_axis("offered", high), rate_axis("received", high));
  plot.add_reference({0, 0, ""}, {high, high, ""}, "everything received");
  mark_result(plot, report);
  auto legend = add_trials(plot, report, [](const SearchTrial& trial, std::size_t) {
    return PlotPoint{offered_pps(trial.result), received_pps(trial.result), ""};
  });
  legend.push_back({"reference", "everything received"});
  return figure_html("Received against offered", legend, plot, "");
}

std::string search_plot(const Report& report) {
  if (report.trials.size() < 3) return "";
  const auto count = static_cast<double>(report.trials.size());
  const auto y = offered_axis(report);
  Plot plot("Trials in the order they ran",
            Axis::linear("trial", 0, count, [](double value) { return digits_text(std::round(value), 7); }), y);
  std::vector<PlotPoint> path;
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    path.push_back({static_cast<double>(i + 1), offered_or_burst(report, report.trials[i].result), ""});
  }
  plot.add_line(path, "quiet", "order of the trials");
  const auto legend =
      add_trials(plot, report, [&](const SearchTrial&, std::size_t index) { return PlotPoint{path[index]}; });
  return figure_html("Trials in the order they ran", legend, plot, "");
}

std::string latency_load_plot(const Report& report) {
  std::map<double, LatencySample> by_rate;  // trials at one rate are one distribution
  for (const auto& trial : report.trials) {
    if (trial.result.latency.count > 0) add_sample(by_rate[offered_pps(trial.result)], trial.result.latency);
  }
  if (by_rate.size() < 3 || report.has_bursts) return "";
  std::array<std::vector<PlotPoint>, 3> lines;
  constexpr std::array<double, 3> shares = {0.5, 0.99, 0.999};
  double low_ns = 1e18;
  double high_ns = 0;
  for (const auto& [rate_pps, sample] : by_rate) {
    for (std::size_t i = 0; i < shares.size(); ++i) {
      const auto ns = static_cast<double>(percentile_ns(sample, shares[i]));
      low_ns = std::min(low_ns, ns);
      high_ns = std::max(high_ns, ns);
      lines[i].push_back(
          {rate_pps, ns, fmt::format("p{:g} at {}: {}", shares[i] * 100, rate_text(rate_pps), time_text(ns))});
    }
  }
  Plot plot("Latency against offered rate", rate_axis("offered", by_rate.rbegin()->first),
            time_axis("latency", low_ns, high_ns));
  mark_result(plot, report);
  constexpr std::array<const char*, 3> classes = {"s1", "s2", "s3"};
  constexpr std::array<const char*, 3> names = {"p50", "p99", "p99.9"};
  std::vector<LegendEntry> legend;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    plot.add_line(lines[i], classes[i], names[i]);
    plot.add_points(lines[i], std::string("dot ") + classes[i], Shape::circle);
    legend.push_back({classes[i], names[i]});
  }
  return figure_html("Latency against offered rate", legend, plot, "");
}

std::string distribution_plot(const Report& report) {
  const auto* shown = shown_trial(report);
  if (shown == nullptr || shown->result.latency.count == 0) return "";
  struct Series {
    const LatencySample* sample;
    const char* css_class;
    const char* name;
  };
  std::vector<Series> series = {{&shown->result.latency, "s1", "from intended send time"}};
  if (shown->result.latency_from_send.count > 0) {
    series.push_back({&shown->result.latency_from_send, "s2 dashed", "from actual send time"});
  }
  if (report.self_test && report.self_test->latency.count > 0) {
    series.push_back({&report.self_test->latency, "s4 dotted", "generator alone, looped back"});
  }
  double low_ns = 1e18;
  double high_ns = 0;
  for (const auto& one : series) {
    low_ns = std::min(low_ns, static_cast<double>(one.sample->min_ns));
    high_ns = std::max(high_ns, static_cast<double>(one.sample->max_ns));
  }
  const auto count = static_cast<double>(shown->result.latency.count);
  const int nines = std::clamp(static_cast<int>(std::ceil(std::log10(count))), 2, 6);
  const double last_share = 1 - std::pow(10.0, -nines);
  Plot plot("Latency by percentile", Axis::percentiles("percentile", nines), time_axis("latency", low_ns, high_ns));
  std::vector<LegendEntry> legend;
  for (const auto& one : series) {
    plot.add_steps(distribution_of(*one.sample, last_share), one.css_class, one.name);
    plot.add_points(percentile_dots(*one.sample, last_share, one.name), std::string("dot ") + one.css_class,
                    Shape::circle);
    legend.push_back({one.css_class, one.name});
  }
  return figure_html("Latency distribution", legend, plot,
                     fmt::format("Trial {} at {}, {} packets.", *report.shown_trial + 1,
                                 rate_text(offered_pps(shown->result)), count_text(shown->result.latency.count)));
}

std::string latency_time_plot(const Report& report) {
  const auto* shown = shown_trial(report);
  if (shown == nullptr || shown->result.intervals.size() < 2) return "";
  const auto intervals = thinned(shown->result.intervals);
  double low_ns = 1e18;
  double high_ns = 0;
  std::vector<PlotPoint> p50;
  std::vector<PlotPoint> p99;
  std::vector<PlotPoint> top;
  for (const auto& interval : intervals) {
    if (interval.max_ns == 0) continue;  // nothing came back in it
    low_ns = std::min(low_ns, static_cast<double>(interval.p50_ns));
    high_ns = std::max(high_ns, static_cast<double>(interval.max_ns));
    p50.push_back({interval.start_s, static_cast<double>(interval.p50_ns), ""});
    p99.push_back({interval.start_s, static_cast<double>(interval.p99_ns), ""});
    top.push_back({interval.start_s, static_cast<double>(interval.max_ns), ""});
  }
  if (p50.empty()) return "";
  Plot plot("Latency over time", course_axis(intervals, shown->result.sending_s),
            time_axis("latency", low_ns, high_ns));
  plot.add_line(p99, "s2", "p99");
  plot.add_line(top, "s3 thin", "maximum");  // over p99, so that both show where they are one
  plot.add_line(p50, "s1", "p50");
  return figure_html("Latency over time", {{"s1", "p50"}, {"s2", "p99"}, {"s3", "maximum"}}, plot, "");
}

std::string rate_time_plot(const Report& report) {
  const auto* shown = shown_trial(report);
  if (shown == nullptr || shown->result.intervals.size() < 2) return "";
  const auto intervals = thinned(shown->result.intervals);
  std::vector<PlotPoint> sent;
  std::vector<PlotPoint> received;
  double high = 0;
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    const auto start_s = intervals[i].start_s;
    const double usual_s = intervals[1].start_s - intervals[0].start_s;
    const double end_s = i + 1 < intervals.size()            ? intervals[i + 1].start_s
                         : shown->result.sending_s > start_s ? shown->result.sending_s
                                                             : start_s + usual_s;
    const double length_s = end_s - start_s;
    if (!(length_s > 0)) continue;
    sent.push_back({start_s, static_cast<double>(intervals[i].sent) / length_s, ""});
    received.push_back({start_s, static_cast<double>(intervals[i].received) / length_s, ""});
    high = std::max({high, sent.back().y, received.back().y});
  }
  if (sent.empty()) return "";
  Plot plot("Rate over time", course_axis(intervals, shown->result.sending_s), rate_axis("rate", high));
  plot.add_line(sent, "s1", "sent");
  plot.add_line(received, "s2 dashed", "received");
  return figure_html("Rate over time", {{"s1", "sent"}, {"s2 dashed", "received"}}, plot, "");
}

std::string all_plots(const Report& report) {
  return loss_plot(report) + received_plot(report) + search_plot(report) + latency_load_plot(report) +
         distribution_plot(report) + latency_time_plot(report) + rate_time_plot(report);
}

}  // namespace portier::load
