/// What the rounds of one contender say together; two-core figures one line per class of distance, never mixed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rounds.hpp"
#include "statistics.hpp"

namespace portier::bench {

struct Line {
  std::string contender;
  std::string source;
  unsigned cores = 1;
  std::optional<Distance> distance;  ///< two cores only
  Spread mpps;                       ///< over rounds, of the medians of their windows
  Spread cycles;                     ///< the same as ticks of the time stamp counter a packet
  double quiet_cycles = 0;           ///< the tenth part of all windows with the fewest
  double dropped_share = 0;          ///< of what was received
  bool is_sound = true;              ///< every packet and mbuf accounted for, in all rounds
};

/// In order of first appearance.
std::vector<Line> summarise(const std::vector<Run>& runs, double tsc_hz);

/// For a terminal.
std::string table_of(const std::vector<Line>& lines);

}  // namespace portier::bench
