/// Handlers that throw, sleep, keep packets and use up buffers: what they lose is theirs and is named.
#include <deque>
#include <stdexcept>

#include "packet/reply_reader.hpp"
#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

constexpr std::uint32_t flows = 32;

class Faults : public PipelineTest {
 protected:
  /// `packets` of each flow to each port, so that no ring is ever full.
  void push_all(std::uint32_t packets, const std::vector<std::uint16_t>& ports) {
    for (std::uint32_t number = 0; number < packets; ++number) {
      for (std::uint32_t flow = 0; flow < flows; ++flow) {
        for (const auto port : ports) push(numbered(flow, number, port));
      }
      throttle(1000);
    }
    settle();
  }
};
INSTANTIATE_TEST_SUITE_P(Modes, Faults, all_shapes(), name_of);

TEST_P(Faults, AHandlerThatThrowsOneTimeInAHundred) {
  std::atomic<std::uint64_t> throws{0};
  std::atomic<std::uint64_t> lost{0};
  add_handler("shaky", [&](const HandlerContext&) {
    return [&](Burst& burst) {
      std::ranges::fill(burst.reply(0, 60), std::uint8_t{0});  // must not be sent when the call fails
      for (const auto& packet : burst) {
        const auto [flow, number] = number_of(packet);
        if ((flow * 7 + number) % 100 != 0) continue;
        throws += 1;
        lost += burst.size();
        throw std::runtime_error("one in a hundred");
      }
      burst.cancel();
    };
  });
  settings_.router.max_faults = 1'000'000;
  settings_.services = {service("shaky", both("1"), {"shaky"}), service("steady", both("2"), {"record"})};
  start();
  push_all(100, {1, 2});
  stop_and_check();
  EXPECT_GT(throws.load(), 0U);
  EXPECT_EQ(ledger_.handler_faults, throws.load());
  EXPECT_EQ(dropped(account("shaky"), Reason::handler_fault), lost.load());
  EXPECT_EQ(account("shaky").delivered, flows * 100 - lost.load());
  EXPECT_EQ(account("steady").delivered, flows * 100);
  EXPECT_TRUE(replies_.empty()) << "replies of a call that failed, or of one that was cancelled";
}

TEST_P(Faults, TheNextTargetTakesOver) {
  add_handler("broken", [&](const HandlerContext&) { return [](Burst&) { throw std::runtime_error("always"); }; });
  settings_.router.max_faults = 3;
  settings_.services = {service("with standby", both("1"), {"broken", "record"}),
                        service("without", both("2"), {"broken"})};
  start();
  push_all(50, {1, 2});
  stop_and_check();
  const auto cores = GetParam().delivering();
  const auto& standby = account("with standby");
  EXPECT_EQ(ledger_.handler_faults, 2 * 3 * cores);
  EXPECT_GE(dropped(standby, Reason::handler_fault), 3 * cores);
  EXPECT_EQ(standby.delivered + dropped(standby, Reason::handler_fault), flows * 50);
  EXPECT_EQ(journal_.count(), standby.delivered);
  EXPECT_GT(standby.delivered, flows * 10);
  const auto& without = account("without");
  EXPECT_EQ(dropped(without, Reason::handler_fault) + dropped(without, Reason::no_target), flows * 50);
  EXPECT_GT(dropped(without, Reason::no_target), flows * 10);
}

/// A slow handler uses up its share of the ring to its worker: its packets are lost by name, those of other workers are
/// not.
TEST_P(Faults, AHandlerThatSleeps) {
  add_handler("slow", [&](const HandlerContext&) {
    return [](Burst&) { std::this_thread::sleep_for(std::chrono::milliseconds(5)); };
  });
  settings_.router.ring_slots = 256;
  const auto last = GetParam().delivering() - 1;
  settings_.services = {service("slow", both("1"), {"slow"}, {cpu_of(0)}),
                        service("quick", both("2"), {"record"}, {cpu_of(last)})};
  start();
  const bool is_apart = GetParam().is_pipeline() && last > 0;
  std::uint32_t quick = 0;
  for (std::uint32_t i = 0; i < 2000; ++i) {
    push(numbered(i % flows, i, 1));
    if (!is_apart || i % 10 != 0) continue;
    push(numbered(flows, quick++, 2));
    wait_until("the quick service has its packet", [&] { return journal_.count() == quick; });
  }
  settle();
  stop_and_check();
  EXPECT_EQ(account("quick").delivered, quick) << "no packet of another worker's service suffers";
  EXPECT_EQ(account("slow").in, 2000U);
  if (GetParam().is_pipeline()) {
    EXPECT_GT(dropped(account("slow"), Reason::over_share), 0U);
    EXPECT_EQ(dropped(Reason::over_share), dropped(account("slow"), Reason::over_share));
    EXPECT_EQ(dropped(Reason::ring_full), 0U);
  } else {
    EXPECT_EQ(account("slow").delivered, 2000U) << "without a ring packets wait in the device's queue";
  }
}

TEST_P(Faults, AHandlerThatKeepsPackets) {
  std::atomic<std::uint64_t> damaged{0};
  std::atomic<std::uint64_t> kept_in_all{0};
  add_handler("hoarder", [&](const HandlerContext&) {
    struct Kept {
      datapath::KeptPacket packet;
      Number number;
    };
    auto hoard = std::make_shared<std::deque<Kept>>();
    return [&, hoard](Burst& burst) {
      for (std::size_t i = 0; i < burst.size(); ++i) {
        auto packet = burst.keep(i);
        if (!packet) continue;
        kept_in_all += 1;
        hoard->push_back({std::move(packet), number_of(burst[i])});
        if (hoard->size() <= 200) continue;
        const auto [flow, number] = number_of(hoard->front().packet.view());
        const auto& before = hoard->front().number;
        damaged += flow != before.flow || number != before.number ? 1 : 0;
        hoard->pop_front();
      }
    };
  });
  settings_.services = {service("hoarder", both("*"), {"hoarder"})};
  start();
  push_all(100, {1});
  stop_and_check();
  EXPECT_EQ(ledger_.delivered, flows * 100);
  EXPECT_EQ(kept_in_all.load(), flows * 100) << "200 of 1,024 buffers a core are in use at most";
  EXPECT_EQ(damaged.load(), 0U);
}

TEST_P(Faults, AHandlerThatKeepsTooMuchHurtsItself) {
  add_handler("hoarder", [&](const HandlerContext&) {
    auto hoard = std::make_shared<std::vector<datapath::KeptPacket>>();
    return [hoard](Burst& burst) {
      for (std::size_t i = 0; i < burst.size(); ++i) {
        if (auto packet = burst.keep(i)) hoard->push_back(std::move(packet));
      }
    };
  });
  settings_.services = {service("hoarder", both("1"), {"hoarder"}), service("echo", both("2"), {"echo"})};
  start();
  push_all(150, {1, 2});
  stop_and_check();
  EXPECT_GT(ledger_.no_buffer, 0U);
  EXPECT_EQ(ledger_.delivered, 2 * flows * 150) << "a packet without an answer is delivered all the same";
  EXPECT_LT(replies_.size(), flows * 150);
}

/// Nobody takes replies out of the device: its ring fills, then the core's buffers are used up, then it all goes on.
TEST_P(Faults, RepliesWithoutBuffersAreCountedAndNothingLeaks) {
  settings_.services = {service("echo", {"udp/7"}, {"echo"})};
  start();
  const auto request = [](std::uint32_t i) {
    return traffic::frame()
        .ipv4(packet::ipv4(0xc6120001 + i % 50), host4)
        .udp(static_cast<std::uint16_t>(i), 7)
        .payload(20)
        .build();
  };
  is_pulling_ = false;
  constexpr std::uint32_t first = 6000;
  for (std::uint32_t i = 0; i < first; ++i) {
    push(request(i));
    if (i % 64 == 0) throttle(1000);
  }
  settle();
  const auto starved = router_->ledger();
  EXPECT_GT(starved.no_buffer, 0U);
  EXPECT_EQ(starved.delivered, first);
  is_pulling_ = true;
  pull();
  wait_until("held replies are sent", [&] { return router_->ledger().replied == replies_.size(); });
  const auto replied_before = router_->ledger().replied;
  for (std::uint32_t i = 0; i < 500; ++i) {
    push(request(i));
    if (i % 32 == 0) settle();
  }
  settle();
  stop_and_check();
  EXPECT_EQ(ledger_.replied + ledger_.tx_full + ledger_.no_buffer, ledger_.delivered) << "one answer each, or its loss";
  EXPECT_GE(ledger_.replied, replied_before + 450) << "it did not recover";
  for (const auto& reply : replies_) packet::read_back(reply);
}

}  // namespace
}  // namespace portier::test
