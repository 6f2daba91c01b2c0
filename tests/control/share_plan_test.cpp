/// What a shared device takes: the bound ports of each of its addresses, by the choice among all bindings.
#include "control/share_plan.hpp"

#include <gtest/gtest.h>

#include "table/random_bindings.hpp"
#include "traffic/frame.hpp"

namespace portier::control {
namespace {

using traffic::Random;
using traffic::v4;
using traffic::v6;

Settings settings_of(const std::vector<table::Binding>& bindings) {
  Settings settings;
  for (const auto& binding : bindings) {
    settings.services.emplace_back().bindings.push_back({.text = "", .binding = binding, .place = {}});
  }
  return settings;
}

DeviceSettings device_of(const std::vector<packet::Address>& addresses) {
  DeviceSettings device;
  for (const auto& address : addresses)
    device.addresses.push_back({.address = address, .prefix_length = 24, .place = {}});
  return device;
}

table::Binding bind(packet::Transport transport, std::uint16_t first, std::uint16_t last, packet::Prefix to = {}) {
  return {.transport = transport, .destination = to, .first_port = first, .last_port = last, .service = 2};
}

bool has(const nic::ShareTable& table, const packet::Address& address, packet::Transport transport,
         std::uint16_t port) {
  for (const auto& shared : table.addresses) {
    if (shared.version == address.version && shared.bytes == address.bytes) {
      return table.sets[shared.set].contains(static_cast<std::size_t>(transport), port);
    }
  }
  return false;
}

constexpr auto udp = packet::Transport::udp;
constexpr auto tcp = packet::Transport::tcp;

TEST(PortSet, HasWhatWasAdded) {
  Random random(3);
  for (int round = 0; round < 200; ++round) {
    nic::PortSet set;
    std::vector<bool> expected(65536);
    for (int ranges = 0; ranges < 3; ++ranges) {
      auto first = table::random_port(random);
      auto last = table::random_port(random);
      if (last < first) std::swap(first, last);
      if (random.chance(0.5))
        last = static_cast<std::uint16_t>(std::min<int>(first + static_cast<int>(random.below(70)), 65535));
      set.add(3, first, last);
      for (std::size_t port = first; port <= last; ++port) expected[port] = true;
    }
    for (std::uint32_t port = 0; port < 65536; ++port) {
      ASSERT_EQ(set.contains(3, static_cast<std::uint16_t>(port)), expected[port]) << port;
      ASSERT_FALSE(set.contains(2, static_cast<std::uint16_t>(port)));
    }
  }
}

TEST(SharePlan, IsEmptyWithoutBindings) {
  const auto table = plan_share(settings_of({}), device_of({v4(192, 0, 2, 1)}));
  ASSERT_EQ(table.addresses.size(), 1U);
  EXPECT_EQ(table.sets, std::vector<nic::PortSet>(1));
}

TEST(SharePlan, KeepsEqualSetsOnce) {
  const auto table = plan_share(settings_of({bind(udp, 53, 53), bind(tcp, 80, 81, {v4(192, 0, 2, 0), 24})}),
                                device_of({v4(192, 0, 2, 1), v4(192, 0, 2, 2), v4(198, 51, 100, 1), v6(1, 1)}));
  EXPECT_EQ(table.sets.size(), 2U);
  EXPECT_TRUE(has(table, v4(192, 0, 2, 2), tcp, 81));
  EXPECT_TRUE(has(table, v4(192, 0, 2, 2), udp, 53));
  EXPECT_FALSE(has(table, v4(198, 51, 100, 1), tcp, 81));
  EXPECT_TRUE(has(table, v6(1, 1), udp, 53));
}

TEST(SharePlan, KeepsEqualSetsOnceThatComeFromOtherPrefixes) {
  const auto table =
      plan_share(settings_of({bind(udp, 53, 53, {v4(192, 0, 2, 1), 32}), bind(udp, 53, 53, {v4(192, 0, 2, 2), 32})}),
                 device_of({v4(192, 0, 2, 1), v4(192, 0, 2, 2)}));
  EXPECT_EQ(table.sets.size(), 1U);
}

TEST(SharePlan, EqualsTheChoiceAmongAllBindings) {
  Random random(21);
  for (int round = 0; round < 60; ++round) {
    const auto bindings = table::random_bindings(random, random.below(40));
    std::vector<packet::Address> addresses;
    for (int i = 0; i < 20; ++i) addresses.push_back(table::random_flow(random, bindings).dst);
    const auto table = plan_share(settings_of(bindings), device_of(addresses));
    for (int i = 0; i < 2000; ++i) {
      auto flow = table::random_flow(random, bindings);
      flow.dst = table::one_of(random, addresses);
      const auto transport = packet::transports[packet::transport_index[flow.proto]].transport;
      ASSERT_EQ(has(table, flow.dst, transport, flow.dst_port), table::choose(bindings, flow) != nullptr);
    }
  }
}

TEST(SharePlan, BothHaveWhatEachHas) {
  const std::vector addresses{v4(192, 0, 2, 1), v4(192, 0, 2, 2), v6(1, 1)};
  const auto before = plan_share(settings_of({bind(udp, 10, 20), bind(tcp, 80, 80)}), device_of(addresses));
  const auto after = plan_share(settings_of({bind(udp, 15, 30, {v4(192, 0, 2, 1), 32}), bind(tcp, 80, 80)}),
                                device_of({v4(192, 0, 2, 1), v6(1, 1), v6(2, 2)}));
  const auto both = shared_by_both(before, after);
  ASSERT_EQ(both.addresses.size(), 2U);
  EXPECT_TRUE(has(both, v4(192, 0, 2, 1), udp, 15));
  EXPECT_TRUE(has(both, v4(192, 0, 2, 1), udp, 20));
  EXPECT_FALSE(has(both, v4(192, 0, 2, 1), udp, 14));
  EXPECT_FALSE(has(both, v4(192, 0, 2, 1), udp, 21));
  EXPECT_FALSE(has(both, v6(1, 1), udp, 15));
  EXPECT_TRUE(has(both, v6(1, 1), tcp, 80));
  EXPECT_EQ(shared_by_both(before, before), before);
}

}  // namespace
}  // namespace portier::control
