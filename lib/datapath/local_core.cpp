/// The loop of a run-to-completion core. Flows need no worker: the device's RSS has put each on one core.
#include "datapath/local_core.hpp"

#include <array>

#include "datapath/stage6_handoff.hpp"
#include "datapath/stage8_transmit.hpp"

namespace portier::datapath {

LocalCore::LocalCore(const CoreSpec& spec, SharedState shared)
    : spec_(spec),
      shared_(shared),
      outbox_(spec.pool, spec.lanes, counters_),
      demux_(spec, outbox_, counters_),
      delivery_(spec.index, outbox_, counters_) {}

void LocalCore::run() {
  shared_.gate.enter(spec_.reader);
  IdleSteps idle(spec_.idle);
  for (;;) {
    const auto phase = shared_.phase.asked();
    if (phase == crosscore::Phase::stop) break;
    if (phase != crosscore::Phase::run && !quiet_.is_set()) demux_.give_up_fragments();
    const Program& program = shared_.gate.turn(spec_.reader);
    idle.after_turn(turn(program, phase == crosscore::Phase::run));
    if (phase != crosscore::Phase::run && demux_.state().fragments.held() == 0) quiet_.set();
  }
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
  stage8_transmit(outbox_, spec_.relays);
  counters_.turns.add(1);
  if (has_worked) {
    counters_.busy_turns.add(1);
    counters_.longest_turn_ticks.raise_to(rte_rdtsc() - demux_.burst().now_tsc);
  }
  return has_worked || !outbox_.is_empty();
}

void LocalCore::deliver(const Program& program) {
  auto& burst = demux_.burst();
  std::array<PacketView, max_burst> packets;
  std::size_t count = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.is_dropped(i) || burst.data[i] == nullptr) continue;
    packets[count++] = PacketView(slot_facts(burst, i), burst.data[i]);
  }
  counters_.handed_off.add(count);
  if (count != 0) delivery_.deliver(program, {packets.data(), count}, rte_rdtsc());
  counters_.taken.add(count);
  free_burst(burst);
}

}  // namespace portier::datapath
