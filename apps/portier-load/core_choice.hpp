/// Which CPU sends, which receives, and what the result is worth where there are too few of them. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace portier::load {

struct CoreChoice {
  unsigned sender_cpu = 0;
  std::optional<unsigned> receiver_cpu;  ///< unset: the sending core receives as well
  std::vector<unsigned> control_cpus;    ///< never empty
  std::vector<std::string> notes;        ///< what was decided, a sentence each
  std::vector<std::string> marks;        ///< what a result must carry with it: short words for programs
};

/// `cpus`: those that may be used, ascending, at least one. `wanted`: 1 or 2 cores for packets; 0: chosen here.
/// `receives`: false where nothing is expected back.
CoreChoice choose_cores(std::span<const unsigned> cpus, unsigned wanted, bool receives);

}  // namespace portier::load
