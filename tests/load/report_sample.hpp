/// Reports to write: a realistic one, and one whose every string is hostile.
#pragma once

#include <cstdint>
#include <string>

#include "crosscore/histogram.hpp"
#include "report_model.hpp"
#include "search_device_model.hpp"

namespace portier::load {

inline LatencySample sample_of(std::initializer_list<std::pair<std::uint32_t, std::uint64_t>> values) {
  LatencySample sample;
  for (const auto& [ns, count] : values) {
    const auto bucket = crosscore::histogram_bucket(ns);
    if (sample.buckets.size() <= bucket) sample.buckets.resize(bucket + 1);
    sample.buckets[bucket] += count;
    if (sample.count == 0 || ns < sample.min_ns) sample.min_ns = ns;
    if (ns > sample.max_ns) sample.max_ns = ns;
    sample.count += count;
  }
  return sample;
}

/// Latencies, services and intervals as an engine would add them.
inline void fill_details(TrialResult& trial, const std::string& service_name) {
  trial.latency = sample_of({{2'000, 900}, {5'000, 90}, {40'000, 9}, {3'000'000, 1}});
  trial.latency_from_send = sample_of({{1'900, 950}, {30'000, 50}});
  trial.pacing_error = sample_of({{90, 1000}});
  trial.delay_variation = sample_of({{40, 500}});
  trial.bytes_per_packet = 60;
  trial.late = 7;
  trial.stale = 8;
  trial.device_full = 9;
  trial.no_buffers = 10;
  trial.received_pps = 1234.5;
  trial.services.push_back({.name = service_name,
                            .sent = trial.sent,
                            .received = trial.received,
                            .lost = trial.lost,
                            .duplicated = 2,
                            .reordered = 3,
                            .syn_acks = 4,
                            .resets = 5,
                            .unreachables = 6,
                            .latency = trial.latency});
  trial.services.push_back({.name = "udp/9", .sent = 0});
  for (int i = 0; i < 5; ++i) {
    trial.intervals.push_back({.start_s = i * trial.sending_s / 5,
                               .sent = trial.sent / 5,
                               .received = trial.received / 5,
                               .p50_ns = 2'000,
                               .p99_ns = 40'000,
                               .max_ns = i == 3 ? 0U : 3'000'000U});
  }
}

inline Report throughput_report(const std::string& text = "udp/53") {
  SimulatedDevice device({.capacity_pps = 5e6});
  const TrialRunner run = [&](const TrialRequest& request) {
    auto trial = device(request);
    fill_details(trial, text);
    return trial;
  };
  Report report;
  report.title = text;
  report.started_at = text;
  report.asked = {{text, text}};
  report.machine = {.cpu_model = text,
                    .version = text,
                    .commit = text,
                    .dpdk_version = text,
                    .cores = {2, 3},
                    .more = {{text, text}}};
  report.warnings = {text};
  report.deviations = {text};
  TrialResult self_test = device({.rate_pps = 1e5, .duration_s = 1});
  fill_details(self_test, text);
  report.self_test = self_test;
  report.table = ResultTable{text, {text, "b"}, {{text, "2"}}};
  add_result(report, search_throughput({.max_rate_pps = 14'880'952, .search_trial_s = 1, .final_trial_s = 2}, run,
                                       device.watch()));
  report.trials.front().purpose = text;
  return report;
}

/// Markup, quotes, line breaks, control characters, UTF-8.
inline const std::string hostile = "a<script>alert(\"1\")</script>&amp;'\r\n,;\x01\x1b[31m \xc3\xa9 ]]>-->";

}  // namespace portier::load
