/// Stage 3 for rows that are not plain: first fragments, later ones by their first, ICMP errors by the flow they quote,
/// liveness (ARP, neighbour discovery, ping) to the built-in answer service.
#pragma once

#include <array>

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
  burst.reason[i] = reason;
  burst.live &= ~row(i);
  count_early_drop(state.counters, burst.service[i], reason);
}

/// What a packet to `dst` that no binding covers is dropped as.
inline Reason closed_reason(const table::Ruleset& rules, const packet::Address& dst) {
  if (rules.answers() && !rules.is_ours(dst)) return Reason::not_for_us;
  return rules.closed_action() == table::ClosedAction::kernel ? Reason::left_to_kernel : Reason::closed_port;
}

/// Of a row that is not plain.
inline packet::Address destination(const RxBurst& burst, std::size_t i) {
  const auto& facts = burst.facts[i];
  return packet::address_at(burst.data[i] + facts.l3_offset + packet::ip_dst_offset(facts.ip_version),
                            facts.ip_version);
}

/// Of a row that is not plain.
inline std::uint32_t hash_of_row(const table::Ruleset& rules, const RxBurst& burst, std::size_t i) {
  const auto& facts = burst.facts[i];
  const auto* l3 = burst.data[i] + facts.l3_offset;
  return packet::flow_hash(rules.hash_key(), facts.ip_version, l3 + packet::ip_src_offset(facts.ip_version),
                           l3 + packet::ip_dst_offset(facts.ip_version), facts.src_port, facts.dst_port, facts.proto);
}

/// Whether answers may come in by the device of the burst: known for all of it, so that no packet of others pays for
/// it.
enum class Returns : bool { none, possible };

/// A packet with ports: the table's word is final; a first fragment is remembered for its datagram's others.
template <Returns Of>
inline void look_up_ports(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i,
                          table::AddressSlot slot) {
  const auto& facts = burst.facts[i];
  auto service = rules.ports().look_up(slot, packet::transport_index[facts.proto], facts.dst_port);
  if constexpr (Of == Returns::possible) {
    const auto answers = rules.return_service(burst.device, packet::flow_key(burst.data[i], facts));
    if (answers != table::no_service) service = answers;
  }
  burst.service[i] = service;
  burst.hash[i] = hash_of_row(rules, burst, i);
  if (facts.fragment == Fragment::first) {
    const auto key = datagram_key(burst.data[i], facts);
    if (!state.fragments.note_first(key, service, burst.hash[i], burst.now_tsc)) {
      return drop(state, burst, i, Reason::fragment_conflict);
    }
  }
  if (service == table::no_service) drop(state, burst, i, closed_reason(rules, destination(burst, i)));
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
  burst.data[i] = nullptr;
  burst.live &= ~row(i);  // out of this burst, neither dropped nor handed off
  burst.pool = nullptr;   // not all mbufs of the burst go home now
}

/// An ICMP error goes to the owner of the flow that it quotes, on that flow's worker. One that a service's device sends
/// about what was delivered by it quotes a client's packet, and goes the way of answers to that client.
template <Returns Of>
inline void look_up_quote(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i) {
  const auto quote = packet::parse_quote(burst.bytes(i), burst.facts[i]);
  if (quote.ip_version == 0) return drop(state, burst, i, Reason::bad_quote);
  if (!quote.ports_known) return drop(state, burst, i, Reason::icmp_unowned);
  const auto flow = packet::flow_key(quote);
  burst.service[i] = Of == Returns::none ? table::no_service : rules.return_service(burst.device, flow);
  if (burst.service[i] == table::no_service) burst.service[i] = rules.service_for(flow);
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

/// One row that is not plain; `slot` is its destination's, where it has ports.
template <Returns Of>
inline void look_up_other(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, std::size_t i,
                          table::AddressSlot slot) {
  switch (burst.facts[i].kind) {
    case Kind::transport: look_up_ports<Of>(rules, state, burst, i, slot); break;
    case Kind::later: look_up_later(rules, state, burst, i); break;
    case Kind::icmp_error: look_up_quote<Of>(rules, state, burst, i); break;
    case Kind::icmp:
    case Kind::arp: look_up_liveness(rules, state, burst, i); break;
    case Kind::other: drop(state, burst, i, Reason::no_ports); break;
  }
  if (burst.data[i] != nullptr) state.counters.in[burst.service[i]].add(1);
}

}  // namespace detail

/// Turns fragments that have waited into a burst of their own, at most 64, of one device. False: there are none.
inline bool take_ready_fragments(const table::Ruleset& rules, DemuxState& state, RxBurst& burst,
                                 std::uint64_t now_tsc) {
  auto& ready = state.fragments.ready();
  if (ready.empty()) [[likely]]
    return false;
  burst.count = 0;
  burst.live = 0;
  burst.plain = 0;
  burst.pool = nullptr;
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
    burst.head[i] = slot_head(fragment.facts, fragment.present, fragment.device);
    burst.reason[i] = fragment.facts.reason;
    burst.service[i] = fragment.service;
    burst.hash[i] = fragment.hash;
    burst.live |= row(i);
    state.counters.in[fragment.service].add(1);
    if (burst.is_dropped(i)) {
      burst.live &= ~row(i);
      count_early_drop(state.counters, fragment.service, fragment.facts.reason);
    } else if (fragment.service == table::no_service) {
      detail::drop(state, burst, i, detail::closed_reason(rules, fragment.key.dst));  // its bytes may be laid out anew
    }
  }
  ready.erase(ready.begin(), ready.begin() + static_cast<std::ptrdiff_t>(burst.count));
  return true;
}

}  // namespace portier::datapath
