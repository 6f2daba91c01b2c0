/// Stages 1-5 in a row.
#include "datapath/demux.hpp"

#include "datapath/stage2_parse.hpp"
#include "packet/reply.hpp"

namespace portier::datapath {

Demux::Demux(const CoreSpec& spec, Outbox& outbox, CoreCounters& counters)
    : limit_(spec.burst),
      workers_(spec.rings.size()),
      state_{.fragments = FragmentMemory(spec.fragments), .counters = counters},
      outbox_(outbox),
      reject_budget_(spec.reject_rate_pps, std::max<std::uint64_t>(spec.reject_rate_pps / 10, 16), spec.tsc_hz) {
  burst_.worker.fill(0);
}

bool Demux::receive(const RxQueue& queue, const table::Ruleset& rules, const BucketMove* moving) {
  if (!stage1_receive(queue.queue, queue.device, limit_, flat_, burst_, state_.counters)) return false;
  stage2_parse(burst_, state_.counters);
  stage3_lookup(rules, state_, burst_);
  answer_closed_ports(rules);
  steer(rules, moving);
  return true;
}

bool Demux::receive_late(const table::Ruleset& rules, const BucketMove* moving) {
  if (state_.fragments.held() == 0) [[likely]]
    return false;
  const auto now = rte_rdtsc();
  state_.fragments.expire(now);
  if (!take_ready_fragments(rules, state_, burst_, now)) return false;
  for (std::size_t i = 0; i < burst_.count; ++i) {
    if (burst_.mbuf[i]->nb_segs == 1) continue;
    const auto copy = flat_.flatten(burst_.mbuf[i], i);  // its place was used by others while it waited
    burst_.data[i] = copy.data();
  }
  steer(rules, moving);
  return true;
}

void Demux::steer(const table::Ruleset& rules, const BucketMove* moving) {
  if (workers_ == 0) return stage5_stay(state_, burst_);
  if (workers_ == 1) return stage5_hash(rules, state_, burst_);
  stage5_steer(rules, state_, burst_, moving);
}

/// Within the budget, a reset or a port unreachable for each closed port; the packet stays a drop.
void Demux::answer_closed_ports(const table::Ruleset& rules) {
  if (rules.closed_action() != table::ClosedAction::reject) return;
  const Rows dead = first_rows(burst_.count) & ~burst_.live;
  if (dead == 0) [[likely]]
    return;
  for_each(dead, [&](std::size_t i) {
    if (burst_.reason[i] != packet::Reason::closed_port) return;
    const auto facts = burst_.facts_of(i);
    if (facts.kind != packet::Kind::transport || !reject_budget_.take(burst_.now_tsc)) return;
    const auto out = outbox_.open(burst_.device, packet::max_reject_bytes(burst_.present[i]));
    if (out.empty()) return;
    const auto length = packet::write_reject(out, burst_.bytes(i), packet::layout_of(facts));
    length == 0 ? outbox_.cancel() : outbox_.trim(length);
  });
  outbox_.commit();
}

}  // namespace portier::datapath
