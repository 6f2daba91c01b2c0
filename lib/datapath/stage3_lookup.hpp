/// Stage 3, lookup: facts -> service. Ports through the tables, fragments through their first one, ICMP errors through
/// the flow they quote, liveness (ARP, neighbour discovery, ping) to the built-in answer service.
#pragma once

#include <array>
#include <cstring>

#include "datapath/burst.hpp"
#include "datapath/drop.hpp"
#include "datapath/fragment_memory.hpp"
#include "packet/parse.hpp"
#include "packet/transport.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

/// What stages 2-5 of one rx core keep between bursts.
struct DemuxState {
  FragmentMemory fragments;
  CoreCounters& counters;
};

namespace detail {

using packet::Fragment;
using packet::Kind;
using packet::Reason;

inline void drop(DemuxState& state, RxBurst& burst, std::size_t i, Reason reason) {
  burst.facts[i].reason = reason;
  count_early_drop(state.counters, burst.service[i], reason);
}

/// Address slots of all rows with ports, looked up in bulk. Rows without are left at `any_slot`.
inline void find_slots(const table::Ruleset& rules, const RxBurst& burst,
                       std::array<table::AddressSlot, max_burst>& slots) {
  std::array<std::uint32_t, max_burst> addresses4;
  std::uint8_t addresses6[max_burst][16];
  std::array<std::uint8_t, max_burst> rows4;
  std::array<std::uint8_t, max_burst> rows6;
  std::array<std::uint64_t, max_burst> values;
  unsigned count4 = 0;
  unsigned count6 = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    slots[i] = table::any_slot;
    const auto& facts = burst.facts[i];
    if (!facts.ports_known) continue;
    const auto* dst = burst.data[i] + facts.l3_offset + packet::ip_dst_offset(facts.ip_version);
    if (facts.ip_version == 4) {
      rows4[count4] = static_cast<std::uint8_t>(i);
      addresses4[count4++] = packet::load32(dst);
    } else {
      rows6[count6] = static_cast<std::uint8_t>(i);
      std::memcpy(addresses6[count6++], dst, 16);
    }
  }
  if (rules.has_prefixes4() && count4 != 0) {
    rules.prefixes4().look_up(addresses4.data(), values.data(), count4);
    for (unsigned k = 0; k < count4; ++k) slots[rows4[k]] = static_cast<table::AddressSlot>(values[k]);
  }
  if (rules.has_prefixes6() && count6 != 0) {
    rules.prefixes6().look_up(addresses6, values.data(), count6);
    for (unsigned k = 0; k < count6; ++k) slots[rows6[k]] = static_cast<table::AddressSlot>(values[k]);
  }
}

/// What a packet to `dst` that no binding covers is dropped as.
inline Reason closed_reason(const table::Ruleset& rules, const packet::Address& dst) {
  if (rules.answers() && !rules.is_ours(dst)) return Reason::not_for_us;
  return rules.closed_action() == table::ClosedAction::kernel ? Reason::left_to_kernel : Reason::closed_port;
}

inline std::uint32_t hash_of_row(const table::Ruleset& rules, const RxBurst& burst, std::size_t i) {
  const auto& facts = burst.facts[i];
  const auto* l3 = burst.data[i] + facts.l3_offset;
  return packet::flow_hash(rules.hash_key(), facts.ip_version, l3 + packet::ip_src_offset(facts.ip_version),
                           l3 + packet::ip_dst_offset(facts.ip_version), facts.src_port, facts.dst_port, facts.proto);
}

/// A packet with ports: the table's word is final; a first fragment is remembered for its datagram's others.
inline void look_up_ports(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i,
                          table::AddressSlot slot) {
  const auto& facts = burst.facts[i];
  const auto service = rules.ports().look_up(slot, packet::transport_index[facts.proto], facts.dst_port);
  burst.service[i] = service;
  if (facts.fragment == Fragment::first) [[unlikely]] {
    burst.hash[i] = hash_of_row(rules, burst, i);
    const auto key = datagram_key(burst.data[i], facts);
    if (!state.fragments.note_first(key, service, burst.hash[i], burst.now_tsc)) {
      return drop(state, burst, i, Reason::fragment_conflict);
    }
  }
  if (service != table::no_service) [[likely]]
    return;
  const auto* dst = burst.data[i] + facts.l3_offset + packet::ip_dst_offset(facts.ip_version);
  drop(state, burst, i, closed_reason(rules, packet::address_at(dst, facts.ip_version)));
}

/// A later fragment: where its first one went; or it waits; or there is no room.
inline void look_up_later(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i) {
  const auto key = datagram_key(burst.data[i], burst.facts[i]);
  if (const auto* owner = state.fragments.find(key, burst.now_tsc)) {
    burst.service[i] = owner->service;
    burst.hash[i] = owner->hash;
    if (owner->service == table::no_service) drop(state, burst, i, closed_reason(rules, key.dst));
    return;
  }
  const bool waits = state.fragments.wait({.key = key,
                                           .mbuf = burst.mbuf[i],
                                           .data = burst.data[i],
                                           .present = burst.present[i],
                                           .wire_length = burst.wire_length[i],
                                           .facts = burst.facts[i],
                                           .arrived_tsc = burst.now_tsc,
                                           .device = burst.device});
  if (!waits) return drop(state, burst, i, Reason::fragment_no_room);
  burst.mbuf[i] = nullptr;
  burst.data[i] = nullptr;  // the row is out of this burst, neither dropped nor handed off
}

/// An ICMP error goes to the owner of the flow that it quotes, on that flow's worker.
inline void look_up_quote(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i) {
  const auto quote = packet::parse_quote(burst.bytes(i), burst.facts[i]);
  if (quote.ip_version == 0) return drop(state, burst, i, Reason::bad_quote);
  if (!quote.ports_known) return drop(state, burst, i, Reason::icmp_unowned);
  const auto flow = packet::flow_key(quote);
  burst.service[i] = rules.service_for(flow);
  burst.hash[i] = packet::flow_hash(rules.hash_key(), flow);
  if (burst.service[i] == table::no_service) drop(state, burst, i, Reason::icmp_unowned);
}

inline bool is_liveness(const RxBurst& burst, std::size_t i) {
  const auto& facts = burst.facts[i];
  if (facts.kind == Kind::arp) return true;
  if (facts.fragment != Fragment::none) return false;
  const auto type = burst.data[i][facts.l4_offset];
  if (facts.ip_version == 4) return type == packet::wire::icmp_echo_request;
  return type == packet::wire::icmpv6_echo_request || type == packet::wire::icmpv6_neighbor_solicitation;
}

inline void look_up_liveness(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i) {
  if (rules.answers() && is_liveness(burst, i)) {
    burst.service[i] = table::answer_service;
    burst.hash[i] = burst.facts[i].kind == Kind::arp ? 0 : hash_of_row(rules, burst, i);
    return;
  }
  drop(state, burst, i, burst.facts[i].kind == Kind::arp ? Reason::not_ip : Reason::no_ports);
}

}  // namespace detail

inline void stage3_lookup(const table::Ruleset& rules, DemuxState& state, RxBurst& burst) {
  std::array<table::AddressSlot, max_burst> slots;
  const bool has_prefixes = rules.has_prefixes4() || rules.has_prefixes6();
  if (has_prefixes) detail::find_slots(rules, burst, slots);
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.is_dropped(i)) [[unlikely]]
      continue;
    switch (burst.facts[i].kind) {
      case packet::Kind::transport:
        detail::look_up_ports(rules, state, burst, i, has_prefixes ? slots[i] : table::any_slot);
        break;
      case packet::Kind::later: detail::look_up_later(rules, state, burst, i); break;
      case packet::Kind::icmp_error: detail::look_up_quote(rules, state, burst, i); break;
      case packet::Kind::icmp:
      case packet::Kind::arp: detail::look_up_liveness(rules, state, burst, i); break;
      case packet::Kind::other: detail::drop(state, burst, i, packet::Reason::no_ports); break;
    }
    if (burst.data[i] != nullptr) [[likely]]
      state.counters.in[burst.service[i]].packets.add(1);
  }
}

/// Turns fragments that have waited into a burst of their own, at most 64, of one device. False: there are none.
inline bool take_ready_fragments(const table::Ruleset& rules, DemuxState& state, RxBurst& burst,
                                 std::uint64_t now_tsc) {
  auto& ready = state.fragments.ready();
  if (ready.empty()) [[likely]]
    return false;
  burst.count = 0;
  burst.now_tsc = now_tsc;
  burst.device = ready.front().device;
  for (const auto& fragment : ready) {
    if (burst.count == max_burst || fragment.device != burst.device) break;
    const std::size_t i = burst.count++;
    burst.mbuf[i] = fragment.mbuf;
    burst.data[i] = fragment.data;
    burst.present[i] = fragment.present;
    burst.wire_length[i] = fragment.wire_length;
    burst.facts[i] = fragment.facts;
    burst.service[i] = fragment.service;
    burst.hash[i] = fragment.hash;
    state.counters.in[fragment.service].packets.add(1);
    if (burst.is_dropped(i)) {
      count_early_drop(state.counters, fragment.service, fragment.facts.reason);
    } else if (fragment.service == table::no_service) {
      detail::drop(state, burst, i, detail::closed_reason(rules, fragment.key.dst));  // its bytes may be laid out anew
    }
  }
  ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(burst.count));
  return true;
}

}  // namespace portier::datapath
