/// The loop of a run-to-completion core. Flows need no worker: the device's RSS has put each on one core.
#include "datapath/local_core.hpp"

#include "datapath/arrivals.hpp"
#include "datapath/receiving_loop.hpp"
#include "datapath/stage6_handoff.hpp"
#include "datapath/stage8_transmit.hpp"

namespace portier::datapath {

LocalCore::LocalCore(const CoreSpec& spec, SharedState shared)
    : spec_(spec),
      shared_(shared),
      outbox_(spec.pool, spec.lanes, counters_),
      demux_(spec, outbox_, counters_),
      delivery_(spec.index, outbox_, counters_) {
  counters_.ends_packets = true;
}

void LocalCore::run() {
  shared_.gate.enter(spec_.reader);
  receiving_loop(spec_, shared_, demux_, delivery_, quiet_,
                 [this](const Program& program, bool is_receiving) { return turn(program, is_receiving); });
  end_transmit(outbox_, spec_.relays);
  shared_.gate.leave(spec_.reader);
}

bool LocalCore::turn(const Program& program, bool is_receiving) {
  const auto& rules = *program.rules;
  bool has_worked = false;
  if (is_receiving) {
    for (const auto& queue : spec_.queues) {
      if (!demux_.receive(queue, rules, nullptr)) continue;
      deliver(program);
      has_worked = true;
    }
  }
  while (demux_.receive_late(rules, nullptr)) {
    deliver(program);
    has_worked = true;
  }
  has_worked |= delivery_.take_turns(program, has_worked ? Turn::Kind::busy : Turn::Kind::idle);
  stage8_transmit(outbox_, spec_.relays);
  count_turn(counters_, has_worked, demux_.burst().now_tsc);
  return has_worked || !outbox_.is_empty();
}

void LocalCore::deliver(const Program& program) {
  auto& burst = demux_.burst();
  const auto count = static_cast<std::uint64_t>(std::popcount(burst.live));
  counters_.handed_off.add(count);
  if (count != 0) {
    counters_.taken.add(delivery_.deliver(program, LiveRows(burst, program.rules->hash_key()), rte_rdtsc()));
  }
  free_burst(burst);
}

}  // namespace portier::datapath
