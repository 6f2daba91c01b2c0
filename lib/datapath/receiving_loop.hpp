/// The loop of a core that receives, and the count of its turns: what rx cores and run-to-completion cores share.
#pragma once

#include <rte_cycles.h>

#include "datapath/core_spec.hpp"
#include "datapath/demux.hpp"

namespace portier::datapath {

/// Runs `turn(program, is_receiving)`, which says whether it has worked, until `Phase::stop`. From
/// `Phase::stop_receiving` on nothing is taken in, waiting fragments are given up, and `quiet` is set once all that was
/// taken in is accounted for.
template <typename Turn>
void receiving_loop(const CoreSpec& spec, SharedState shared, Demux& demux, crosscore::DoneFlag& quiet, Turn&& turn) {
  IdleSteps idle(spec.idle);
  for (;;) {
    const auto phase = shared.phase.asked();
    if (phase == crosscore::Phase::stop) return;
    const bool is_receiving = phase == crosscore::Phase::run;
    if (!is_receiving && !quiet.is_set()) demux.give_up_fragments();
    idle.after_turn(turn(shared.gate.turn(spec.reader), is_receiving));
    if (!is_receiving && demux.state().fragments.held() == 0) quiet.set();
  }
}

/// `start_tsc`: when the turn's last burst came in.
inline void count_turn(CoreCounters& counters, bool has_worked, std::uint64_t start_tsc) {
  counters.turns.add(1);
  if (!has_worked) return;
  counters.busy_turns.add(1);
  counters.longest_turn_ticks.raise_to(rte_rdtsc() - start_tsc);
}

}  // namespace portier::datapath
