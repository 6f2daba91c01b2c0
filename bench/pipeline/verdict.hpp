/// Compares contenders round by round, and says whether a goal is reached: only when all rounds agree.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "rounds.hpp"
#include "statistics.hpp"

namespace portier::bench {

/// Where the values of all rounds lie, seen from a limit.
enum class Verdict { above, below, cannot_tell };
std::string name_of(Verdict verdict);

/// Fewer rounds say nothing, however well they agree.
inline constexpr std::size_t rounds_for_a_verdict = 3;

/// `cannot_tell` when the range of the values holds the limit, or there are too few.
Verdict judge(const Spread& values, double limit);

enum class Measure {
  rate_ratio,    ///< packets a second of ours by those of the peer
  cycles_ratio,  ///< cycles a packet of ours by those of the peer
  cycles_above,  ///< cycles a packet of ours less those of the peer
};

/// A side of a comparison. `source` empty: any, the same on both sides.
struct Side {
  std::string contender;
  std::string source;
};

struct Pairing {
  Side ours;
  Side peer;
  Measure measure = Measure::rate_ratio;
};

struct Goal {
  double limit = 0;
  bool at_least = true;  ///< false: at most
};

/// One pair in the rounds in which both ran, two-core runs of one class of distance.
struct Comparison {
  Pairing pairing;                   ///< its sources are filled in
  std::optional<Distance> distance;  ///< where either side has two cores
  Spread value;                      ///< over rounds, of the medians of their windows
  std::optional<Goal> goal;
  Verdict verdict = Verdict::cannot_tell;  ///< against the goal

  /// Nothing: there is no goal, or nobody can tell.
  std::optional<bool> is_reached() const;
};

/// Of every source that has both sides. `goals` by pairing and source: none where only the ratio is of interest.
using GoalChooser = std::optional<Goal> (*)(const Pairing& pairing);
std::vector<Comparison> compare(std::span<const Run> runs, const Pairing& pairing, GoalChooser goal_of, double tsc_hz);

/// The pairs that portier measures itself by, with the goals it has for them.
std::vector<Comparison> compare_all(std::span<const Run> runs, double tsc_hz);

/// For a terminal.
std::string table_of(const std::vector<Comparison>& comparisons);

}  // namespace portier::bench
