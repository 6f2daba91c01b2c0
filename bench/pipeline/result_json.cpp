/// Lays results out as JSON.
#include "result_json.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <stdexcept>

#include "commit.hpp"

namespace portier::bench {

using Json = nlohmann::ordered_json;

namespace {

Json json_of(const Spread& spread) {
  return {{"median", spread.median}, {"min", spread.min}, {"max", spread.max}, {"count", spread.count}};
}

Json json_of(const std::optional<Distance>& distance) { return distance ? Json(name_of(*distance)) : Json(); }

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

Json json_of(const Run& run) {
  Json windows = Json::array();
  for (const auto& window : run.windows) windows.push_back({window.seconds, window.packets});
  Json json{{"contender", run.contender},
            {"source", run.source},
            {"cores", run.cores},
            {"round", run.round},
            {"mpps", run.mpps()}};
  json["probe_before_ns"] = json_of(run.probe_before_ns);
  json["probe_behind_ns"] = json_of(run.probe_behind_ns);
  json["class"] = json_of(run.cores > 1 ? std::optional(run.distance()) : std::nullopt);
  json["stolen_ms"] = run.stolen_ms;
  json["account"] = bench::json_of(run.tally);
  json["leaked_mbufs"] = run.leaked_mbufs;
  json["windows_seconds_packets"] = windows;
  return json;
}

Json json_of(const Line& line) {
  return {{"contender", line.contender},
          {"source", line.source},
          {"cores", line.cores},
          {"class", json_of(line.distance)},
          {"mpps", json_of(line.mpps)},
          {"cycles_per_packet", json_of(line.cycles)},
          {"quiet_cycles_per_packet", line.quiet_cycles},
          {"dropped_share", line.dropped_share},
          {"is_sound", line.is_sound}};
}

const char* name_of(Measure measure) {
  switch (measure) {
    case Measure::rate_ratio: return "rate_ratio";
    case Measure::cycles_ratio: return "cycles_ratio";
    case Measure::cycles_above: break;
  }
  return "cycles_above";
}

Json json_of(const Comparison& made) {
  Json json{{"ours", made.pairing.ours.contender},
            {"ours_source", made.pairing.ours.source},
            {"peer", made.pairing.peer.contender},
            {"peer_source", made.pairing.peer.source},
            {"measure", name_of(made.pairing.measure)},
            {"class", json_of(made.distance)},
            {"value", json_of(made.value)}};
  json["goal"] = made.goal ? Json{{"limit", made.goal->limit}, {"at_least", made.goal->at_least}} : Json();
  json["verdict"] = made.goal ? Json(bench::name_of(made.verdict)) : Json();
  const auto reached = made.is_reached();
  json["is_reached"] = reached ? Json(*reached) : Json();
  return json;
}

const char* name_of(Reads reads) {
  switch (reads) {
    case Reads::none: return "none";
    case Reads::first: return "first";
    case Reads::all: break;
  }
  return "all";
}

}  // namespace

Json json_of(const Hiccups& hiccups) {
  Json longer = Json::array();
  for (std::size_t i = 0; i < std::size(Hiccups::limits_us); ++i) {
    longer.push_back({{"us", Hiccups::limits_us[i]}, {"gaps", hiccups.longer_than[i]}});
  }
  return {{"seconds", hiccups.seconds},
          {"lost_share", hiccups.lost_share},
          {"longest_us", hiccups.longest_us},
          {"longer_than", longer}};
}

Json json_of(const Tally& tally) {
  return {{"received", tally.received},
          {"delivered", tally.delivered},
          {"dropped", Json(tally.dropped)},
          {"is_counted", tally.is_counted},
          {"adds_up", tally.adds_up()}};
}

Json json_head(const std::string& mode, const Options& options, const Machine& machine,
               const std::vector<unsigned>& cpus, const std::vector<std::string>& notes) {
  Json json{{"program", "portier-bench"}, {"version", PORTIER_VERSION}, {"commit", PORTIER_COMMIT}, {"mode", mode}};
  json["time_utc"] = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  json["machine"] = {{"cpu", machine.cpu_model},
                     {"flags", machine.cpu_flags},
                     {"cpus", machine.cpus},
                     {"kernel", machine.kernel},
                     {"tsc_hz", nic::tsc_hz()}};
  json["build"] = {{"compiler", __VERSION__}, {"type", PORTIER_BUILD_TYPE}, {"dpdk", nic::dpdk_version()}};
  json["options"] = {{"source", options.source},         {"traffic", options.traffic},
                     {"services", options.services},     {"burst", options.burst},
                     {"ring_slots", options.ring_slots}, {"reads", name_of(options.reads)},
                     {"rounds", options.rounds},         {"windows", options.windows},
                     {"window_ms", options.window_ms},   {"pool_mbufs", options.pool_mbufs},
                     {"cold_mbufs", options.cold_mbufs}, {"cpus", cpus},
                     {"hugepages", options.hugepages},   {"quick", options.quick}};
  json["notes"] = notes;
  return json;
}

void add_results(Json& into, const Results& results, const std::vector<Line>& lines,
                 const std::vector<Comparison>& comparisons) {
  into["is_interrupted"] = results.is_interrupted;
  into["hiccups"] = json_of(results.hiccups);
  into["summary"] = Json::array();
  for (const auto& line : lines) into["summary"].push_back(json_of(line));
  into["comparisons"] = Json::array();
  for (const auto& comparison : comparisons) into["comparisons"].push_back(json_of(comparison));
  into["skipped"] = Json::array();
  for (const auto& skip : results.skips) {
    into["skipped"].push_back({{"contender", skip.contender}, {"source", skip.source}, {"reason", skip.reason}});
  }
  into["runs"] = Json::array();
  for (const auto& run : results.runs) into["runs"].push_back(json_of(run));
}

void write_json(const Json& json, const std::string& path) {
  const auto text = json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  std::FILE* file = path == "-" ? stdout : std::fopen(path.c_str(), "w");
  const bool is_written = file != nullptr && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  const bool is_closed = file != nullptr && (file == stdout ? std::fflush(file) : std::fclose(file)) == 0;
  if (!is_written || !is_closed) throw std::runtime_error(path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace portier::bench
