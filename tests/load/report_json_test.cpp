/// JSON that comes back as it went, CSV that keeps its columns, text without control characters.
#include "report_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "report_csv.hpp"
#include "report_latency.hpp"
#include "report_sample.hpp"
#include "report_text.hpp"

namespace portier::load {
namespace {

using Json = nlohmann::ordered_json;

TEST(ReportJson, ComesBackAsItWent) {
  for (const auto& text : {std::string("udp/53"), hostile}) {
    const auto report = throughput_report(text);
    const auto json = report_to_json(report);
    const auto dumped = json.dump();
    const auto again = report_from_json(Json::parse(dumped));
    EXPECT_EQ(report_to_json(again).dump(), dumped);
    EXPECT_EQ(again.trials.size(), report.trials.size());
    EXPECT_EQ(again.trials[0].result.latency.buckets, report.trials[0].result.latency.buckets);
    EXPECT_EQ(again.trials[0].purpose, text);
    EXPECT_EQ(again.machine.cores, report.machine.cores);
    ASSERT_TRUE(again.self_test);
    EXPECT_EQ(again.shown_trial, report.shown_trial);
    EXPECT_EQ(report_to_text(again), report_to_text(report));
  }
}

TEST(ReportJson, HasWhatAScriptLooksFor) {
  const auto report = throughput_report();
  const auto json = report_to_json(report);
  EXPECT_NEAR(json["figures"]["throughput_pps"]["value"].get<double>(), 5e6, 75e3);
  EXPECT_EQ(json["figures"]["throughput_pps"]["unit"], "pps");
  EXPECT_EQ(json["machine"]["dpdk_version"], "udp/53");
  const auto& latency = json["trials"][0]["latency"];
  EXPECT_EQ(latency["count"], 1000);
  EXPECT_EQ(latency["min_ns"], 2000);
  EXPECT_EQ(latency["max_ns"], 3'000'000);
  EXPECT_EQ(latency["p99.999_ns"], 3'000'000);
  std::uint64_t total = 0;
  for (const auto& pair : latency["histogram"]) total += pair[1].get<std::uint64_t>();
  EXPECT_EQ(total, 1000U);
  EXPECT_EQ(json["trials"][0]["services"][0]["syn_acks"], 4);
  EXPECT_EQ(json["trials"][0]["arrival_pps"], 1234.5);
  EXPECT_TRUE(json["trials"][0]["services"][1]["latency"].is_null()) << "nothing was measured there";
  EXPECT_EQ(json["self_test"]["sent"], 100'000);
}

TEST(ReportJson, OfAnEmptyReportIsValid) {
  const auto dumped = report_to_json(Report{}).dump();
  EXPECT_EQ(report_to_json(report_from_json(Json::parse(dumped))).dump(), dumped);
}

TEST(ReportJson, WritesNullForWhatIsNoNumber) {
  Report report;
  report.figures = {{"a_pps", "a", std::numeric_limits<double>::quiet_NaN(), Unit::pps}};
  TrialResult trial;
  trial.sending_s = std::numeric_limits<double>::infinity();
  report.trials.push_back({.result = trial});
  const auto json = report_to_json(report);
  EXPECT_TRUE(json["figures"]["a_pps"]["value"].is_null());
  EXPECT_TRUE(json["trials"][0]["sending_s"].is_null());
  EXPECT_NO_THROW(report_from_json(json));
}

TEST(ReportJson, KeepsUnpacedTrialsAndRepairsBytesThatAreNoText) {
  Report report;
  report.title = "caf\xe9 \xed\xa0\x80 \xf0\x9f\x98\x80 \xc3";
  report.asked = {{"n\xff", "one"}, {"n\xff", "two"}};
  add_result(report, {.request = {.rate_pps = std::numeric_limits<double>::infinity()}, .sending_s = 1, .sent = 5});
  const auto json = report_to_json(report);
  const auto again = report_from_json(Json::parse(json.dump()));
  EXPECT_EQ(again.title, "caf\xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9f\x98\x80 \xef\xbf\xbd");
  ASSERT_EQ(again.asked.size(), 1U);
  EXPECT_EQ(again.asked[0].value, "one; two");
  EXPECT_TRUE(std::isinf(again.trials[0].result.request.rate_pps));
  EXPECT_THAT(report_to_text(again), testing::HasSubstr("unpaced"));
}

TEST(ReportJson, RefusesWhatIsNoReport) {
  for (const auto* text :
       {"{}", "[]", "3", R"({"format": "something else"})", R"({"format": "portier-load report 1"})"}) {
    EXPECT_THROW(report_from_json(Json::parse(text)), std::runtime_error) << text;
  }
}

TEST(ReportLatency, PercentilesAreWithinABucketAndNeverOutside) {
  const auto sample = sample_of({{1000, 50}, {2000, 40}, {8000, 9}, {100'000, 1}});
  EXPECT_GE(percentile_ns(sample, 0.5), 1000U);
  EXPECT_LE(percentile_ns(sample, 0.5), 1063U);
  EXPECT_GE(percentile_ns(sample, 0.9), 2000U);
  EXPECT_LE(percentile_ns(sample, 0.9), 2126U);
  EXPECT_LE(percentile_ns(sample, 0.99), 8512U);
  EXPECT_EQ(percentile_ns(sample, 0.999), 100'000U) << "never above the maximum";
  EXPECT_EQ(percentile_ns(sample, 1), 100'000U);
  EXPECT_GE(percentile_ns(sample, 0), 1000U);
  EXPECT_NEAR(summarise(sample).mean_ns, (50 * 1000 + 40 * 2000 + 9 * 8000 + 100'000) / 100.0, 3020 * 0.03);
  EXPECT_EQ(percentile_ns({}, 0.5), 0U);
  EXPECT_EQ(summarise({}).count, 0U);
  EXPECT_EQ(buckets_from_pairs(histogram_pairs(sample)), sample.buckets);
}

/// Fields of the records of a CSV text, as RFC 4180 says.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool is_quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      is_quoted = !is_quoted;
    } else if (!is_quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!is_quoted && c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') {
      ++i;
      rows.push_back({""});
    } else {
      rows.back().back() += c;
    }
  }
  EXPECT_FALSE(is_quoted);
  EXPECT_EQ(rows.back(), std::vector<std::string>{""}) << "the last line ends, too";
  rows.pop_back();
  return rows;
}

TEST(ReportCsv, QuotesWhatNeedsIt) {
  EXPECT_EQ(csv_field("udp/53"), "udp/53");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"no\""), "\"say \"\"no\"\"\"");
  EXPECT_EQ(csv_field("two\r\nlines"), "\"two\r\nlines\"");
  EXPECT_EQ(csv_field(""), "");
}

TEST(ReportCsv, HasOneRowPerTrialAndPerService) {
  for (const auto& text : {std::string("udp/53"), hostile}) {
    const auto report = throughput_report(text);
    const auto trials = parse_csv(trials_to_csv(report));
    const auto services = parse_csv(services_to_csv(report));
    ASSERT_EQ(trials.size(), report.trials.size() + 1);
    ASSERT_EQ(services.size(), 2 * report.trials.size() + 1);
    for (const auto& row : trials) EXPECT_EQ(row.size(), trials[0].size());
    for (const auto& row : services) EXPECT_EQ(row.size(), services[0].size());
    const auto column = [&](const char* name) {
      return static_cast<std::size_t>(std::find(trials[0].begin(), trials[0].end(), name) - trials[0].begin());
    };
    EXPECT_EQ(trials[1][column("purpose")], text);
    EXPECT_EQ(trials[1][column("sent")], std::to_string(report.trials[0].result.sent));
    EXPECT_EQ(trials[1][column("latency_max_ns")], "3000000");
    EXPECT_EQ(services[1][1], text);
    EXPECT_EQ(services[2][10], "") << "no latency where nothing was sent";
  }
}

TEST(ReportCsv, OfAnEmptyReportIsTheHeader) {
  EXPECT_EQ(parse_csv(trials_to_csv({})).size(), 1U);
  EXPECT_EQ(parse_csv(services_to_csv({})).size(), 1U);
}

TEST(ReportText, SaysTheVerdictAndLetsNoControlCharacterThrough) {
  const auto text = report_to_text(throughput_report(hostile));
  EXPECT_THAT(text, testing::HasSubstr("Throughput is 4.9"));
  EXPECT_THAT(text, testing::HasSubstr("limit: the device under test"));
  for (const unsigned char c : text) EXPECT_TRUE(c >= 0x20 || c == '\n') << static_cast<int>(c);
  EXPECT_EQ(report_to_text({}), "\n\n");
}

TEST(ReportText, ShowsTheLastTrialsAndTheWorstServices) {
  auto report = throughput_report();
  report.warnings = {"too slow"};
  report.deviations = {"trials of 2 s"};
  const auto text = report_to_text(report, 3);
  EXPECT_THAT(text, testing::HasSubstr("the last 3 of "));
  EXPECT_THAT(text, testing::HasSubstr("\nwarning: too slow\ndeviation: trials of 2 s\n"));
  TrialResult trial;
  trial.services = {
      {.name = "most sent", .sent = 9}, {.name = "lossy", .sent = 5, .lost = 1}, {.name = "small", .sent = 1}};
  const auto worst = worst_services(trial, 2);
  ASSERT_EQ(worst.size(), 2U);
  EXPECT_EQ(worst[0]->name, "lossy");
  EXPECT_EQ(worst[1]->name, "most sent");
}

TEST(ReportText, ProgressIsOneLine) {
  EXPECT_EQ(progress_text({.phase = "confirm",
                           .trials_done = 8,
                           .trials_expected = 11,
                           .elapsed_s = 50,
                           .remaining_s = 125,
                           .next = {.rate_pps = 14.2e6, .duration_s = 60}}),
            "confirm  trial 9 of about 11  14.20 Mpps for 1 min 00 s");
  EXPECT_EQ(progress_text({.phase = "done", .trials_done = 8, .elapsed_s = 50, .next = {.duration_s = 0}}),
            "8 trials in 50 s");
}

TEST(ReportUnits, ReadWell) {
  EXPECT_EQ(rate_text(14'880'952), "14.88 Mpps");
  EXPECT_EQ(rate_text(1), "1 pps");
  EXPECT_EQ(rate_text(0), "0 pps");
  EXPECT_EQ(rate_text(123'456), "123.5 kpps");
  EXPECT_EQ(time_text(950), "950 ns");
  EXPECT_EQ(time_text(3400), "3.40 us");
  EXPECT_EQ(time_tick_text(5e6), "5 ms");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(1'234'567), "1,234,567");
  EXPECT_EQ(share_text(0.005), "0.5 %");
  EXPECT_EQ(share_text(2e-6), "2 ppm");
  EXPECT_EQ(duration_text(3725), "1 h 02 min");
  EXPECT_EQ(value_text(0.000138, Unit::seconds), "138 us");
  for (const auto unit : {Unit::pps, Unit::ns, Unit::seconds, Unit::packets, Unit::share, Unit::bytes}) {
    EXPECT_EQ(unit_from_text(to_text(unit)), unit);
    EXPECT_EQ(value_text(std::numeric_limits<double>::quiet_NaN(), unit).substr(0, 1), "-");
  }
}

}  // namespace
}  // namespace portier::load
