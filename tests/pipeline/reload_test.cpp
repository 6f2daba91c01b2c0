/// Reloads under load: what has not changed notices nothing, what has changed does so at one instant, in order.
#include <unistd.h>

#include <array>
#include <fstream>

#include "pipeline/reload_fixture.hpp"

namespace portier::test {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool counts_memory = false;  // the sanitizer keeps what is freed for a while
#else
constexpr bool counts_memory = true;
#endif

/// Resident memory of this process.
std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

INSTANTIATE_TEST_SUITE_P(Modes, Reload, all_shapes(), name_of);

/// One service stays as it is while another one's bindings, chain and name change to and fro a thousand times.
TEST_P(Reload, AThousandTimesUnderLoad) {
  constexpr std::uint32_t flows = 16;
  std::array<std::atomic<std::uint32_t>, flows> expected{};
  std::atomic<std::uint64_t> out_of_order{0};
  std::atomic<std::uint64_t> handled{0};
  std::atomic<unsigned> made{0};
  add_handler("steady", [&](const HandlerContext&) {
    made += 1;
    return [&](Burst& burst) {
      for (const auto& packet : burst) {
        const auto [flow, number] = number_of(packet);
        out_of_order += expected[flow % flows].exchange(number + 1) != number ? 1 : 0;
        handled += 1;
      }
    };
  });
  const auto steady = service("steady", both("1000"), {"steady"});
  auto one = settings_;
  one.services = {steady, service("left", both("2000"), {"count"}), service("both", both("3000-3100"), {"count"})};
  auto other = settings_;
  other.services = {service("right", both("2000"), {"drop"}), steady, service("both", both("3050"), {"echo"})};
  other.closed_ports.action = control::ClosedAction::drop;
  settings_ = one;
  start();
  std::uint32_t next = 0;
  std::size_t early_bytes = 0;
  for (unsigned reload = 1; reload <= 1000; ++reload) {
    for (std::uint32_t flow = 0; flow < flows; ++flow) push(numbered(flow, next, 1000));
    for (std::uint32_t flow = 0; flow < 3; ++flow) push(numbered(flow, next, flow == 0 ? 2000 : 3050));
    next += 1;
    if (reload % 8 == 0) throttle(500);
    ASSERT_EQ(router_->reload(reload % 2 == 1 ? other : one), std::nullopt);
    ASSERT_EQ(router_->generation(), reload + 1U);
    if (reload == 50) early_bytes = resident_bytes();
  }
  const auto late_bytes = resident_bytes();
  settle();
  stop_and_check();
  EXPECT_EQ(made.load(), GetParam().delivering()) << "the unchanged service keeps its handlers";
  EXPECT_EQ(handled.load(), flows * 1000) << "not one of its packets is lost";
  EXPECT_EQ(out_of_order.load(), 0U);
  EXPECT_EQ(account("steady").delivered, account("steady").in);
  EXPECT_EQ(dropped(Reason::closed_port) + dropped(Reason::no_target), 0U) << "both configurations bind these ports";
  if (counts_memory) {
    EXPECT_LE(late_bytes, early_bytes + std::max<std::size_t>(early_bytes / 20, 4 << 20));
  }
}

/// A port goes from service to service, each one new: the first packet of each finds its handler.
TEST_P(Reload, ANewServiceHasItsHandlerFromItsFirstPacket) {
  auto next = settings_;
  settings_.services = {service("s0", both("1000"), {"record"})};
  start();
  for (unsigned reload = 1; reload <= 100; ++reload) {
    push_some(1000, 8, 8);
    next.services = {service("s" + std::to_string(reload), both("1000"), {"record"})};
    ASSERT_EQ(router_->reload(next), std::nullopt);
    throttle(500);
  }
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(Reason::no_target), 0U);
  EXPECT_EQ(ledger_.delivered, 100 * 64U);
}

/// Tables over rte_fib are built aside and freed again.
TEST_P(Reload, PrefixTablesComeAndGo) {
  auto with = settings_;
  with.services = {service("web", {"udp/1000", "tcp/1000", "udp/192.0.2.0/24:*", "udp/[2001:db8::/32]:*"}, {"record"})};
  auto without = settings_;
  without.services = {service("web", both("1000"), {"record"})};
  settings_ = without;
  start();
  std::size_t early_bytes = 0;
  for (unsigned reload = 0; reload < 16; ++reload) {
    push_some(1000, 8, 4);
    ASSERT_EQ(router_->reload(reload % 2 == 0 ? with : without), std::nullopt);
    if (reload == 7) early_bytes = resident_bytes();
  }
  const auto late_bytes = resident_bytes();
  settle();
  stop_and_check();
  ASSERT_NO_FATAL_FAILURE(expect_in_order(journal_.all(), "web", 1000));
  if (counts_memory) {
    EXPECT_LE(late_bytes, early_bytes + std::max<std::size_t>(early_bytes / 20, 4 << 20));
  }
}

struct Change {
  const char* says;
  void (*make)(control::Settings&);
};

TEST_P(Reload, WhatNeedsARestartIsRefusedAndChangesNothing) {
  settings_.services = {service("a", both("1000"), {"record"})};
  start();
  const Change changes[] = {
      {"burst", [](auto& settings) { settings.router.burst = 7; }},
      {"mode", [](auto& settings) { settings.router.mode = std::nullopt; }},
      {"ring_slots", [](auto& settings) { settings.router.ring_slots = 512; }},
      {"worker_cores", [](auto& settings) { settings.router.worker_cores = {9}; }},
      {"max_faults", [](auto& settings) { settings.router.max_faults = 1; }},
      {"watchdog_ms", [](auto& settings) { settings.router.watchdog_ms = 1; }},
      {"a device more", [](auto& settings) { settings.devices.push_back({.name = "more", .traffic = true}); }},
      {"rx_queues", [](auto& settings) { settings.devices[0].rx_queues = 3; }},
      {"fragments", [](auto& settings) { settings.fragments.waiting = 3; }},
      {"reject_rate_pps", [](auto& settings) { settings.closed_ports.reject_rate_pps = 3; }},
      {"a handler that does not exist", [](auto& settings) { settings.services[0].deliver[0].handler = "nobody"; }},
      {"an option that does not exist",
       [](auto& settings) {
         settings.services[0].deliver = {{"echo", {{"colour", "blue"}}, {}}};
       }},
      {"a worker that does not exist", [](auto& settings) { settings.services[0].workers = {99}; }},
  };
  for (const auto& change : changes) {
    push_some(1000, 8, 4);
    auto wanted = settings_;
    wanted.services.push_back(service("b", both("2000"), {"record"}));
    change.make(wanted);
    const auto refusal = router_->reload(wanted);
    ASSERT_TRUE(refusal.has_value()) << change.says;
    EXPECT_GT(refusal->size(), 20U) << "a sentence";
    EXPECT_EQ(router_->generation(), 1U) << change.says;
    push(numbered(0, 0, 2000));
  }
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(Reason::closed_port), std::size(changes)) << "what was refused binds nothing";
  ASSERT_NO_FATAL_FAILURE(expect_in_order(journal_.all(), "a", 1000));
}

}  // namespace
}  // namespace portier::test
