/// The loop of an rx core.
#include "datapath/rx_core.hpp"

#include "datapath/arrivals.hpp"
#include "datapath/receiving_loop.hpp"
#include "datapath/stage6_handoff.hpp"
#include "datapath/stage8_transmit.hpp"

namespace portier::datapath {

RxCore::RxCore(const CoreSpec& spec, SharedState shared)
    : spec_(spec),
      shared_(shared),
      outbox_(spec.pool, spec.lanes, counters_),
      demux_(spec, outbox_, counters_),
      delivery_(spec.rings.size() + spec.index, outbox_, counters_),
      marks_(spec.rings.size()) {
  for (auto* ring : spec_.rings) shares_.emplace_back(*ring);
}

void RxCore::run() {
  shared_.gate.enter(spec_.reader);
  receiving_loop(spec_, shared_, demux_, delivery_, quiet_,
                 [this](const Program& program, bool is_receiving) { return turn(program, is_receiving); });
  end_transmit(outbox_, spec_.relays);  // workers have ended: what they left in relays is sent too
  shared_.gate.leave(spec_.reader);
}

bool RxCore::turn(const Program& program, bool is_receiving) {
  const auto& rules = *program.rules;
  bool has_worked = false;
  look_for_moves(rules);
  const BucketMove* moving = has_moves_ ? &moves_ : nullptr;
  // While old workers catch up nothing is received: packets wait in the NIC's queue instead of being lost.
  const bool holds_back = has_moves_ && rte_rdtsc() < moves_deadline_tsc_;
  if (is_receiving && !holds_back) {
    for (const auto& queue : spec_.queues) {
      if (!demux_.receive(queue, rules, moving)) continue;
      hand_off(program, demux_.burst().count == spec_.burst);
      has_worked = true;
    }
  }
  while (demux_.receive_late(rules, moving)) {
    hand_off(program, false);
    has_worked = true;
  }
  if (!has_worked) publish_rest(spec_.rings, unpublished_);
  has_worked |= delivery_.take_turns(program, has_worked ? Turn::Kind::busy : Turn::Kind::idle);
  stage8_transmit(outbox_, spec_.relays);
  count_turn(counters_, has_worked, demux_.burst().now_tsc);
  return has_worked || !outbox_.is_empty();
}

void RxCore::hand_off(const Program& program, bool is_full) {
  auto& burst = demux_.burst();
  if (program.has_direct) deliver_direct(program);
  stage6_handoff(burst, spec_.rings, shares_, demux_.state(), is_full, unpublished_);
  free_burst(burst);
}

/// What needs no worker is spared the way through its ring.
void RxCore::deliver_direct(const Program& program) {
  auto& burst = demux_.burst();
  const Rows direct = delivery_.mine(program, burst.service, burst.live);
  if (direct == 0) return;
  counters_.handed_off.add(static_cast<std::uint64_t>(std::popcount(direct)));
  const LiveRows arrivals(burst, program.rules->hash_key(), direct);
  counters_.taken.add(delivery_.deliver(program, arrivals, rte_rdtsc()));
  burst.live &= ~direct;
}

/// A new generation that moves buckets: marks where every ring stands. A worker whose consumer is behind its mark lags.
void RxCore::look_for_moves(const table::Ruleset& rules) {
  if (rules.generation() != generation_) [[unlikely]] {
    const bool is_first = generation_ == 0;
    generation_ = rules.generation();
    has_moves_ = !is_first && rules.moves_buckets();
    moves_deadline_tsc_ = rte_rdtsc() + spec_.tsc_hz / 50;  // 20 ms; then only the laggards' moved buckets wait
    for (std::size_t w = 0; w < marks_.size(); ++w) marks_[w] = spec_.rings[w]->reserved_position();
    if (!has_moves_) settled_generation_.raise_to(generation_);
  }
  if (!has_moves_) [[likely]]
    return;
  has_moves_ = false;
  for (std::size_t w = 0; w < marks_.size(); ++w) {
    moves_.lags[w] = spec_.rings[w]->consumed_position() < marks_[w];
    has_moves_ = has_moves_ || moves_.lags[w];
  }
  if (!has_moves_) settled_generation_.raise_to(generation_);
}

}  // namespace portier::datapath
