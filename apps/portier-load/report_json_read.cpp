/// Reads reports that report_json.cpp has written.
#include <cmath>
#include <stdexcept>

#include "report_json.hpp"
#include "report_latency.hpp"

namespace portier::load {

namespace {

using Json = nlohmann::ordered_json;

double number(const Json& json) { return json.is_null() ? 0.0 : json.get<double>(); }

LatencySample latency_of(const Json& json) {
  LatencySample sample;
  if (json.is_null()) return sample;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> pairs;
  for (const auto& pair : json.at("histogram")) {
    pairs.emplace_back(pair.at(0).get<std::uint64_t>(), pair.at(1).get<std::uint64_t>());
  }
  sample.buckets = buckets_from_pairs(pairs);
  json.at("count").get_to(sample.count);
  json.at("min_ns").get_to(sample.min_ns);
  json.at("max_ns").get_to(sample.max_ns);
  return sample;
}

ServiceResult service_of(const Json& json) {
  ServiceResult service;
  json.at("name").get_to(service.name);
  json.at("sent").get_to(service.sent);
  json.at("received").get_to(service.received);
  json.at("lost").get_to(service.lost);
  json.at("duplicated").get_to(service.duplicated);
  json.at("reordered").get_to(service.reordered);
  json.at("syn_acks").get_to(service.syn_acks);
  json.at("resets").get_to(service.resets);
  json.at("unreachables").get_to(service.unreachables);
  service.latency = latency_of(json.at("latency"));
  return service;
}

IntervalResult interval_of(const Json& json) {
  IntervalResult interval;
  interval.start_s = number(json.at("start_s"));
  json.at("sent").get_to(interval.sent);
  json.at("received").get_to(interval.received);
  json.at("p50_ns").get_to(interval.p50_ns);
  json.at("p99_ns").get_to(interval.p99_ns);
  json.at("max_ns").get_to(interval.max_ns);
  return interval;
}

TrialResult trial_of(const Json& json) {
  TrialResult trial;
  const auto& request = json.at("request");
  trial.request.rate_pps = request.at("is_unpaced").get<bool>() ? HUGE_VAL : number(request.at("rate_pps"));
  trial.request.duration_s = number(request.at("duration_s"));
  request.at("burst_packets").get_to(trial.request.burst_packets);
  trial.sending_s = number(json.at("sending_s"));
  json.at("intended").get_to(trial.intended);
  json.at("sent").get_to(trial.sent);
  json.at("received").get_to(trial.received);
  json.at("lost").get_to(trial.lost);
  json.at("duplicated").get_to(trial.duplicated);
  json.at("reordered").get_to(trial.reordered);
  json.at("foreign").get_to(trial.foreign);
  json.at("damaged").get_to(trial.damaged);
  json.at("late").get_to(trial.late);
  json.at("stale").get_to(trial.stale);
  json.at("device_full").get_to(trial.device_full);
  json.at("no_buffers").get_to(trial.no_buffers);
  trial.received_pps = number(json.at("arrival_pps"));
  trial.bytes_per_packet = number(json.at("bytes_per_packet"));
  json.at("is_interrupted").get_to(trial.is_interrupted);
  trial.latency = latency_of(json.at("latency"));
  trial.latency_from_send = latency_of(json.at("latency_from_send"));
  trial.pacing_error = latency_of(json.at("pacing_error"));
  trial.delay_variation = latency_of(json.at("delay_variation"));
  for (const auto& service : json.at("services")) trial.services.push_back(service_of(service));
  for (const auto& interval : json.at("intervals")) trial.intervals.push_back(interval_of(interval));
  return trial;
}

std::vector<NamedText> texts_of(const Json& json) {
  std::vector<NamedText> texts;
  for (const auto& [name, value] : json.items()) texts.push_back({name, value.get<std::string>()});
  return texts;
}

Report read(const Json& json) {
  if (json.at("format") != report_format) throw std::runtime_error("another format");
  Report report;
  json.at("title").get_to(report.title);
  json.at("started_at").get_to(report.started_at);
  report.asked = texts_of(json.at("asked"));
  const auto& machine = json.at("machine");
  machine.at("cpu_model").get_to(report.machine.cpu_model);
  machine.at("version").get_to(report.machine.version);
  machine.at("commit").get_to(report.machine.commit);
  machine.at("dpdk_version").get_to(report.machine.dpdk_version);
  machine.at("cores").get_to(report.machine.cores);
  report.machine.more = texts_of(machine.at("more"));
  json.at("warnings").get_to(report.warnings);
  json.at("deviations").get_to(report.deviations);
  json.at("verdict").get_to(report.verdict);
  json.at("why_stopped").get_to(report.why_stopped);
  json.at("limit").get_to(report.limit);
  for (const auto& [key, figure] : json.at("figures").items()) {
    report.figures.push_back({key, figure.at("name").get<std::string>(), number(figure.at("value")),
                              unit_from_text(figure.at("unit").get<std::string>())});
  }
  if (const auto& table = json.at("table"); !table.is_null()) {
    report.table =
        ResultTable{table.at("title").get<std::string>(), table.at("columns").get<std::vector<std::string>>(),
                    table.at("rows").get<std::vector<std::vector<std::string>>>()};
  }
  if (!json.at("mark_pps").is_null()) report.mark_pps = number(json.at("mark_pps"));
  json.at("has_bursts").get_to(report.has_bursts);
  if (!json.at("shown_trial").is_null()) report.shown_trial = json.at("shown_trial").get<std::size_t>();
  if (!json.at("self_test").is_null()) report.self_test = trial_of(json.at("self_test"));
  for (const auto& trial : json.at("trials")) {
    report.trials.push_back({.result = trial_of(trial),
                             .purpose = trial.at("purpose").get<std::string>(),
                             .is_good = trial.at("is_good").get<bool>(),
                             .is_sender_limited = trial.at("is_sender_limited").get<bool>()});
  }
  return report;
}

}  // namespace

Report report_from_json(const nlohmann::ordered_json& json) {
  try {
    return read(json);
  } catch (const std::exception& fault) {
    throw std::runtime_error(std::string("this is not a report that this version can read (") + fault.what() +
                             "); run the test again, or use the version that wrote it");
  }
}

}  // namespace portier::load
