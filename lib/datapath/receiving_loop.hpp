/// The loop of a core that receives, and the count of its turns: what rx cores and run-to-completion cores share.
#pragma once

#include <rte_cycles.h>

#include "datapath/core_spec.hpp"
#include "datapath/demux.hpp"
#include "datapath/stage7_deliver.hpp"

namespace portier::datapath {

/// The end of a core that targets may still owe packets: they have a fifth of a second to take what waits.
class Patience {
 public:
  /// True: nothing waits, or it has waited long enough.
  bool is_over(const Delivery& delivery, std::uint64_t tsc_hz) {
    if (delivery.waiting() == 0) return true;
    const auto now = rte_rdtsc();
    if (deadline_tsc_ == 0) deadline_tsc_ = now + tsc_hz / 5;
    return now > deadline_tsc_;
  }

 private:
  std::uint64_t deadline_tsc_ = 0;
};

/// Runs `turn(program, is_receiving)`, which says whether it has worked, until `Phase::stop`. From
/// `Phase::stop_receiving` on nothing is taken in, waiting fragments are given up, and `quiet` is set once all that was
/// taken in is accounted for, or was given time to be. What targets still hold at the end is given up.
template <typename OneTurn>
void receiving_loop(const CoreSpec& spec, SharedState shared, Demux& demux, Delivery& delivery,
                    crosscore::DoneFlag& quiet, OneTurn&& turn) {
  IdleSteps idle(spec.idle);
  Patience patience;
  for (;;) {
    const auto phase = shared.phase.asked();
    if (phase == crosscore::Phase::stop) break;
    const bool is_receiving = phase == crosscore::Phase::run;
    if (!is_receiving && !quiet.is_set()) demux.give_up_fragments();
    const bool has_worked = turn(shared.gate.turn(spec.reader), is_receiving);
    idle.after_turn(has_worked);
    if (is_receiving || demux.state().fragments.held() != 0) continue;
    if (patience.is_over(delivery, spec.tsc_hz)) quiet.set();
  }
  delivery.take_turns(shared.gate.newest(), Turn::Kind::last);
}

/// `start_tsc`: when the turn's last burst came in.
inline void count_turn(CoreCounters& counters, bool has_worked, std::uint64_t start_tsc) {
  counters.turns.add(1);
  if (!has_worked) return;
  counters.busy_turns.add(1);
  counters.longest_turn_ticks.raise_to(rte_rdtsc() - start_tsc);
}

}  // namespace portier::datapath
