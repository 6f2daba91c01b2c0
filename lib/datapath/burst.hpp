/// A burst on its way through stages 1-6: columns, one row a packet, and sets of rows as 64-bit masks.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "crosscore/slot.hpp"
#include "packet/parse.hpp"
#include "table/binding.hpp"
#include "table/core_map.hpp"

struct rte_mbuf;
struct rte_mempool;

namespace portier::datapath {

inline constexpr std::size_t max_burst = 64;

/// Units of receive times: 16 ticks of the time stamp counter.
constexpr std::uint32_t time_of(std::uint64_t tsc) { return static_cast<std::uint32_t>(tsc >> 4); }

/// A set of rows of a burst: bit i is row i.
using Rows = std::uint64_t;
static_assert(max_burst == 64);

constexpr Rows row(std::size_t i) { return Rows{1} << i; }
constexpr Rows first_rows(std::size_t count) { return count == max_burst ? ~Rows{0} : row(count) - 1; }

template <typename Visit>
constexpr void for_each(Rows rows, Visit&& visit) {
  for (; rows != 0; rows &= rows - 1) visit(static_cast<std::size_t>(std::countr_zero(rows)));
}

/// Most packets are plain (packet/plain.hpp): for these the stages keep only what they need, in narrow columns that are
/// written without a branch. `facts` holds all other rows; `facts_of` has them for any row, by parsing again.
struct RxBurst {
  std::size_t count = 0;
  std::uint64_t now_tsc = 0;    ///< when stage 1 got it
  rte_mempool* pool = nullptr;  ///< set: every mbuf is direct, unshared, a single segment and of this pool
  std::uint8_t device = 0;

  Rows live = 0;   ///< stage 2 on: neither dropped nor waiting for a first fragment
  Rows plain = 0;  ///< stage 2: TCP and UDP, unfragmented, by the short way; others have `facts`
  Rows ipv6 = 0;   ///< stage 2, of plain rows

  std::array<rte_mbuf*, max_burst> mbuf;             ///< null: somebody else owns the row's bytes now
  std::array<const std::uint8_t*, max_burst> data;   ///< first byte; contiguous
  std::array<std::uint32_t, max_burst> present;      ///< bytes at `data`
  std::array<std::uint32_t, max_burst> wire_length;  ///< as on the wire
  std::array<std::uint64_t, max_burst> head;         ///< stage 2: second half of the slot's facts, service 0
  std::array<std::uint64_t, max_burst> ports;        ///< stage 2, plain rows: as packet::flow_hash4 takes them
  /// Stage 2, plain rows, source and destination: IPv6 as four numbers, IPv4 as one, 2^32 * source + destination.
  std::array<std::array<std::uint64_t, max_burst>, 4> addresses;
  std::array<packet::Reason, max_burst> reason;      ///< why a row is dropped
  std::array<packet::Facts, max_burst> facts;        ///< stage 2, rows that are not plain
  std::array<table::ServiceId, max_burst> service;   ///< stage 3
  std::array<std::uint32_t, max_burst> hash;         ///< stage 5; stage 3 for fragments, quotes and liveness
  std::array<table::WorkerIndex, max_burst> worker;  ///< stage 5

  bool is_dropped(std::size_t i) const { return reason[i] != packet::Reason::none; }
  packet::Bytes bytes(std::size_t i) const { return {data[i], present[i]}; }
  packet::Facts facts_of(std::size_t i) const {
    return (plain & row(i)) != 0 ? packet::parse(bytes(i), wire_length[i]) : facts[i];
  }
};

/// The second half of a slot's facts (length, offset, device, protocol, flags) as one word, with service 0.
constexpr std::uint64_t slot_head(std::uint32_t length, std::size_t l4_offset, std::uint8_t device, std::uint8_t proto,
                                  unsigned flags) {
  return std::uint64_t{length & 0xffff} << 16 | std::uint64_t{l4_offset | std::size_t{device} << 12} << 32 |
         std::uint64_t{proto} << 48 | std::uint64_t{flags} << 56;
}

constexpr std::uint64_t slot_head(const packet::Facts& facts, std::uint32_t length, std::uint8_t device) {
  unsigned flags = static_cast<unsigned>(facts.vlan_count) << crosscore::flag_vlan_shift;
  flags |= facts.ip_version == 4 ? crosscore::flag_ipv4 : facts.ip_version == 6 ? crosscore::flag_ipv6 : 0U;
  flags |= facts.fragment == packet::Fragment::first   ? crosscore::flag_first_fragment
           : facts.fragment == packet::Fragment::later ? crosscore::flag_later_fragment
                                                       : 0U;
  flags |= facts.kind == packet::Kind::icmp_error ? crosscore::flag_icmp_error : 0U;
  return slot_head(length, facts.l4_offset, device, facts.proto, flags);
}

/// The transport header of a plain row; its addresses are right before it.
inline const std::uint8_t* transport_of(const RxBurst& burst, std::size_t i) {
  return burst.data[i] + (burst.head[i] >> 32 & 0x0fff);
}

/// A live row's facts as a handler sees them.
inline crosscore::SlotFacts slot_facts(const RxBurst& burst, std::size_t i) {
  return crosscore::make_facts(burst.hash[i], time_of(burst.now_tsc), burst.head[i], burst.service[i]);
}

}  // namespace portier::datapath
