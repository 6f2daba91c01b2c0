/// Stage 3, lookup: facts -> service. Plain rows through the port tables in one loop, all others one by one
/// (stage3_others.hpp).
#pragma once

#include <array>
#include <cstring>

#include "datapath/burst.hpp"
#include "datapath/stage3_others.hpp"
#include "packet/transport.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

namespace detail {

inline Rows rows_of(const RxBurst& burst, table::ServiceId service) {
  Rows rows = 0;
  for (std::size_t i = 0; i < burst.count; ++i) rows |= Rows{burst.service[i] == service} << i;
  return rows;
}

using Slots = std::array<table::AddressSlot, max_burst>;

/// Address slots of all rows with ports, looked up in bulk. Rows without are left at `any_slot`.
inline void find_slots(const table::Ruleset& rules, const RxBurst& burst, Slots& slots) {
  std::array<std::uint32_t, max_burst> addresses4;
  std::uint8_t addresses6[max_burst][16];
  std::array<std::uint8_t, max_burst> rows4;
  std::array<std::uint8_t, max_burst> rows6;
  std::array<std::uint64_t, max_burst> values;
  unsigned count4 = 0;
  unsigned count6 = 0;
  slots.fill(table::any_slot);
  const auto note = [&](std::size_t i, bool is_ipv6, const std::uint8_t* destination) {
    if (is_ipv6) {
      rows6[count6] = static_cast<std::uint8_t>(i);
      std::memcpy(addresses6[count6++], destination, 16);
    } else {
      rows4[count4] = static_cast<std::uint8_t>(i);
      addresses4[count4++] = packet::load32(destination);
    }
  };
  for_each(burst.plain & ~burst.ipv6, [&](std::size_t i) { note(i, false, transport_of(burst, i) - 4); });
  for_each(burst.plain & burst.ipv6, [&](std::size_t i) { note(i, true, transport_of(burst, i) - 16); });
  for_each(burst.live & ~burst.plain, [&](std::size_t i) {
    const auto& facts = burst.facts[i];
    if (!facts.ports_known) return;
    note(i, facts.ip_version == 6, burst.data[i] + facts.l3_offset + packet::ip_dst_offset(facts.ip_version));
  });
  if (rules.has_prefixes4() && count4 != 0) {
    rules.prefixes4().look_up(addresses4.data(), values.data(), count4);
    for (unsigned k = 0; k < count4; ++k) slots[rows4[k]] = static_cast<table::AddressSlot>(values[k]);
  }
  if (rules.has_prefixes6() && count6 != 0) {
    rules.prefixes6().look_up(addresses6, values.data(), count6);
    for (unsigned k = 0; k < count6; ++k) slots[rows6[k]] = static_cast<table::AddressSlot>(values[k]);
  }
}

/// All rows go through the tables, so that no branch depends on what they are. `pages_of(i, is_udp)`: of row i.
/// Returns whether any row's port is closed.
template <typename PagesOf>
inline bool look_up_rows(const table::PortTables::Reader& tables, RxBurst& burst, PagesOf&& pages_of) {
  static_assert(packet::transport_index[packet::wire::proto_tcp] == 0);
  static_assert(packet::transport_index[packet::wire::proto_udp] == 1);
  bool has_closed = false;
  for (std::size_t i = 0; i < burst.count; ++i) {
    const bool is_udp = burst.ports[i] >> 32 == packet::wire::proto_udp;
    const auto service = tables.look_up(pages_of(i, is_udp), static_cast<std::uint16_t>(burst.ports[i]));
    burst.service[i] = service;
    has_closed |= service == table::no_service;
  }
  return has_closed;
}

inline void count_plain_rows(const RxBurst& burst, CoreCounters& counters) {
  const auto count = [&](std::size_t i) { counters.in[burst.service[i]].add(1); };
  if (burst.plain != first_rows(burst.count)) return for_each(burst.plain, count);
  for (std::size_t i = 0; i < burst.count; ++i) count(i);
}

/// `slots` null: no address matters. Returns the plain rows whose port is closed.
inline Rows look_up_plain_rows(const table::Ruleset& rules, RxBurst& burst, const Slots* slots) {
  const auto tables = rules.ports().reader();
  bool has_closed = false;
  if (slots == nullptr) {
    const auto* const tcp = tables.pages_of(table::any_slot, 0);
    const auto* const udp = tables.pages_of(table::any_slot, 1);
    has_closed = look_up_rows(tables, burst, [=](std::size_t, bool is_udp) { return is_udp ? udp : tcp; });
  } else {
    has_closed =
        look_up_rows(tables, burst, [&](std::size_t i, bool is_udp) { return tables.pages_of((*slots)[i], is_udp); });
  }
  return has_closed ? burst.plain & rows_of(burst, table::no_service) : 0;
}

/// Of a plain row.
inline packet::FlowKey flow_of_plain(const RxBurst& burst, std::size_t i) {
  const std::uint8_t version = (burst.ipv6 & row(i)) != 0 ? 6 : 4;
  const auto* l4 = transport_of(burst, i);
  const std::size_t size = version == 6 ? 16 : 4;
  return {.src = packet::address_at(l4 - 2 * size, version),
          .dst = packet::address_at(l4 - size, version),
          .src_port = packet::load16(l4),
          .dst_port = packet::load16(l4 + 2),
          .proto = static_cast<std::uint8_t>(burst.ports[i] >> 32)};
}

/// From a device by which services are delivered: answers to their clients belong to those services, whatever owns the
/// client's port here. Returns what stays closed.
inline Rows look_up_returns(const table::Ruleset& rules, RxBurst& burst, Rows closed) {
  for_each(burst.plain, [&](std::size_t i) {
    const auto service = rules.return_service(burst.device, flow_of_plain(burst, i));
    if (service == table::no_service) return;
    burst.service[i] = service;
    closed &= ~row(i);
  });
  return closed;
}

}  // namespace detail

inline void stage3_lookup(const table::Ruleset& rules, DemuxState& state, RxBurst& burst) {
  detail::Slots slots;
  const bool has_prefixes = rules.has_prefixes4() || rules.has_prefixes6();
  if (has_prefixes) detail::find_slots(rules, burst, slots);
  Rows closed = detail::look_up_plain_rows(rules, burst, has_prefixes ? &slots : nullptr);
  const bool has_returns = rules.has_returns(burst.device);
  if (has_returns) [[unlikely]] {
    closed = detail::look_up_returns(rules, burst, closed);
  }
  if (!state.counters.ends_packets) detail::count_plain_rows(burst, state.counters);
  const auto look_up_others = [&](auto look_up) {
    for_each(first_rows(burst.count) & ~burst.plain, [&](std::size_t i) {
      burst.service[i] = table::no_service;
      if ((burst.live & row(i)) == 0) return;
      look_up(rules, state, burst, i, has_prefixes ? slots[i] : table::any_slot);
    });
  };
  if (has_returns) [[unlikely]] {
    look_up_others([](auto&&... of_row) { detail::look_up_other<detail::Returns::possible>(of_row...); });
  } else {
    look_up_others([](auto&&... of_row) { detail::look_up_other<detail::Returns::none>(of_row...); });
  }
  for_each(closed, [&](std::size_t i) {
    const bool is_ipv6 = (burst.ipv6 & row(i)) != 0;
    const auto* destination = transport_of(burst, i) - (is_ipv6 ? 16 : 4);
    detail::drop(state, burst, i, detail::closed_reason(rules, packet::address_at(destination, is_ipv6 ? 6 : 4)));
  });
}

}  // namespace portier::datapath
