/// Lets contenders run in turn, round by round, in windows; each round begins with another of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "contender.hpp"
#include "machine.hpp"
#include "options.hpp"
#include "probe.hpp"
#include "source.hpp"

namespace portier::bench {

struct Window {
  double seconds = 0;
  std::uint64_t packets = 0;
  double mpps() const { return static_cast<double>(packets) / seconds / 1e6; }
};

/// One contender in one round.
struct Run {
  std::string contender;
  std::string source;
  unsigned cores = 1;
  unsigned round = 0;
  std::vector<Window> windows;
  Tally tally;
  std::uint64_t leaked_mbufs = 0;
  std::vector<std::uint64_t> stolen_ms;   ///< by core
  std::optional<double> probe_before_ns;  ///< two cores only
  std::optional<double> probe_behind_ns;

  Distance distance() const { return distance_of(*probe_before_ns, *probe_behind_ns); }
  bool is_sound() const { return tally.adds_up() && leaked_mbufs == 0; }
  /// Median of the windows.
  double mpps() const;
};

struct Skip {
  std::string contender;
  std::string source;
  std::string reason;
};

struct Results {
  std::vector<Run> runs;
  std::vector<Skip> skips;
  Hiccups hiccups;
  bool is_interrupted = false;
};

/// Makes SIGINT and SIGTERM end the measurement instead of the program; done by `run_rounds` too.
void catch_interrupts();
/// From SIGINT and SIGTERM on, true: what runs is ended, what was measured stays.
bool is_interrupted();
/// Sleeps; less when interrupted.
void pause_ms(unsigned milliseconds);

/// Runs all rounds. A contender that cannot start is skipped from then on, with its reason.
Results run_rounds(std::span<Entry> entries, std::span<const std::unique_ptr<Source>> sources, Arena& arena,
                   const Options& options);

}  // namespace portier::bench
