/// Writes reports as JSON.
#include "report_json.hpp"

#include <cmath>

#include "report_latency.hpp"

namespace portier::load {

namespace {

using Json = nlohmann::ordered_json;

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json latency_json(const LatencySample& sample) {
  if (sample.count == 0) return nullptr;
  const auto s = summarise(sample);
  Json histogram = Json::array();
  for (const auto& [ns, count] : histogram_pairs(sample)) histogram.push_back(Json::array({ns, count}));
  return {{"count", s.count},
          {"min_ns", s.min_ns},
          {"mean_ns", number(s.mean_ns)},
          {"p50_ns", s.p50_ns},
          {"p90_ns", s.p90_ns},
          {"p99_ns", s.p99_ns},
          {"p99.9_ns", s.p999_ns},
          {"p99.99_ns", s.p9999_ns},
          {"p99.999_ns", s.p99999_ns},
          {"max_ns", s.max_ns},
          {"histogram", std::move(histogram)}};
}

Json services_json(const std::vector<ServiceResult>& services) {
  Json all = Json::array();
  for (const auto& service : services) {
    all.push_back({{"name", service.name},
                   {"sent", service.sent},
                   {"received", service.received},
                   {"lost", service.lost},
                   {"duplicated", service.duplicated},
                   {"reordered", service.reordered},
                   {"syn_acks", service.syn_acks},
                   {"resets", service.resets},
                   {"unreachables", service.unreachables},
                   {"latency", latency_json(service.latency)}});
  }
  return all;
}

Json intervals_json(const std::vector<IntervalResult>& intervals) {
  Json all = Json::array();
  for (const auto& interval : intervals) {
    all.push_back({{"start_s", number(interval.start_s)},
                   {"sent", interval.sent},
                   {"received", interval.received},
                   {"p50_ns", interval.p50_ns},
                   {"p99_ns", interval.p99_ns},
                   {"max_ns", interval.max_ns}});
  }
  return all;
}

Json trial_json(const TrialResult& trial) {
  return {{"request",
           {{"rate_pps", number(trial.request.rate_pps)},
            {"is_unpaced", std::isinf(trial.request.rate_pps)},
            {"duration_s", number(trial.request.duration_s)},
            {"burst_packets", trial.request.burst_packets}}},
          {"sending_s", number(trial.sending_s)},
          {"offered_pps", number(offered_pps(trial))},
          {"received_pps", number(received_pps(trial))},
          {"arrival_pps", number(trial.received_pps)},
          {"loss_ratio", number(trial.loss_ratio())},
          {"intended", trial.intended},
          {"sent", trial.sent},
          {"received", trial.received},
          {"lost", trial.lost},
          {"duplicated", trial.duplicated},
          {"reordered", trial.reordered},
          {"foreign", trial.foreign},
          {"damaged", trial.damaged},
          {"late", trial.late},
          {"stale", trial.stale},
          {"device_full", trial.device_full},
          {"no_buffers", trial.no_buffers},
          {"bytes_per_packet", number(trial.bytes_per_packet)},
          {"is_interrupted", trial.is_interrupted},
          {"latency", latency_json(trial.latency)},
          {"latency_from_send", latency_json(trial.latency_from_send)},
          {"pacing_error", latency_json(trial.pacing_error)},
          {"delay_variation", latency_json(trial.delay_variation)},
          {"services", services_json(trial.services)},
          {"intervals", intervals_json(trial.intervals)}};
}

Json texts_json(const std::vector<NamedText>& texts) {
  Json object = Json::object();
  for (const auto& text : texts) {
    auto& value = object[valid_utf8(text.name)];
    value = value.is_null() ? text.value : value.get<std::string>() + "; " + text.value;
  }
  return object;
}

/// A name may hold any bytes; JSON may not.
void repair_strings(Json& json) {
  if (json.is_string()) {
    json = valid_utf8(json.get_ref<const std::string&>());
  } else if (json.is_structured()) {
    for (auto& element : json) repair_strings(element);
  }
}

}  // namespace

nlohmann::ordered_json report_to_json(const Report& report) {
  Json figures = Json::object();
  for (const auto& figure : report.figures) {
    figures[figure.key] = {{"name", figure.name}, {"value", number(figure.value)}, {"unit", to_text(figure.unit)}};
  }
  Json table = nullptr;
  if (report.table) {
    table = {{"title", report.table->title}, {"columns", report.table->columns}, {"rows", report.table->rows}};
  }
  Json trials = Json::array();
  for (const auto& trial : report.trials) {
    Json one = {{"purpose", trial.purpose}, {"is_good", trial.is_good}, {"is_sender_limited", trial.is_sender_limited}};
    one.update(trial_json(trial.result));
    trials.push_back(std::move(one));
  }
  const auto& machine = report.machine;
  Json json = {{"format", report_format},
               {"title", report.title},
               {"started_at", report.started_at},
               {"asked", texts_json(report.asked)},
               {"machine",
                {{"cpu_model", machine.cpu_model},
                 {"version", machine.version},
                 {"commit", machine.commit},
                 {"dpdk_version", machine.dpdk_version},
                 {"cores", machine.cores},
                 {"more", texts_json(machine.more)}}},
               {"warnings", report.warnings},
               {"deviations", report.deviations},
               {"verdict", report.verdict},
               {"why_stopped", report.why_stopped},
               {"limit", report.limit},
               {"figures", std::move(figures)},
               {"table", std::move(table)},
               {"mark_pps", report.mark_pps ? number(*report.mark_pps) : Json(nullptr)},
               {"has_bursts", report.has_bursts},
               {"shown_trial", report.shown_trial ? Json(*report.shown_trial) : Json(nullptr)},
               {"self_test", report.self_test ? trial_json(*report.self_test) : Json(nullptr)},
               {"trials", std::move(trials)}};
  repair_strings(json);
  return json;
}

}  // namespace portier::load
