/// Stage 6, hand off: facts and packet by value into the worker's ring, published once per burst and worker.
#pragma once

#include <rte_mbuf.h>
#include <rte_memcpy.h>

#include <cstring>
#include <span>

#include "crosscore/slot_ring.hpp"
#include "datapath/burst.hpp"
#include "datapath/drop.hpp"
#include "datapath/stage3_lookup.hpp"

namespace portier::datapath {

inline crosscore::SlotFacts slot_facts(const RxBurst& burst, std::size_t i) {
  const auto& facts = burst.facts[i];
  unsigned flags = static_cast<unsigned>(facts.vlan_count) << crosscore::flag_vlan_shift;
  flags |= facts.ip_version == 4 ? crosscore::flag_ipv4 : facts.ip_version == 6 ? crosscore::flag_ipv6 : 0U;
  flags |= facts.fragment == packet::Fragment::first   ? crosscore::flag_first_fragment
           : facts.fragment == packet::Fragment::later ? crosscore::flag_later_fragment
                                                       : 0U;
  flags |= facts.kind == packet::Kind::icmp_error ? crosscore::flag_icmp_error : 0U;
  return {.hash = burst.hash[i],
          .time = time_of(burst.now_tsc),
          .service = burst.service[i],
          .length = static_cast<std::uint16_t>(burst.present[i]),
          .l4_and_device = static_cast<std::uint16_t>(facts.l4_offset | burst.device << 12),
          .proto = facts.proto,
          .flags = static_cast<std::uint8_t>(flags)};
}

/// `rings` by worker. Every packet that is neither dropped nor waiting is in a ring afterwards, or dropped `ring_full`.
inline void stage6_handoff(RxBurst& burst, std::span<crosscore::SlotRing* const> rings, DemuxState& state) {
  std::uint64_t touched = 0;
  std::uint64_t handed = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.is_dropped(i) || burst.data[i] == nullptr) continue;
    const std::size_t length = burst.present[i];
    auto* slot = rings[burst.worker[i]]->reserve(crosscore::slots_for(length));
    if (slot == nullptr) [[unlikely]] {
      detail::drop(state, burst, i, packet::Reason::ring_full);
      continue;
    }
    slot->facts = slot_facts(burst, i);
    // The packet goes on in the slots behind, so the copy runs over the end of `bytes` on purpose.
    rte_memcpy(reinterpret_cast<std::uint8_t*>(slot) + sizeof(crosscore::SlotFacts), burst.data[i], length);
    touched |= std::uint64_t{1} << burst.worker[i];
    handed += 1;
  }
  for (; touched != 0; touched &= touched - 1) rings[static_cast<std::size_t>(__builtin_ctzll(touched))]->publish();
  state.counters.handed_off.add(handed);
}

/// Gives the burst's mbufs back. Their contents have been copied; those of waiting fragments stay.
inline void free_burst(RxBurst& burst) {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.mbuf[i] != nullptr) burst.mbuf[kept++] = burst.mbuf[i];
  }
  rte_pktmbuf_free_bulk(burst.mbuf.data(), static_cast<unsigned>(kept));
}

}  // namespace portier::datapath
