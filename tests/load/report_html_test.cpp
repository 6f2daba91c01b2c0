/// The page: well formed whatever it holds, self-contained, and without a number that is none; axes and ticks.
#include "report_html.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <limits>
#include <set>

#include "report_axis.hpp"
#include "report_plots.hpp"
#include "report_sample.hpp"
#include "report_svg.hpp"

namespace portier::load {
namespace {

/// Says what is wrong with markup that should be well formed XML (after the document type): tags that close, quoted
/// attributes, references that exist. Empty when nothing is.
std::string fault_of(const std::string& page) {
  std::vector<std::string> open;
  std::size_t at = page.find('>') + 1;  // behind the document type
  while (at < page.size()) {
    const char c = page[at];
    if (c == '&') {
      const auto end = page.find(';', at);
      if (end == std::string::npos || end - at > 10) return "'&' at " + page.substr(at, 30);
      at = end + 1;
    } else if (c != '<') {
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') return "control character";
      ++at;
    } else if (page.compare(at, 2, "</") == 0) {
      const auto end = page.find('>', at);
      const auto name = page.substr(at + 2, end - at - 2);
      if (open.empty() || open.back() != name) return "unexpected </" + name + ">";
      open.pop_back();
      at = end + 1;
    } else {
      auto end = at + 1;
      std::string name;
      while (end < page.size() && (std::isalnum(static_cast<unsigned char>(page[end])) != 0)) name += page[end++];
      bool is_quoted = false;
      while (end < page.size() && (is_quoted || page[end] != '>')) {
        if (page[end] == '"') is_quoted = !is_quoted;
        if (page[end] == '<') return "'<' inside of <" + name + ">";
        ++end;
      }
      if (name.empty() || end == page.size()) return "a tag without name or end: " + page.substr(at, 30);
      if (page[end - 1] != '/') open.push_back(name);
      at = end + 1;
      if (name == "style") at = page.find("</style>", at);
    }
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

/// Every number in coordinates is one, and within the plot.
void expect_sound_numbers(const std::string& page) {
  const auto body = page.substr(std::min(page.size(), page.find("</style>")));
  for (const auto* word : {"nan", "inf\"", "inf ", "-nan", "e+"}) {
    EXPECT_EQ(body.find(word), std::string::npos) << word << ": " << body.substr(body.find(word) - 40, 80);
  }
}

void expect_self_contained(const std::string& page) {
  for (const auto* word : {"<script", "<link", "<img", "http:", "https:", "src=", "@import", "url("}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
}

TEST(ReportHtml, IsWellFormedAndSelfContained) {
  const auto page = report_to_html(throughput_report());
  EXPECT_EQ(fault_of(page), "");
  expect_sound_numbers(page);
  expect_self_contained(page);
  for (const auto* heading :
       {"SYN-ACK", "Loss against offered rate", "Received against offered", "Latency distribution", "Latency over time",
        "Rate over time", "Services", "Environment", "The generator itself"}) {
    EXPECT_THAT(page, testing::HasSubstr(heading));
  }
}

TEST(ReportHtml, EscapesEveryString) {
  const auto page = report_to_html(throughput_report(hostile));
  EXPECT_EQ(fault_of(page), "");
  expect_self_contained(page);
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("alert(\""), std::string::npos);
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  EXPECT_THAT(page, testing::HasSubstr("a&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&amp;amp;&#39;"));
}

TEST(ReportHtml, OfNothingIsAPage) {
  const auto page = report_to_html({});
  EXPECT_EQ(fault_of(page), "");
  expect_sound_numbers(page);
  EXPECT_THAT(page, testing::HasSubstr("No result."));
  EXPECT_EQ(page.find("<svg"), std::string::npos);
}

TEST(ReportHtml, OfOneTrialOfAnyKindIsSound) {
  std::vector<TrialResult> trials(7);
  trials[1].sent = trials[1].received = trials[1].intended = 1;  // no time, no rate
  trials[2] = {.request = {.rate_pps = 10, .duration_s = 1}, .sending_s = 1, .intended = 10, .sent = 10, .lost = 10};
  trials[3] = {.request = {.rate_pps = 10, .duration_s = 1}, .intended = 10};
  trials[4] = {
      .request = {.rate_pps = 1e9, .duration_s = 1, .burst_packets = 1}, .intended = 1, .sent = 1, .received = 1};
  trials[4].latency = sample_of({{0, 1}});
  trials[5] = {.sending_s = 1, .sent = 2, .received = 2};
  trials[5].latency = trials[5].latency_from_send = sample_of({{5, 1}});
  trials[5].services = {{.name = "idle"}};
  trials[5].intervals.resize(3);
  trials[6].intervals = {{.start_s = 0, .sent = 1, .received = 1, .p50_ns = 1, .p99_ns = 1, .max_ns = 1},
                         {.start_s = 0, .sent = 1, .received = 1, .p50_ns = 1, .p99_ns = 1, .max_ns = 1}};
  for (std::size_t i = 0; i < trials.size(); ++i) {
    Report report;
    report.self_test = trials[i];
    add_result(report, trials[i]);
    auto page = report_to_html(report);
    EXPECT_EQ(fault_of(page), "") << i;
    expect_sound_numbers(page);
    report.has_bursts = true;
    report.mark_pps = std::numeric_limits<double>::quiet_NaN();
    page = report_to_html(report);
    EXPECT_EQ(fault_of(page), "") << i;
    expect_sound_numbers(page);
  }
}

TEST(ReportHtml, OfEverySearchIsSoundAlsoWhenItFailsOrIsCut) {
  const std::vector<DeviceModel> models = {{.capacity_pps = 5e6, .buffer_packets = 100},
                                           {.capacity_pps = 0},
                                           {},
                                           {.sender_max_pps = 0},
                                           {.capacity_pps = 5e6, .interrupt_at = 0},
                                           {.capacity_pps = 5e6, .interrupt_at = 4}};
  for (std::size_t m = 0; m < models.size(); ++m) {
    SimulatedDevice device(models[m]);
    std::vector<Report> reports(5);
    add_result(reports[0], search_throughput({.max_rate_pps = 1e7}, device.runner(), device.watch()));
    device = SimulatedDevice(models[m]);
    add_result(reports[1], measure_frame_loss({.max_rate_pps = 1e7}, device.runner(), device.watch()));
    device = SimulatedDevice(models[m]);
    add_result(reports[2], measure_latency({.throughput_pps = 5e6}, device.runner(), device.watch()));
    device = SimulatedDevice(models[m]);
    add_result(reports[3], search_back_to_back({.max_frame_rate_pps = 1e7, .throughput_pps = 5e6, .repetitions = 2},
                                               device.runner(), device.watch()));
    device = SimulatedDevice(models[m]);
    add_result(reports[4], search_mlr({.max_rate_pps = 1e7}, device.runner(), device.watch()));
    for (const auto& report : reports) {
      const auto page = report_to_html(report);
      EXPECT_EQ(fault_of(page), "") << report.title << ", device " << m;
      expect_sound_numbers(page);
      EXPECT_FALSE(report.verdict.empty()) << report.title;
      EXPECT_FALSE(report.title.empty());
      std::set<std::string> keys;
      for (const auto& figure : report.figures) EXPECT_TRUE(keys.insert(figure.key).second) << figure.key;
    }
  }
}

TEST(ReportHtml, WarnsOfTheSenderAndOfAnInterruption) {
  SimulatedDevice slow({.sender_max_pps = 1e6});
  Report limited;
  add_result(limited, search_throughput({.max_rate_pps = 1e7}, slow.runner(), slow.watch()));
  EXPECT_THAT(report_to_html(limited), testing::HasSubstr("generator was the limit, not the device"));
  SimulatedDevice cut({.interrupt_at = 1});
  Report interrupted;
  add_result(interrupted, search_throughput({.max_rate_pps = 1e7}, cut.runner(), cut.watch()));
  EXPECT_THAT(report_to_html(interrupted), testing::HasSubstr("Interrupted: the figures are of what was measured"));
}

TEST(ReportHtml, StaysSmallWithManyTrialsServicesAndIntervals) {
  auto report = throughput_report();
  auto trial = report.trials.back();
  const auto service = trial.result.services.front();
  trial.result.services.assign(5'000, service);
  trial.result.intervals.assign(100'000,
                                {.start_s = 1, .sent = 9, .received = 9, .p50_ns = 5, .p99_ns = 6, .max_ns = 7});
  for (std::size_t i = 0; i < trial.result.intervals.size(); ++i) {
    trial.result.intervals[i].start_s = static_cast<double>(i) / 1000;
  }
  report.trials.assign(499, report.trials.back());
  report.trials.push_back(trial);
  report.shown_trial = 499;
  const auto page = report_to_html(report);
  EXPECT_EQ(fault_of(page), "");
  EXPECT_LT(page.size(), 700'000U);
  EXPECT_THAT(page, testing::HasSubstr("100 of 5000 services"));
  EXPECT_THAT(page, testing::HasSubstr("The last 100 of 500 trials"));
}

TEST(ReportAxis, TicksAreRoundAndCoverTheRange) {
  const auto label = [](double value) { return digits_text(value, 4); };
  for (const double high : {1e-9, 0.7, 1.0, 9.99, 10.0, 14.88e6, 3e12}) {
    const auto axis = Axis::linear("x", 0, high, label);
    EXPECT_GE(axis.high(), high * 0.999999);
    EXPECT_GE(axis.ticks().size(), 3U);
    EXPECT_LE(axis.ticks().size(), 9U);
    EXPECT_DOUBLE_EQ(axis.place(axis.high()), 1);
    const auto log = Axis::logarithmic("y", high / 50, high, label);
    EXPECT_LE(log.low(), high / 50 * 1.000001);
    EXPECT_GE(log.high(), high * 0.999999);
    EXPECT_LT(log.place(high / 50), log.place(high));
  }
}

TEST(ReportAxis, PlacesAreNeverOutsideAndNeverNaN) {
  const auto label = [](double) { return std::string("x"); };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<Axis> axes = {Axis::linear("a", 0, 0, label),
                                  Axis::linear("a", nan, nan, label),
                                  Axis::linear("a", 5, -5, label),
                                  Axis::logarithmic("a", 0, 0, label),
                                  Axis::logarithmic("a", inf, nan, label),
                                  Axis::logarithmic_with_zero("a", 1e-6, 1, label),
                                  Axis::percentiles("a", 0),
                                  Axis::percentiles("a", 99)};
  for (const auto& axis : axes) {
    for (const double value : {nan, inf, -inf, 0.0, -1.0, 1e300, 0.5, 1.0}) {
      EXPECT_GE(axis.place(value), 0);
      EXPECT_LE(axis.place(value), 1);
    }
  }
}

TEST(ReportAxis, ZeroHasAPlaceOfItsOwnAndNinesAreEquallyWide) {
  const auto label = [](double) { return std::string("x"); };
  const auto loss = Axis::logarithmic_with_zero("loss", 1e-4, 1, label);
  EXPECT_EQ(loss.place(0), 0);
  EXPECT_GT(loss.place(1e-4), 0.05);
  EXPECT_EQ(loss.place(1), 1);
  const auto percentiles = Axis::percentiles("p", 5);
  EXPECT_NEAR(percentiles.place(0.9), 0.2, 1e-9);
  EXPECT_NEAR(percentiles.place(0.99), 0.4, 1e-9);
  EXPECT_NEAR(percentiles.place(0.999), 0.6, 1e-9);
  EXPECT_EQ(percentiles.place(1), 1);
}

TEST(ReportSvg, APlotOfOnePointIsAPoint) {
  const auto label = [](double value) { return digits_text(value, 4); };
  Plot plot("one \"point\"", Axis::linear("x", 0, 1, label), Axis::linear("y", 0, 1, label));
  plot.add_line({{0.5, 0.5, ""}}, "s1", "only <one>");
  plot.add_line({}, "s2", "none");
  const auto svg = plot.svg();
  EXPECT_EQ(fault_of(">" + svg), "");
  EXPECT_THAT(svg, testing::HasSubstr("<circle"));
  EXPECT_EQ(svg.find("<path class=\"line"), std::string::npos);
}

TEST(ReportSvg, TheCheckOfMarkupFindsFaults) {
  EXPECT_NE(fault_of("><p>"), "");
  EXPECT_NE(fault_of("><p></b>"), "");
  EXPECT_NE(fault_of("><p>a & b</p>"), "");
  EXPECT_NE(fault_of("><p title=\"a<b\"></p>"), "");
  EXPECT_EQ(fault_of("><p>a &amp; b<br/></p>"), "");
}

}  // namespace
}  // namespace portier::load
