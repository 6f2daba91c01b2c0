/// Port tables against the choice among all bindings, and what they cost.
#include "table/port_tables.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "table/random_bindings.hpp"

namespace portier::table {
namespace {

/// Slot 0 is "any"; then the prefixes in use, shortest first: what `PortTables` asks for.
std::vector<packet::Prefix> slots_of(std::span<const Binding> bindings) {
  std::vector<packet::Prefix> slots{packet::Prefix{}};
  for (const auto& binding : bindings) {
    if (std::ranges::find(slots, binding.destination) == slots.end()) slots.push_back(binding.destination);
  }
  std::stable_sort(slots.begin() + 1, slots.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
  return slots;
}

/// The longest prefix that has the address, by looking at each.
AddressSlot slot_of(std::span<const packet::Prefix> slots, const packet::Address& address) {
  std::size_t found = any_slot;
  for (std::size_t slot = 1; slot < slots.size(); ++slot) {
    if (slots[slot].contains(address)) found = slot;
  }
  return static_cast<AddressSlot>(found);
}

ServiceId chosen(std::span<const Binding> bindings, const packet::FlowKey& flow) {
  const auto* binding = choose(bindings, flow);
  return binding == nullptr ? no_service : binding->service;
}

TEST(PortTables, EqualTheChoiceAmongAllBindings) {
  Random random(7);
  std::size_t open = 0;
  for (int set = 0; set < 2000; ++set) {
    const auto bindings = random_bindings(random, random.below(16));
    const auto slots = slots_of(bindings);
    const PortTables tables(slots, bindings);
    for (int i = 0; i < 200; ++i) {
      const auto flow = random_flow(random, bindings);
      const auto expected = chosen(bindings, flow);
      const auto transport = packet::transport_index[flow.proto];
      ASSERT_EQ(tables.look_up(slot_of(slots, flow.dst), transport, flow.dst_port), expected)
          << "set " << set << " port " << flow.dst_port << " transport " << int{transport};
      open += expected == no_service ? 0 : 1;
    }
  }
  EXPECT_GT(open, 100'000U) << "too few packets aim at bindings to test much";
}

TEST(PortTables, TheEdgesOfEveryPageOfEverySlot) {
  Random random(8);
  const auto bindings = random_bindings(random, 12);
  const auto slots = slots_of(bindings);
  const PortTables tables(slots, bindings);
  for (std::size_t slot = 0; slot < slots.size(); ++slot) {
    packet::FlowKey flow{.dst = slots[slot].is_any() ? packet::ipv4(0x01020304) : slots[slot].address};
    const auto longest = slot_of(slots, flow.dst);
    for (const auto& transport : packet::transports) {
      flow.proto = transport.proto;
      for (unsigned port = 0; port <= 65535; port += port % 256 == 1 ? 253 : 1) {
        flow.dst_port = static_cast<std::uint16_t>(port);
        ASSERT_EQ(tables.look_up(longest, packet::transport_index[flow.proto], flow.dst_port), chosen(bindings, flow))
            << "slot " << slot << " port " << port;
      }
    }
  }
}

TEST(PortTables, NothingBoundIsOnePage) {
  const std::vector<packet::Prefix> slots{packet::Prefix{}};
  const PortTables tables(slots, {});
  for (const auto port : edge_ports) {
    for (std::size_t transport = 0; transport < packet::transport_count; ++transport) {
      EXPECT_EQ(tables.look_up(any_slot, transport, port), no_service);
    }
  }
  EXPECT_EQ(tables.page_count(), 1U);
}

struct PageCase {
  const char* says;
  Binding shape;  ///< repeated on every prefix
  std::size_t prefixes;
  std::size_t pages;
};

TEST(PortTables, EqualPagesAreStoredOnce) {
  const PageCase cases[] = {
      {"wildcards: closed and full", {.first_port = 0, .last_port = 65535, .service = 2}, 1000, 2},
      {"one port: closed and the page with it", {.first_port = 53, .last_port = 53, .service = 2}, 1000, 2},
      {"the first and the last port of a page", {.first_port = 256, .last_port = 511, .service = 2}, 1000, 2},
      {"over the edge of a page", {.first_port = 255, .last_port = 256, .service = 2}, 1000, 3},
      {"the last page", {.first_port = 65535, .last_port = 65535, .service = 2}, 1000, 2},
  };
  for (const auto& test : cases) {
    std::vector<Binding> bindings;
    for (std::size_t i = 0; i < test.prefixes; ++i) {
      bindings.push_back(test.shape);
      bindings.back().destination = {packet::ipv4(0x0a000000 + static_cast<std::uint32_t>(i)), 32};
    }
    const auto slots = slots_of(bindings);
    const PortTables tables(slots, bindings);
    EXPECT_EQ(tables.page_count(), test.pages) << test.says;
    EXPECT_LT(tables.bytes(), test.prefixes * 1100 + 100'000) << test.says;
    const auto udp = packet::transport_index[packet::wire::proto_udp];
    EXPECT_EQ(tables.look_up(1, udp, test.shape.first_port), 2) << test.says;
    EXPECT_EQ(tables.look_up(static_cast<AddressSlot>(test.prefixes), udp, test.shape.last_port), 2) << test.says;
  }
}

TEST(PortTables, SlotsWithoutBindingsOfATransportCostNothing) {
  std::vector<Binding> bindings{{.transport = packet::Transport::tcp, .first_port = 80, .last_port = 80, .service = 2}};
  const auto alone = PortTables(slots_of(bindings), bindings).bytes();
  for (std::uint32_t i = 0; i < 100; ++i) {
    bindings.push_back({.transport = packet::Transport::udp,
                        .destination = {packet::ipv4(0x0a000000 + i), 32},
                        .first_port = 53,
                        .last_port = 53,
                        .service = 3});
  }
  const auto slots = slots_of(bindings);
  const PortTables tables(slots, bindings);
  EXPECT_LT(tables.bytes() - alone, 100 * 1100U + 1000) << "a row of 1 KiB for each prefix, none for its TCP";
  EXPECT_EQ(tables.look_up(5, packet::transport_index[packet::wire::proto_tcp], 80), 2) << "inherited from any";
}

/// Every port of UDP bound on its own: the most that a configuration may say of one address.
TEST(PortTables, AllPortsBoundOneByOne) {
  std::vector<Binding> bindings;
  for (unsigned port = 0; port <= 65535; ++port) {
    const auto service = static_cast<ServiceId>(first_user_service + port % 4000);
    bindings.push_back({.first_port = static_cast<std::uint16_t>(port),
                        .last_port = static_cast<std::uint16_t>(port),
                        .service = service});
  }
  const std::vector<packet::Prefix> slots{packet::Prefix{}};
  const auto start = std::chrono::steady_clock::now();
  const PortTables tables(slots, bindings);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  const auto udp = packet::transport_index[packet::wire::proto_udp];
  for (unsigned port = 0; port <= 65535; ++port) {
    ASSERT_EQ(tables.look_up(any_slot, udp, static_cast<std::uint16_t>(port)), first_user_service + port % 4000);
  }
}

}  // namespace
}  // namespace portier::table
