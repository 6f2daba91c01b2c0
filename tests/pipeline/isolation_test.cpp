/// Two services on one worker, one of them slow and flooded: what the other keeps.
#include <rte_cycles.h>

#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

constexpr std::uint32_t flows = 64;

class Isolation : public PipelineTest {
 protected:
  /// A handler that takes `us` for each packet, without sleeping: its core is busy.
  void add_slow_handler(const std::string& name, double us) {
    const auto ticks = static_cast<std::uint64_t>(us * nic::tsc_hz() / 1e6);
    add_handler(name, [ticks](const HandlerContext&) {
      return [ticks](Burst& burst) {
        const auto until = rte_rdtsc() + ticks * burst.size();
        while (rte_rdtsc() < until) {
        }
      };
    });
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Isolation,
                         testing::Values(Shape{"pipeline_1x1", control::Mode::pipeline, 1, 1},
                                         Shape{"pipeline_2x2", control::Mode::pipeline, 2, 2}),
                         name_of);

/// The flood is 100 times what the quick service gets, and many times what the slow one can do. The quick packets are
/// fewer than a third of a ring, so that they have room however the machine schedules the cores.
TEST_P(Isolation, ASlowServiceUnderAFloodTakesNothingFromAQuickOne) {
  constexpr std::uint32_t quick_packets = 1000;
  constexpr std::uint32_t slow_per_quick = 100;
  add_slow_handler("slow", 20);
  settings_.services = {service("slow", both("1"), {"slow"}), service("quick", both("2"), {"record"})};
  start();
  std::vector<Frame> flood;
  for (std::uint32_t flow = 0; flow < flows; ++flow) flood.push_back(numbered(flow, 0, 1));
  for (std::uint32_t number = 0; number < quick_packets; ++number) {
    for (std::uint32_t i = 0; i < slow_per_quick; ++i) push(flood[(number + i) % flows]);
    push(numbered(flows + number % flows, number, 2));
  }
  settle();
  stop_and_check();
  const auto& quick = account("quick");
  const auto& slow = account("slow");
  EXPECT_EQ(quick.delivered, quick_packets);
  EXPECT_EQ(quick.dropped_total(), 0U);
  EXPECT_EQ(journal_.count(), quick_packets);
  EXPECT_EQ(slow.in, std::uint64_t{quick_packets} * slow_per_quick);
  EXPECT_EQ(dropped(slow, Reason::over_share), slow.dropped_total()) << "no ring is ever full to the last slot";
  EXPECT_GT(slow.dropped_total(), slow.in / 10) << "it was a flood";
  EXPECT_GE(slow.delivered, settings_.router.ring_slots / 2);
}

/// The router's own answers go through the same rings.
TEST_P(Isolation, PingIsAnsweredDuringAFlood) {
  constexpr std::uint32_t pings = 200;
  add_slow_handler("slow", 20);
  settings_.services = {service("slow", both("1"), {"slow"})};
  settings_.devices[0].addresses = {{host4, 24, {}}};
  start();
  const auto flood = numbered(0, 0, 1);
  for (std::uint32_t number = 0; number < pings; ++number) {
    for (std::uint32_t i = 0; i < 100; ++i) push(flood);
    push(traffic::frame()
             .ipv4(traffic::v4(192, 0, 2, 7), host4)
             .icmp_echo(7, static_cast<std::uint16_t>(number))
             .build());
  }
  settle();
  stop_and_check();
  EXPECT_EQ(replies_.size(), pings);
  EXPECT_EQ(account("answer").delivered, pings);
  EXPECT_GT(dropped(account("slow"), Reason::over_share), 0U);
}

class HandlerThatHangs : public PipelineTest {};
INSTANTIATE_TEST_SUITE_P(Modes, HandlerThatHangs, all_shapes(), name_of);

/// Named with its service and its CPU, once when it is stuck and once when it is back; nothing is lost.
TEST_P(HandlerThatHangs, IsNamedAndSoIsItsReturn) {
  const auto last = GetParam().delivering() - 1;
  std::atomic<bool> hangs{true};
  std::atomic<bool> is_inside{false};
  add_handler("hanging", [&](const HandlerContext& context) {
    return [&, is_last = context.worker == last](Burst&) {
      if (!is_last) return;
      is_inside = true;
      while (hangs) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
  });
  settings_.router.watchdog_ms = 200;
  settings_.services = {service("quick", both("2"), {"record"}), service("hanging", both("1"), {"hanging"})};
  start();
  for (std::uint32_t i = 0; i < 200; ++i) push(numbered(i / 2, i % 2, i % 2 == 0 ? 1 : 2));
  wait_until("the handler hangs", [&] { return is_inside.load(); });
  const auto begin = std::chrono::steady_clock::now();
  wait_until("it is told", [&] { return !events().empty(); });
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  const auto calls = router_->calls();
  const auto stuck = std::ranges::count_if(calls, [&](const auto& seen) {
    return seen.call.burst != 0 && seen.cpu == cpu_of(last) && router_->name_of(seen.call.service) == "hanging";
  });
  EXPECT_EQ(stuck, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(events().size(), 1U) << "once is enough";
  hangs = false;
  wait_until("its return is told", [&] { return events().size() > 1; });
  settle();
  stop_and_check();
  const auto named = "service 'hanging' on CPU " + std::to_string(cpu_of(last)) + ": its handler has ";
  ASSERT_EQ(events().size(), 2U);
  EXPECT_EQ(events()[0].about, "hanging");
  EXPECT_TRUE(events()[0].sentence.starts_with(named + "not returned for ")) << events()[0].sentence;
  EXPECT_TRUE(events()[1].sentence.starts_with(named + "returned after ")) << events()[1].sentence;
  EXPECT_EQ(ledger_.stuck_calls, 1U);
  EXPECT_EQ(ledger_.delivered, 200U);
  std::uint64_t longest_ns = 0;
  for (const auto& core : ledger_.cores) {
    if (core.cpu == cpu_of(last) && core.role != "rx") longest_ns = core.longest_turn_ns;
  }
  EXPECT_GT(longest_ns, 200'000'000U) << "the turn is the longest of its core";
}

TEST_P(HandlerThatHangs, IsLeftAloneWithoutAWatchdog) {
  add_handler("pausing", [](const HandlerContext&) {
    return [](Burst&) { std::this_thread::sleep_for(std::chrono::milliseconds(30)); };
  });
  settings_.router.watchdog_ms = 0;
  settings_.services = {service("pausing", both("1"), {"pausing"})};
  start();
  for (std::uint32_t i = 0; i < 4; ++i) push(numbered(i, 0, 1));
  settle();
  stop_and_check();
  EXPECT_TRUE(events().empty());
  EXPECT_EQ(ledger_.stuck_calls, 0U);
}

}  // namespace
}  // namespace portier::test
