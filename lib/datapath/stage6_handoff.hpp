/// Stage 6, hand off: facts and packet by value into the worker's ring, published once per burst and worker or less.
#pragma once

#include <rte_mbuf.h>
#include <rte_memcpy.h>

#include <cstring>
#include <span>

#include "crosscore/slot_ring.hpp"
#include "datapath/burst.hpp"
#include "datapath/ring_shares.hpp"
#include "datapath/stage3_others.hpp"

namespace portier::datapath {

namespace detail {

/// `Bytes` from the front and `Bytes` that end at the end, which overlap: exact for lengths from `Bytes` to twice that,
/// without a loop, and not one byte of what lies behind the packet goes along.
template <std::size_t Bytes>
inline void copy_both_ends(std::uint8_t* to, const std::uint8_t* from, std::size_t length) {
  std::array<std::uint8_t, Bytes> front;
  std::array<std::uint8_t, Bytes> back;
  std::memcpy(front.data(), from, Bytes);
  std::memcpy(back.data(), from + length - Bytes, Bytes);
  std::memcpy(to, front.data(), Bytes);
  std::memcpy(to + length - Bytes, back.data(), Bytes);
}

[[gnu::noinline]] inline void copy_long(std::uint8_t* to, const std::uint8_t* from, std::size_t length) {
  rte_memcpy(to, from, length);
}

/// The packet goes on in the slots behind, so `slot->bytes` may be overrun on purpose.
inline void copy_frame(crosscore::Slot* slot, const std::uint8_t* from, std::size_t length) {
  auto* to = reinterpret_cast<std::uint8_t*>(slot) + sizeof(crosscore::SlotFacts);
  if (length - 32 <= 32) return copy_both_ends<32>(to, from, length);
  if (length - 64 <= 64) return copy_both_ends<64>(to, from, length);
  copy_long(to, from, length);
}

}  // namespace detail

/// What an rx core has written into rings and not yet published: bit w is the ring of worker w.
///
/// A position that changes hands for a few packets costs the rx core more than the packets, and with many workers a
/// burst has only a few for each. So while bursts come in full, a ring with fewer than `enough_slots` waits, at the
/// longest until the next burst has been handed off; a turn that finds less to do publishes everything.
struct Unpublished {
  static constexpr std::uint64_t enough_slots = 16;
  Rows rings = 0;
};

/// Ends the waiting of all.
inline void publish_rest(std::span<crosscore::SlotRing* const> rings, Unpublished& unpublished) {
  for_each(unpublished.rings, [&](std::size_t worker) { rings[worker]->publish(); });
  unpublished.rings = 0;
}

namespace detail {

/// `touched`: what this burst was written to.
inline void publish_due(std::span<crosscore::SlotRing* const> rings, Rows touched, bool is_full,
                        Unpublished& unpublished) {
  Rows may_wait = is_full ? touched & ~unpublished.rings : 0;
  for_each(may_wait, [&](std::size_t worker) {
    if (rings[worker]->unpublished() >= Unpublished::enough_slots) may_wait &= ~row(worker);
  });
  unpublished.rings |= touched & ~may_wait;
  publish_rest(rings, unpublished);
  unpublished.rings = may_wait;
}

}  // namespace detail

/// `rings` and their `shares` by worker. Every live row is in a ring afterwards, or dropped `ring_full` or
/// `over_share`. `is_full`: the device had as many packets as were asked for, so the next burst follows at once.
inline void stage6_handoff(RxBurst& burst, std::span<crosscore::SlotRing* const> rings, std::span<RingShares> shares,
                           DemuxState& state, bool is_full, Unpublished& unpublished) {
  Rows touched = 0;  // by worker
  static_assert(table::max_workers <= max_burst);
  for_each(burst.live, [&](std::size_t i) {
    const std::size_t length = burst.present[i];
    const auto count = crosscore::slots_for(length);
    auto* slot = rings[burst.worker[i]]->reserve_before_look(count);
    if (slot == nullptr) [[unlikely]] {
      auto refusal = packet::Reason::none;
      slot = shares[burst.worker[i]].reserve(burst.service[i], count, refusal);
      if (slot == nullptr) return detail::drop(state, burst, i, refusal);
    }
    slot->facts = slot_facts(burst, i);
    detail::copy_frame(slot, burst.data[i], length);
    touched |= row(burst.worker[i]);
  });
  detail::publish_due(rings, touched, is_full, unpublished);
  state.counters.handed_off.add(static_cast<std::uint64_t>(std::popcount(burst.live)));
}

/// Gives the burst's mbufs back. Their contents have been copied; those of waiting fragments stay.
inline void free_burst(RxBurst& burst) {
  const auto count = static_cast<unsigned>(burst.count);
  if (burst.pool != nullptr) [[likely]] {
    // Direct, unshared, single segments of one pool, so rte_pktmbuf_free would do nothing else, one by one.
    rte_mempool_put_bulk(burst.pool, reinterpret_cast<void**>(burst.mbuf.data()), count);
    return;
  }
  unsigned kept = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (burst.mbuf[i] != nullptr) burst.mbuf[kept++] = burst.mbuf[i];
  }
  rte_pktmbuf_free_bulk(burst.mbuf.data(), kept);
}

}  // namespace portier::datapath
