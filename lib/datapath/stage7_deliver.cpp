/// Calls, catches, and counts each packet once: delivered, refused by its target, or lost with a fault.
#include "datapath/stage7_deliver.hpp"

#include <rte_cycles.h>

#include <algorithm>

#include "datapath/drop.hpp"

namespace portier::datapath {

/// False: the target threw.
[[gnu::always_inline]] inline bool Delivery::call(Handler& target, Burst& burst) {
  try {
    target.on_burst(burst);
    return true;
  } catch (...) {
    return false;
  }
}

/// At the first packets of a new program; costs about a nanosecond a service.
void Delivery::look_up_targets(const Program& program) {
  for (std::size_t service = 0; service < table::max_services; ++service) {
    const auto* const lane = program.lane(core_, static_cast<table::ServiceId>(service));
    targets_[service] = lane == nullptr ? nullptr : lane->target();
  }
  takers_.clear();
  next_taker_ = 0;
  if (core_ < program.turn_takers.size()) {
    for (const auto& taker : program.turn_takers[core_]) takers_.push_back(taker.get());
  }
  generation_ = program.generation;
}

bool Delivery::call_takers(const Program& program, Turn::Kind kind) {
  Turn turn(*program.rules, outbox_, counters_, rte_rdtsc(), kind);
  const auto count = kind == Turn::Kind::last ? takers_.size() : std::min(takers_.size(), takers_per_turn);
  bool has_worked = false;
  for (std::size_t i = 0; i < count; ++i) {
    next_taker_ = next_taker_ + 1 < takers_.size() ? next_taker_ + 1 : 0;
    has_worked |= takers_[next_taker_]->on_turn(turn);
    outbox_.commit();
  }
  return has_worked;
}

std::uint64_t Delivery::waiting() const {
  std::uint64_t packets = 0;
  for (const auto* taker : takers_) packets += taker->waiting();
  return packets;
}

void Delivery::call_groups(const Program& program, const Services& service, const PacketRows& packets, Counter* latency,
                           std::uint64_t now_tsc) {
  std::array<Handler*, max_burst> targets;
  for_each(groups_.leaders(), [&](std::size_t leader) {
    targets[leader] = targets_[service[leader]];
    rte_prefetch0(targets[leader]);
  });
  auto* const delivered = &counters_.delivered[0];
  counters_.call.begin_burst(now_tsc);
  for_each(groups_.leaders(), [&](std::size_t leader) {
    const auto id = service[leader];
    const Rows rows = groups_.rows(leader);
    const auto size = groups_.size(leader);
    if (latency != nullptr) latency[id].add(size);
    Handler* const target = targets[leader];
    if (target == nullptr) [[unlikely]] {
      return count_drop(counters_, id, packet::Reason::no_target, size);
    }
    Burst burst(packets, rows, outbox_, now_tsc);
    counters_.call.enter(id);
    if (!call(*target, burst)) [[unlikely]] {
      return count_faulty(program, id, size);
    }
    outbox_.commit();
    Amount amount{size, 0};
    for_each(rows, [&](std::size_t i) { amount.bytes += packets.length(i); });
    if (burst.has_exceptions()) [[unlikely]] {
      amount = count_exceptions(burst, id, amount);
    }
    delivered[id].packets.add(amount.packets);
    delivered[id].bytes.add(amount.bytes);
  });
  counters_.call.end_burst();
}

/// Counts what its target has refused as drops, and leaves out what it has postponed; returns what is left of `amount`.
Delivery::Amount Delivery::count_exceptions(const Burst& burst, table::ServiceId service, Amount amount) {
  postponed_ += burst.postponed();
  amount = {amount.packets - burst.postponed(), amount.bytes - burst.postponed_bytes()};
  for (std::size_t i = 0; i < burst.size(); ++i) {
    if (burst.refused(i) == packet::Reason::none) continue;
    count_drop(counters_, service, burst.refused(i));
    amount.packets -= 1;
    amount.bytes -= burst[i].frame().size();
  }
  return amount;
}

/// A call happens or it does not: what the handler had begun to send is thrown away with its packets.
void Delivery::count_faulty(const Program& program, table::ServiceId service, std::size_t packets) {
  outbox_.rollback();
  auto* const lane = program.lane(core_, service);
  lane->note_fault();
  targets_[service] = lane->target();
  counters_.faults.add(1);
  count_drop(counters_, service, packet::Reason::handler_fault, packets);
}

}  // namespace portier::datapath
