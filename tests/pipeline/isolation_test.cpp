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

}  // namespace
}  // namespace portier::test
