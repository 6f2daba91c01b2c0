/// Writes the rows.
#include "report_csv.hpp"

#include <fmt/format.h>

#include <cmath>
#include <initializer_list>

#include "report_latency.hpp"

namespace portier::load {

namespace {

constexpr const char* latency_columns =
    "latency_min_ns,latency_mean_ns,latency_p50_ns,latency_p90_ns,latency_p99_ns,latency_p99.9_ns,latency_p99.99_ns,"
    "latency_p99.999_ns,latency_max_ns";

std::string number(double value) { return std::isfinite(value) ? fmt::format("{:.10g}", value) : ""; }

/// Nine fields, empty where nothing was measured.
std::string latency_fields(const LatencySample& sample) {
  if (sample.count == 0) return ",,,,,,,,";
  const auto s = summarise(sample);
  return fmt::format("{},{:.1f},{},{},{},{},{},{},{}", s.min_ns, s.mean_ns, s.p50_ns, s.p90_ns, s.p99_ns, s.p999_ns,
                     s.p9999_ns, s.p99999_ns, s.max_ns);
}

}  // namespace

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string trials_to_csv(const Report& report) {
  auto out = fmt::format(
      "trial,purpose,is_good,is_sender_limited,is_interrupted,rate_pps,duration_s,burst_packets,sending_s,intended,"
      "sent,"
      "received,lost,loss_ratio,offered_pps,received_pps,duplicated,reordered,foreign,damaged,late,stale,device_full,"
      "no_buffers,bytes_per_packet,{}\r\n",
      latency_columns);
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    const auto& trial = report.trials[i];
    const auto& r = trial.result;
    out += fmt::format("{},{},{:d},{:d},{:d},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\r\n", i + 1,
                       csv_field(trial.purpose), trial.is_good, trial.is_sender_limited, r.is_interrupted,
                       number(r.request.rate_pps), number(r.request.duration_s), r.request.burst_packets,
                       number(r.sending_s), r.intended, r.sent, r.received, r.lost, number(r.loss_ratio()),
                       number(offered_pps(r)), number(received_pps(r)), r.duplicated, r.reordered, r.foreign, r.damaged,
                       r.late, r.stale, r.device_full, r.no_buffers, number(r.bytes_per_packet),
                       latency_fields(r.latency));
  }
  return out;
}

std::string services_to_csv(const Report& report) {
  auto out = fmt::format("trial,service,sent,received,lost,duplicated,reordered,syn_acks,resets,unreachables,{}\r\n",
                         latency_columns);
  for (std::size_t i = 0; i < report.trials.size(); ++i) {
    for (const auto& service : report.trials[i].result.services) {
      out += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\r\n", i + 1, csv_field(service.name), service.sent,
                         service.received, service.lost, service.duplicated, service.reordered, service.syn_acks,
                         service.resets, service.unreachables, latency_fields(service.latency));
    }
  }
  return out;
}

}  // namespace portier::load
