/// Stopping: under load at any instant, before anything came, and with a handler that hangs.
#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

class Stop : public PipelineTest {
 protected:
  void new_run() {
    static unsigned run = 0;
    router_.reset();
    settings_.devices[0].name = "again" + std::to_string(run++);
    pushed_ = 0;
    replies_.clear();
    is_stopped_ = false;
    start();
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Stop, all_shapes(), name_of);

TEST_P(Stop, RightAfterTheStart) {
  start();
  stop_and_check();
  EXPECT_EQ(ledger_.received, 0U);
  EXPECT_TRUE(router_->stop(std::chrono::milliseconds(1))) << "stopped is stopped";
}

TEST_P(Stop, ARouterThatNeverStartedGivesEverythingBack) {
  start();
  ASSERT_TRUE(stop(std::chrono::seconds(5)));
  auto settings = settings_;
  router_.reset();
  settings.devices[0].name += "b";
  control::Router never(settings, plan_, std::vector<nic::DeviceSpec>(1), registry_, eal(), packet::fixed_hash_key);
  EXPECT_TRUE(never.stop(std::chrono::milliseconds(1)));
  EXPECT_EQ(never.close().leaked(), 0U);
}

/// Ten instants here, in each of five modes. Packets, replies, waiting fragments and closed ports are under way.
TEST_P(Stop, UnderLoadAtRandomInstants) {
  settings_.services = {service("echo", {"udp/7"}, {"echo"}), service("web", both("80"), {"count"})};
  settings_.fragments.timeout_ms = 500;
  Random random(GetParam().delivering() + 10 * GetParam().rx);
  for (int instant = 0; instant < 10; ++instant) {
    ASSERT_NO_FATAL_FAILURE(new_run());
    const auto frames = random.below(3000);
    const auto push_one = [&](std::uint32_t i) {
      const auto source = packet::ipv4(0xc6120001 + i % 90);
      switch (i % 8) {
        case 0: push(traffic::frame().ipv4(source, host4).fragment(800, false, i).raw(17).payload(9).build()); break;
        case 1: push(numbered(i, 0, 9)); break;
        case 2: push_segmented(numbered(i, 0, 80, 900), 100); break;
        case 3:
        case 4: push(traffic::frame().ipv4(source, host4).udp(9, 7).payload(500).build()); break;
        default: push(numbered(i % 90, i, 80));
      }
    };
    for (std::uint32_t i = 0; i < frames; ++i) push_one(i);
    std::this_thread::sleep_for(std::chrono::microseconds(random.below(300)));
    std::uint32_t more = 0;
    const packet::Bytes late = replies_.empty() ? packet::Bytes{} : packet::Bytes(replies_.front());
    ASSERT_TRUE(router_->stop(std::chrono::seconds(20), [&] {
      pull();
      // The source goes on while the router stops.
      if (!late.empty() && more < 200 && far_end().push(0, {&late, 1}) == 1) more += 1;
      return false;
    }));
    pushed_ += more;
    ASSERT_NO_FATAL_FAILURE(stop_and_check());
    ASSERT_FALSE(HasFailure()) << "instant " << instant << ", " << frames << " frames";
  }
}

/// Nobody takes the replies: they are given up by name, within the time that stopping may take.
TEST_P(Stop, WithADeviceThatTakesNothing) {
  settings_.services = {service("echo", {"udp/7"}, {"echo"})};
  start();
  is_pulling_ = false;
  for (std::uint32_t i = 0; i < 2500; ++i) {
    push(traffic::frame().ipv4(packet::ipv4(0xc6120001 + i % 50), host4).udp(9, 7).build());
    if (i % 100 == 0) throttle(1000);
  }
  settle();
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(router_->stop(std::chrono::seconds(20)));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  stop_and_check();
  EXPECT_EQ(ledger_.replied + ledger_.tx_full + ledger_.no_buffer, 2500U);
  EXPECT_LT(ledger_.replied, 2500U);
}

TEST_P(Stop, AHandlerThatHangsIsReportedInTime) {
  std::atomic<bool> hangs{true};
  std::atomic<bool> is_inside{false};
  add_handler("hanging", [&](const HandlerContext&) {
    return [&](Burst&) {
      is_inside = true;
      while (hangs) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
  });
  settings_.services = {service("hanging", both("80"), {"hanging"})};
  start();
  for (std::uint32_t i = 0; i < 100; ++i) push(numbered(i, 0, 80));
  wait_until("the handler hangs", [&] { return is_inside.load(); });
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(router_->stop(std::chrono::milliseconds(100)));
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, std::chrono::milliseconds(100));
  EXPECT_LT(took, std::chrono::seconds(2));
  unsigned asked = 0;
  EXPECT_FALSE(router_->stop(std::chrono::seconds(60), [&] { return ++asked == 3; })) << "impatience ends it soon";
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
  EXPECT_TRUE(router_->ledger().adds_up()) << "what hangs is in flight";
  hangs = false;
  stop_and_check();
}

}  // namespace
}  // namespace portier::test
