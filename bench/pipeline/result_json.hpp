/// Results as JSON: everything that was measured, window by window, and what it was measured on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "machine.hpp"
#include "options.hpp"
#include "rounds.hpp"
#include "summary.hpp"
#include "verdict.hpp"

namespace portier::bench {

/// What every mode's result begins with: program, commit, time, machine, options, notes.
nlohmann::ordered_json json_head(const std::string& mode, const Options& options, const Machine& machine,
                                 const std::vector<unsigned>& cpus, const std::vector<std::string>& notes);

nlohmann::ordered_json json_of(const Hiccups& hiccups);
nlohmann::ordered_json json_of(const Tally& tally);

/// Adds runs, summary, comparisons and skips.
void add_results(nlohmann::ordered_json& into, const Results& results, const std::vector<Line>& lines,
                 const std::vector<Comparison>& comparisons);

/// Writes to `path`, "-" for standard output. Throws `std::runtime_error`.
void write_json(const nlohmann::ordered_json& json, const std::string& path);

}  // namespace portier::bench
