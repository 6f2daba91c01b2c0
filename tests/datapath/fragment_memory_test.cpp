/// The memory of first fragments and the waiting room of later ones: deadlines, limits, eviction, conflicts, order.
#include "datapath/fragment_memory.hpp"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace portier::datapath {
namespace {

using packet::Reason;
using traffic::frame;
using traffic::v4;
using traffic::v6;

constexpr std::uint64_t timeout = 1000;
constexpr table::ServiceId dns = 2;
constexpr table::ServiceId web = 3;

DatagramKey key(std::uint32_t id) {
  return {.src = v4(198, 51, 100, 7), .dst = v4(192, 0, 2, 1), .id = id, .proto = packet::wire::proto_udp};
}

FragmentMemory memory(std::size_t datagrams = 4, std::size_t waiting = 4) {
  return FragmentMemory({.datagrams = datagrams, .waiting = waiting, .timeout_ticks = timeout});
}

/// `number` is kept in `present`, to tell fragments apart.
WaitingFragment later(std::uint32_t id, std::uint32_t number, std::uint64_t arrived) {
  WaitingFragment fragment;
  fragment.key = key(id);
  fragment.present = number;
  fragment.arrived_tsc = arrived;
  return fragment;
}

using Numbers = std::vector<std::uint32_t>;

Numbers take_ready(FragmentMemory& fragments) {
  Numbers numbers;
  for (const auto& fragment : fragments.ready()) numbers.push_back(fragment.present);
  fragments.ready().clear();
  return numbers;
}

TEST(FragmentMemory, RemembersUntilTheDeadline) {
  auto fragments = memory();
  EXPECT_EQ(fragments.find(key(1), 0), nullptr);
  EXPECT_TRUE(fragments.note_first(key(1), dns, 77, 500));
  for (const std::uint64_t now : {std::uint64_t{500}, 500 + timeout - 1}) {
    const auto* owner = fragments.find(key(1), now);
    ASSERT_NE(owner, nullptr) << now;
    EXPECT_EQ(owner->service, dns);
    EXPECT_EQ(owner->hash, 77U);
  }
  EXPECT_EQ(fragments.find(key(1), 500 + timeout), nullptr);
  EXPECT_EQ(fragments.find(key(2), 500), nullptr) << "another datagram";
}

TEST(FragmentMemory, TheSameFirstAgainProlongs) {
  auto fragments = memory();
  EXPECT_TRUE(fragments.note_first(key(1), dns, 77, 0));
  EXPECT_TRUE(fragments.note_first(key(1), dns, 77, 600));
  EXPECT_NE(fragments.find(key(1), 600 + timeout - 1), nullptr);
}

TEST(FragmentMemory, AContradictionChangesNothing) {
  const std::pair<table::ServiceId, std::uint32_t> elsewhere[] = {{web, 77}, {dns, 78}, {table::no_service, 77}};
  for (const auto& [service, hash] : elsewhere) {
    auto fragments = memory();
    EXPECT_TRUE(fragments.note_first(key(1), dns, 77, 0));
    EXPECT_FALSE(fragments.note_first(key(1), service, hash, 100));
    const auto* owner = fragments.find(key(1), timeout - 1);
    ASSERT_NE(owner, nullptr);
    EXPECT_EQ(owner->service, dns);
    EXPECT_EQ(owner->hash, 77U);
    EXPECT_EQ(fragments.find(key(1), timeout), nullptr) << "not prolonged either";
    EXPECT_TRUE(fragments.note_first(key(1), service, hash, timeout)) << "the first one is forgotten by now";
    EXPECT_EQ(fragments.find(key(1), timeout)->service, service);
  }
}

TEST(FragmentMemory, ASetHasFourWaysAndTheFirstToExpireGoes) {
  auto fragments = memory();  // four datagrams: one set
  for (const std::uint32_t id : {1U, 2U, 3U, 4U}) EXPECT_TRUE(fragments.note_first(key(id), dns, id, id));
  for (const std::uint32_t id : {1U, 2U, 3U, 4U}) EXPECT_NE(fragments.find(key(id), 5), nullptr) << id;
  EXPECT_TRUE(fragments.note_first(key(1), dns, 1, 10));  // prolonged: now 2 expires first
  EXPECT_TRUE(fragments.note_first(key(5), dns, 5, 11));
  EXPECT_EQ(fragments.find(key(2), 11), nullptr);
  for (const std::uint32_t id : {1U, 3U, 4U, 5U}) EXPECT_NE(fragments.find(key(id), 11), nullptr) << id;
  EXPECT_TRUE(fragments.note_first(key(6), dns, 6, 12));
  EXPECT_EQ(fragments.find(key(3), 12), nullptr);
  for (const std::uint32_t id : {1U, 4U, 5U, 6U}) EXPECT_NE(fragments.find(key(id), 12), nullptr) << id;
}

TEST(FragmentMemory, AnExpiredWayIsUsedBeforeALiveOne) {
  auto fragments = memory();
  for (const std::uint32_t id : {1U, 2U, 3U}) EXPECT_TRUE(fragments.note_first(key(id), dns, id, 900));
  EXPECT_TRUE(fragments.note_first(key(4), dns, 4, 0));
  EXPECT_TRUE(fragments.note_first(key(5), dns, 5, timeout));
  for (const std::uint32_t id : {1U, 2U, 3U, 5U}) EXPECT_NE(fragments.find(key(id), timeout), nullptr) << id;
}

TEST(FragmentMemory, ManyDatagramsHaveTheirOwnOwners) {
  auto fragments = memory(4096);
  constexpr std::uint32_t count = 200;  // far below the limit: no set of 1,024 is full
  for (std::uint32_t id = 0; id < count; ++id) {
    EXPECT_TRUE(fragments.note_first(key(id), static_cast<table::ServiceId>(2 + id), id * 3, 0));
  }
  for (std::uint32_t id = 0; id < count; ++id) {
    const auto* owner = fragments.find(key(id), 1);
    ASSERT_NE(owner, nullptr) << id;
    EXPECT_EQ(owner->service, 2 + id);
    EXPECT_EQ(owner->hash, id * 3);
  }
}

TEST(FragmentMemory, LaterBeforeFirstGoOnInTheirOrder) {
  auto fragments = memory();
  EXPECT_TRUE(fragments.wait(later(1, 10, 0)));
  EXPECT_TRUE(fragments.wait(later(2, 20, 1)));
  EXPECT_TRUE(fragments.wait(later(1, 11, 2)));
  EXPECT_EQ(fragments.waiting(), 3U);
  EXPECT_TRUE(fragments.ready().empty());
  EXPECT_TRUE(fragments.note_first(key(1), web, 99, 3));
  ASSERT_EQ(fragments.ready().size(), 2U);
  for (const auto& fragment : fragments.ready()) {
    EXPECT_EQ(fragment.service, web);
    EXPECT_EQ(fragment.hash, 99U);
    EXPECT_EQ(fragment.facts.reason, Reason::none);
  }
  EXPECT_EQ(take_ready(fragments), (Numbers{10, 11}));
  EXPECT_EQ(fragments.waiting(), 1U);
  EXPECT_EQ(fragments.held(), 1U);
}

TEST(FragmentMemory, AContradictionReleasesNobody) {
  auto fragments = memory();
  EXPECT_TRUE(fragments.note_first(key(1), dns, 77, 0));
  EXPECT_TRUE(fragments.wait(later(1, 10, 0)));
  EXPECT_FALSE(fragments.note_first(key(1), web, 77, 1));
  EXPECT_TRUE(fragments.ready().empty());
  EXPECT_EQ(fragments.waiting(), 1U);
}

TEST(FragmentMemory, TheWaitingRoomIsBoundedWithThoseReadyInIt) {
  auto fragments = memory(4, 3);
  for (const std::uint32_t number : {1U, 2U, 3U}) EXPECT_TRUE(fragments.wait(later(number, number, 0)));
  EXPECT_FALSE(fragments.wait(later(4, 4, 0)));
  EXPECT_EQ(fragments.held(), 3U);
  EXPECT_TRUE(fragments.note_first(key(2), dns, 1, 1));
  EXPECT_FALSE(fragments.wait(later(4, 4, 1))) << "the ready one has not gone on yet";
  EXPECT_EQ(take_ready(fragments), (Numbers{2}));
  EXPECT_TRUE(fragments.wait(later(4, 4, 2)));
  EXPECT_FALSE(fragments.wait(later(5, 5, 2)));
}

TEST(FragmentMemory, NobodyWaitsWhereThereIsNoRoom) {
  auto fragments = memory(4, 0);
  EXPECT_FALSE(fragments.wait(later(1, 1, 0)));
  EXPECT_TRUE(fragments.note_first(key(1), dns, 1, 0));
}

TEST(FragmentMemory, WaitingEndsAtTheDeadline) {
  auto fragments = memory();
  EXPECT_TRUE(fragments.wait(later(1, 10, 100)));
  EXPECT_TRUE(fragments.wait(later(2, 20, 200)));
  fragments.expire(100 + timeout - 1);
  EXPECT_TRUE(fragments.ready().empty());
  fragments.expire(100 + timeout);
  ASSERT_EQ(fragments.ready().size(), 1U);
  EXPECT_EQ(fragments.ready()[0].facts.reason, Reason::fragment_timeout);
  EXPECT_EQ(take_ready(fragments), (Numbers{10}));
  EXPECT_TRUE(fragments.note_first(key(1), dns, 1, 100 + timeout)) << "too late for 10";
  EXPECT_TRUE(fragments.ready().empty());
  fragments.expire(200 + timeout);
  EXPECT_EQ(take_ready(fragments), (Numbers{20}));
  EXPECT_EQ(fragments.held(), 0U);
}

TEST(FragmentMemory, GivingUpEmptiesTheRoom) {
  auto fragments = memory();
  EXPECT_TRUE(fragments.wait(later(1, 10, 0)));
  EXPECT_TRUE(fragments.wait(later(2, 20, 0)));
  fragments.give_up(Reason::shutdown);
  EXPECT_EQ(fragments.waiting(), 0U);
  EXPECT_EQ(fragments.held(), 2U);
  for (const auto& fragment : fragments.ready()) EXPECT_EQ(fragment.facts.reason, Reason::shutdown);
  EXPECT_EQ(take_ready(fragments), (Numbers{10, 20}));
}

struct KeyCase {
  const char* says;
  traffic::Frame a, b;
  bool is_same;
};

/// RFC 791: source, destination, protocol, identification. RFC 8200: without the protocol.
TEST(FragmentMemory, WhatMakesADatagram) {
  const auto a4 = v4(198, 51, 100, 7), b4 = v4(192, 0, 2, 1), a6 = v6(1, 1), b6 = v6(1, 2);
  const auto first4 = frame().ipv4(a4, b4).fragment(0, true, 9).udp(1, 2).payload(16).build();
  const auto first6 = frame().ipv6(a6, b6).fragment(0, true, 9).udp(1, 2).payload(16).build();
  const auto last = [](const packet::Address& src, const packet::Address& dst, std::uint32_t id, std::uint8_t proto) {
    return frame().addresses(src, dst).fragment(24, false, id).raw(proto).payload(8).build();
  };
  const KeyCase cases[] = {
      {"IPv4", first4, last(a4, b4, 9, 17), true},
      {"IPv4, another identification", first4, last(a4, b4, 10, 17), false},
      {"IPv4, another protocol", first4, last(a4, b4, 9, 6), false},
      {"IPv4, another source", first4, last(b4, b4, 9, 17), false},
      {"IPv4, another destination", first4, last(a4, a4, 9, 17), false},
      {"IPv6", first6, last(a6, b6, 9, 17), true},
      {"IPv6, another protocol", first6, last(a6, b6, 9, 6), true},
      {"IPv6, an identification that differs in its high half", first6, last(a6, b6, 0x10009, 17), false},
      {"IPv6, another source", first6, last(b6, b6, 9, 17), false},
  };
  for (const auto& test : cases) {
    const auto key_a = datagram_key(test.a.data(), packet::parse(test.a));
    const auto key_b = datagram_key(test.b.data(), packet::parse(test.b));
    EXPECT_EQ(key_a == key_b, test.is_same) << test.says;
  }
}

}  // namespace
}  // namespace portier::datapath
