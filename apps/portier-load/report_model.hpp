/// What a report says, whatever it looks like: filled from a search or a single trial, written as JSON, CSV, text,
/// HTML.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report_units.hpp"
#include "search_back_to_back.hpp"
#include "search_frame_loss.hpp"
#include "search_latency.hpp"
#include "search_mlr.hpp"
#include "search_throughput.hpp"
#include "search_trials.hpp"

namespace portier::load {

struct NamedText {
  std::string name;
  std::string value;
};

/// One number of the result, shown as a tile.
struct Figure {
  std::string key;   ///< for scripts, with its unit: "throughput_pps"
  std::string name;  ///< for people: "Throughput"
  double value = 0;
  Unit unit = Unit::pps;
};

/// A small table of the result: goals, rates of a latency test, repetitions.
struct ResultTable {
  std::string title;
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Machine {
  std::string cpu_model;
  std::string version;  ///< of this program
  std::string commit;
  std::string dpdk_version;
  std::vector<unsigned> cores;
  std::vector<NamedText> more;  ///< e.g. kernel, driver, flags, hiccups seen
};

struct Report {
  std::string title;
  std::string started_at;        ///< ISO 8601
  std::vector<NamedText> asked;  ///< what was asked for
  Machine machine;
  std::vector<std::string> warnings;     ///< what makes the result worth less
  std::vector<std::string> deviations;   ///< where the procedure is not that of the RFC, and its parameters
  std::optional<TrialResult> self_test;  ///< the generator alone, looped back: its own error

  std::string verdict;      ///< one sentence
  std::string why_stopped;  ///< one sentence
  std::string limit;        ///< one sentence; empty where it makes no sense
  std::vector<Figure> figures;
  std::optional<ResultTable> table;
  std::vector<SearchTrial> trials;
  std::optional<std::size_t> shown_trial;  ///< whose latency, services and course are shown; the verdict stands on it
  std::optional<double> mark_pps;          ///< the result as a line in the plots
  bool has_bursts = false;                 ///< trials differ in burst length, not in rate
};

void add_result(Report& report, const ThroughputResult& result);
void add_result(Report& report, const FrameLossResult& result);
void add_result(Report& report, const LatencyResult& result);
void add_result(Report& report, const BackToBackResult& result);
void add_result(Report& report, const MlrResult& result);
/// A single trial, without a search.
void add_result(Report& report, const TrialResult& result);

/// The trial that is shown; nullptr when there is none.
const SearchTrial* shown_trial(const Report& report);

}  // namespace portier::load
