/// Reloads under load: what has not changed notices nothing, what has changed does so at one instant, in order.
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>

#include "packet/flow_hash.hpp"
#include "pipeline/pipeline_fixture.hpp"
#include "table/core_map.hpp"

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

class Reload : public PipelineTest {
 protected:
  /// Another few packets of every flow to a port.
  void push_some(std::uint16_t port, std::uint32_t flows, std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
      for (std::uint32_t flow = 0; flow < flows; ++flow) push(numbered(flow, next_[port][flow]++, port));
    }
  }

  /// Every packet once, in order, of every flow that a service had; without what was dropped by name.
  void expect_in_order(const std::vector<Seen>& seen, const std::string& service, std::uint16_t port) {
    std::map<std::uint32_t, std::uint32_t> expected;
    for (const auto& packet : seen) {
      if (packet.service != service) continue;
      ASSERT_EQ(packet.number, expected[packet.flow]) << service << ", flow " << packet.flow << ": lost or reordered";
      expected[packet.flow] += 1;
    }
    EXPECT_EQ(expected, next_[port]) << service;
  }

  /// No flow has a packet behind one that was sent later; some may be missing.
  static void expect_no_step_back(const std::vector<Seen>& seen) {
    std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> next;
    for (const auto& packet : seen) {
      auto& expected = next[{packet.service, packet.flow}];
      ASSERT_GE(packet.number, expected) << packet.service << ", flow " << packet.flow << ": reordered";
      expected = packet.number + 1;
    }
  }

  std::map<std::uint16_t, std::map<std::uint32_t, std::uint32_t>> next_;  ///< [port][flow]: number of its next packet
};
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

/// The worker set changes while packets are under way.
class WorkerSets : public Reload {
 protected:
  using Workers = std::vector<table::WorkerIndex>;
  static constexpr std::uint32_t flows = 48;

  control::Settings with_workers(const Workers& workers) const {
    auto made = settings_;
    auto& moving = made.services.at(0);
    moving.workers.clear();
    for (const auto worker : workers) moving.workers.push_back(cpu_of(worker));
    return made;
  }
  static std::size_t bucket(std::uint32_t flow) {
    const auto frame = numbered(flow, 0, 1000);
    return table::bucket_of(
        packet::flow_hash(packet::fixed_hash_key, packet::flow_key(frame.data(), packet::parse(frame))));
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, WorkerSets,
                         testing::Values(Shape{"pipeline_1x2", control::Mode::pipeline, 1, 2},
                                         Shape{"pipeline_1x4", control::Mode::pipeline, 1, 4},
                                         Shape{"pipeline_2x2", control::Mode::pipeline, 2, 2},
                                         Shape{"pipeline_2x4", control::Mode::pipeline, 2, 4}),
                         name_of);

TEST_P(WorkerSets, OnlyBucketsThatMustMoveDoAndNoFlowIsReordered) {
  const auto count = static_cast<table::WorkerIndex>(GetParam().workers);
  Workers all(count);
  for (table::WorkerIndex i = 0; i < count; ++i) all[i] = i;
  Workers without_first(all.begin() + 1, all.end());
  Workers without_last(all.begin(), all.end() - 1);
  const std::vector<Workers> steps{without_first, all, without_last, without_first, {0}, all};
  settings_.services = {service("moving", both("1000"), {"record"}), service("staying", both("2000"), {"record"})};
  start();

  struct Step {
    table::CoreMap map;
    std::map<std::uint32_t, std::uint32_t> from;  ///< by flow: the first packet that was pushed behind the change
  };
  std::vector<Step> done{{table::deal(all), {}}};
  for (int round = 0; round < 4; ++round) {
    for (const auto& workers : steps) {
      push_some(1000, flows, 4);
      push_some(2000, flows, 2);
      throttle(100);  // so that nothing of the step before is still under way
      push_some(1000, flows, 4);
      ASSERT_EQ(router_->reload(with_workers(workers)), std::nullopt);
      done.push_back({table::rebalance(done.back().map, workers), next_[1000]});
    }
  }
  push_some(1000, flows, 4);
  settle();
  stop_and_check();
  EXPECT_EQ(ledger_.dropped_total(), 0U);
  const auto seen = journal_.all();
  ASSERT_NO_FATAL_FAILURE(expect_in_order(seen, "moving", 1000));
  ASSERT_NO_FATAL_FAILURE(expect_in_order(seen, "staying", 2000));
  for (const auto& packet : seen) {
    const auto b = bucket(packet.flow);
    if (packet.service == "staying") continue;
    std::size_t step = done.size() - 1;
    while (step > 0 && packet.number < done[step].from.at(packet.flow)) --step;
    // Behind a change the new map rules; what was on its way at the change may go by either.
    const bool is_by_map = packet.worker == done[step].map.worker[b];
    const bool is_by_next = step + 1 < done.size() && packet.worker == done[step + 1].map.worker[b];
    ASSERT_TRUE(is_by_map || is_by_next) << "flow " << packet.flow << " number " << packet.number << " step " << step;
  }
}

/// A second change comes while the old worker is still busy with what it had before the first.
TEST_P(WorkerSets, ASecondReloadDoesNotForgetTheFirst) {
  std::atomic<bool> is_slow{true};
  add_handler("slow", [&](const HandlerContext& context) {
    auto& part = journal_.add_part(context);
    return [&, is_first = context.worker == 0](Burst& burst) {
      if (is_first && is_slow) std::this_thread::sleep_for(std::chrono::milliseconds(2));
      for (const auto& packet : burst) journal_.note(part, packet);
    };
  });
  settings_.services = {service("moving", both("1000"), {"slow"}, {cpu_of(0)})};
  start();
  push_some(1000, flows, 40);
  wait_until("the backlog is in the rings", [&] { return router_->ledger().received == pushed_; });
  ASSERT_EQ(router_->reload(with_workers({1})), std::nullopt);
  auto again = with_workers({1});
  again.services.push_back(service("more", both("2000"), {"count"}));
  ASSERT_EQ(router_->reload(again), std::nullopt);
  push_some(1000, flows, 4);
  settle();
  is_slow = false;
  stop_and_check();
  ASSERT_NO_FATAL_FAILURE(expect_no_step_back(journal_.all()));
  EXPECT_EQ(ledger_.delivered + dropped(Reason::bucket_moving), ledger_.received);
}

/// An old worker that takes too long: what moved away from it is dropped by name, the rest goes on.
TEST_P(WorkerSets, ALaggardHoldsNobodyElseUp) {
  std::atomic<bool> is_slow{true};
  add_handler("slow", [&](const HandlerContext& context) {
    auto& part = journal_.add_part(context);
    return [&, is_first = context.worker == 0](Burst& burst) {
      if (is_first && is_slow) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      for (const auto& packet : burst) journal_.note(part, packet);
    };
  });
  settings_.services = {service("moving", both("1000"), {"slow"}, {cpu_of(0)}),
                        service("staying", both("2000"), {"record"}, {cpu_of(1)})};
  start();
  push_some(1000, flows, 60);  // 45 bursts: 900 ms of work
  wait_until("the backlog is in the rings", [&] { return router_->ledger().received == pushed_; });
  ASSERT_EQ(router_->reload(with_workers({1})), std::nullopt);
  const auto moved_drops = [&] { return router_->ledger().dropped[static_cast<std::size_t>(Reason::bucket_moving)]; };
  wait_until("moved packets are dropped", [&] {
    push_some(1000, flows, 1);
    push_some(2000, flows, 1);
    return moved_drops() >= flows;
  });
  is_slow = false;
  settle();
  const auto lost = moved_drops();
  push_some(1000, flows, 3);
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(account("moving"), Reason::bucket_moving), lost) << "the laggard has caught up";
  EXPECT_EQ(ledger_.dropped_total(), lost);
  const auto seen = journal_.all();
  ASSERT_NO_FATAL_FAILURE(expect_in_order(seen, "staying", 2000));
  ASSERT_NO_FATAL_FAILURE(expect_no_step_back(seen));
}

/// Only one change of workers at a time: a second one waits, and is refused when the first does not end.
class HangingWorker : public WorkerSets {};
INSTANTIATE_TEST_SUITE_P(Modes, HangingWorker, testing::Values(Shape{"pipeline_1x2", control::Mode::pipeline, 1, 2}),
                         name_of);

TEST_P(HangingWorker, KeepsTheNextReloadWaiting) {
  std::atomic<bool> hangs{true};
  add_handler("hanging", [&](const HandlerContext& context) {
    auto& part = journal_.add_part(context);
    return [&, is_first = context.worker == 0](Burst& burst) {
      while (is_first && hangs) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      for (const auto& packet : burst) journal_.note(part, packet);
    };
  });
  settings_.services = {service("moving", both("1000"), {"hanging"}, {cpu_of(0)})};
  start();
  push_some(1000, flows, 2);
  wait_until("packets are in the ring", [&] { return router_->ledger().received == pushed_; });
  ASSERT_EQ(router_->reload(with_workers({1})), std::nullopt);
  EXPECT_NE(router_->reload(with_workers({0, 1})), std::nullopt);
  EXPECT_EQ(router_->generation(), 2U);
  hangs = false;
  settle();
  EXPECT_EQ(router_->reload(with_workers({0, 1})), std::nullopt);
  push_some(1000, flows, 2);
  settle();
  stop_and_check();
  ASSERT_NO_FATAL_FAILURE(expect_in_order(journal_.all(), "moving", 1000));
}

}  // namespace
}  // namespace portier::test
