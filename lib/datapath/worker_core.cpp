/// The loop of a worker core.
#include "datapath/worker_core.hpp"

#include <rte_cycles.h>

#include "datapath/arrivals.hpp"
#include "datapath/drop.hpp"
#include "datapath/receiving_loop.hpp"
#include "datapath/stage8_transmit.hpp"

namespace portier::datapath {

WorkerCore::WorkerCore(const CoreSpec& spec, SharedState shared)
    : spec_(spec),
      shared_(shared),
      outbox_(spec.pool, spec.lanes, counters_),
      delivery_(spec.index, outbox_, counters_) {}

void WorkerCore::run() {
  shared_.gate.enter(spec_.reader);
  IdleSteps idle(spec_.idle);
  std::uint64_t drain_deadline_tsc = 0;
  std::uint64_t last_work_tsc = 0;
  Patience patience;
  for (;;) {
    const bool is_draining = shared_.phase.asked() >= crosscore::Phase::drain_workers;
    shared_.gate.turn(spec_.reader);
    const bool has_worked = turn();
    if (is_draining) {
      const auto now = rte_rdtsc();
      if (drain_deadline_tsc == 0) drain_deadline_tsc = now + spec_.tsc_hz;
      if (has_worked || last_work_tsc == 0) last_work_tsc = now;
      // A device that takes no answers for 10 ms will not take them in a second either.
      const bool is_stuck = now - last_work_tsc > spec_.tsc_hz / 100;
      const bool is_idle = !has_worked && (outbox_.is_empty() || is_stuck);
      if (now > drain_deadline_tsc || (is_idle && patience.is_over(delivery_, spec_.tsc_hz))) break;
    }
    idle.after_turn(has_worked);
  }
  drop_rest();
  delivery_.take_turns(shared_.gate.newest(), Turn::Kind::last);
  outbox_.abandon();
  shared_.gate.leave(spec_.reader);
  done_.set();
}

bool WorkerCore::turn() {
  bool has_worked = false;
  for (auto* ring : spec_.rings) has_worked |= deliver_from(*ring);
  has_worked |= delivery_.take_turns(shared_.gate.newest(), has_worked ? Turn::Kind::busy : Turn::Kind::idle);
  stage8_transmit(outbox_, spec_.relays);
  counters_.turns.add(1);
  if (has_worked) counters_.busy_turns.add(1);
  return has_worked;
}

bool WorkerCore::deliver_from(crosscore::SlotRing& ring) {
  const FrontSlots arrivals(ring);
  if (arrivals.count() == 0) return false;
  const auto now_tsc = rte_rdtsc();
  // Loaded behind the packets: an rx core may have looked them up in a program that is newer than this turn.
  counters_.taken.add(delivery_.deliver(shared_.gate.newest(), arrivals, now_tsc));
  ring.release();
  counters_.longest_turn_ticks.raise_to(rte_rdtsc() - now_tsc);
  return true;
}

void WorkerCore::drop_rest() {
  for (auto* ring : spec_.rings) {
    while (const auto* slot = ring->front()) {
      count_drop(counters_, slot->facts.service, packet::Reason::shutdown);
      counters_.taken.add(1);
      ring->pop(*slot);
    }
    ring->release();
  }
}

}  // namespace portier::datapath
