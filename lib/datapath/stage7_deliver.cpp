/// Groups, calls, catches, and counts each packet once: delivered, refused by its target, or lost with a fault.
#include "datapath/stage7_deliver.hpp"

#include <array>

#include "datapath/burst.hpp"
#include "datapath/drop.hpp"

namespace portier::datapath {

Delivery::Delivery(std::size_t worker, Outbox& outbox, CoreCounters& counters)
    : worker_(worker), outbox_(outbox), counters_(counters), seen_in_burst_(table::max_services) {}

void Delivery::deliver(const Program& program, std::span<const PacketView> packets, std::uint64_t now_tsc) {
  // seen_in_burst_[service] holds 64 * burst number + group, so nothing has to be cleared between bursts.
  burst_number_ += 1;
  std::array<std::uint8_t, max_burst> group_of;
  std::array<std::uint8_t, max_burst> size_of{};
  std::array<table::ServiceId, max_burst> service_of;
  std::size_t groups = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const auto service = packets[i].service();
    auto& seen = seen_in_burst_[service];
    if (seen / max_burst != burst_number_) {
      seen = burst_number_ * max_burst + groups;
      service_of[groups++] = service;
    }
    group_of[i] = static_cast<std::uint8_t>(seen % max_burst);
    size_of[group_of[i]] += 1;
  }
  if (groups == 1) return deliver_group(program.lane(worker_, service_of[0]), service_of[0], packets, now_tsc);

  std::array<std::uint8_t, max_burst> next{};  // where the next packet of a group goes
  for (std::size_t group = 1; group < groups; ++group) {
    next[group] = static_cast<std::uint8_t>(next[group - 1] + size_of[group - 1]);
  }
  std::array<PacketView, max_burst> sorted;
  for (std::size_t i = 0; i < packets.size(); ++i) sorted[next[group_of[i]]++] = packets[i];
  std::size_t start = 0;
  for (std::size_t group = 0; group < groups; ++group) {
    const std::span<const PacketView> members{sorted.data() + start, size_of[group]};
    deliver_group(program.lane(worker_, service_of[group]), service_of[group], members, now_tsc);
    start += size_of[group];
  }
}

void Delivery::deliver_group(Lane* lane, table::ServiceId service, std::span<const PacketView> group,
                             std::uint64_t now_tsc) {
  auto& latency = counters_.latency[service];
  const auto now = time_of(now_tsc);
  for (const auto& packet : group) latency.add(now - packet.receive_time());
  if (lane == nullptr || lane->target() == nullptr) [[unlikely]] {
    return count_drop(counters_, service, packet::Reason::no_target, group.size());
  }
  call(*lane, service, group, now_tsc);
}

void Delivery::call(Lane& lane, table::ServiceId service, std::span<const PacketView> group, std::uint64_t now_tsc) {
  Burst burst(group, outbox_, now_tsc);
  try {
    lane.target()->on_burst(burst);
  } catch (...) {
    // A call happens or it does not: what the handler had begun to send is thrown away with its packets.
    outbox_.rollback();
    lane.note_fault();
    counters_.faults.add(1);
    return count_drop(counters_, service, packet::Reason::handler_fault, group.size());
  }
  outbox_.commit();
  std::uint64_t delivered = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < group.size(); ++i) {
    const auto refused = burst.refused(i);
    if (refused != packet::Reason::none) [[unlikely]] {
      count_drop(counters_, service, refused);
    } else {
      delivered += 1;
      bytes += group[i].frame().size();
    }
  }
  counters_.delivered[service].packets.add(delivered);
  counters_.delivered[service].bytes.add(bytes);
}

}  // namespace portier::datapath
