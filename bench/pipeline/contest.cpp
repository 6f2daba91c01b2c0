/// The contest: every contender on every source, in rounds.
#include <fmt/format.h>

#include <algorithm>

#include "bench_session.hpp"
#include "lineup.hpp"
#include "modes.hpp"
#include "result_json.hpp"
#include "rounds.hpp"
#include "summary.hpp"
#include "verdict.hpp"

namespace portier::bench {

int run_contest(const Options& options) {
  auto captures = captures_for(options);
  BenchSession session(options, 1, memory_mb_for(captures, options));
  auto& arena = session.arena();
  Lineup lineup(std::move(captures), arena, options);
  const auto results = run_rounds(lineup.entries(), lineup.sources(), arena, options);
  const auto missing = lineup.close();

  const auto lines = summarise(results.runs, nic::tsc_hz());
  const auto comparisons = compare_all(results.runs, nic::tsc_hz());
  const bool is_sound = missing == 0 && std::ranges::all_of(lines, &Line::is_sound);
  if (missing != 0) session.note(fmt::format("{} packet buffers are missing at the end.", missing));
  if (options.quick) session.note("A quick run: too short for figures that mean anything.");
  if (results.is_interrupted) session.note("Interrupted: this is what was measured until then.");

  auto* out = options.json == "-" ? stderr : stdout;
  fmt::print(out, "{}", table_of(lines));
  if (!comparisons.empty()) fmt::print(out, "\n{}", table_of(comparisons));
  if (!results.skips.empty()) fmt::print(out, "\n");
  for (const auto& skip : results.skips) {
    fmt::print(out, "skipped: {} on {}: {}\n", skip.contender, skip.source, skip.reason);
  }
  fmt::print(out, "\n{}\n", text_of(results.hiccups));
  for (const auto& sentence : session.notes()) fmt::print(out, "note: {}\n", sentence);

  if (!options.json.empty()) {
    auto json = json_head("contest", options, session.machine(), arena.cpus, session.notes());
    add_results(json, results, lines, comparisons);
    json["missing_mbufs"] = missing;
    json["is_sound"] = is_sound;
    write_json(json, options.json);
  }
  if (!is_sound) return 1;
  return results.is_interrupted ? exit_interrupted : 0;
}

}  // namespace portier::bench
