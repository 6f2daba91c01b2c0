// Delivery chains in a running router: targets that come, go and stall; postponed packets; targets of the rx core.
#include <deque>

#include "datapath/turn.hpp"
#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

/// A queue that the test opens and closes: what every target with an application behind it is for the router.
class Mailroom {
 public:
  std::atomic<bool> is_there{true};
  std::atomic<bool> takes{true};
  std::atomic<std::uint64_t> waiting{0};
  std::atomic<std::uint64_t> taken{0};
};

class Desk final : public datapath::TurnTaker {
 public:
  explicit Desk(Mailroom& room) : room_(room) {}

  void put(Burst& burst) {
    for (std::size_t i = 0; i < burst.size(); ++i) {
      if (!room_.is_there) {
        burst.refuse(i, Reason::no_target);
        continue;
      }
      letters_.push_back({burst[i].service(), burst[i].frame().size()});
      burst.postpone(i);
      room_.waiting += 1;
      held_ += 1;
    }
  }
  bool on_turn(datapath::Turn& turn) override {
    const bool is_dead = !room_.is_there || turn.is_last();
    bool has_worked = false;
    while (!letters_.empty() && (room_.takes || is_dead)) {
      const auto [service, bytes] = letters_.front();
      letters_.pop_front();
      if (is_dead) {
        turn.dropped(service, turn.is_last() ? Reason::shutdown : Reason::no_target, 1);
      } else {
        turn.delivered(service, 1, bytes);
        room_.taken += 1;
      }
      room_.waiting -= 1;
      held_ -= 1;
      has_worked = true;
    }
    return has_worked;
  }
  std::uint64_t waiting() const override { return held_; }

 private:
  struct Letter {
    std::uint16_t service;
    std::size_t bytes;
  };
  Mailroom& room_;
  std::deque<Letter> letters_;
  std::atomic<std::uint64_t> held_{0};
};

class Queueing final : public datapath::Handler {
 public:
  explicit Queueing(Mailroom& room) : room_(room), desk_(std::make_shared<Desk>(room)) {}
  void on_burst(Burst& burst) override { desk_->put(burst); }
  bool has_state() const override { return true; }
  datapath::TargetState state() const override { return {room_.is_there, desk_->waiting(), room_.taken}; }
  std::shared_ptr<datapath::TurnTaker> turn_taker() override { return desk_; }

 private:
  Mailroom& room_;
  std::shared_ptr<Desk> desk_;
};

class ChainTest : public PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    registry_.add(
        "queue", [this](const HandlerContext&) { return std::make_unique<Queueing>(room_); },
        handlers::Place::receiving);
    registry_.add("worker_queue", [this](const HandlerContext&) { return std::make_unique<Queueing>(room_); });
  }
  void start_with(const std::vector<std::string>& chain) {
    auto made = service("mail", both("53"), chain);
    made.stall_ms = 20;
    settings_.services.push_back(made);
    settings_.services.push_back(service("other", both("54"), {"count"}));
    start();
  }
  void push_some(std::uint32_t count, std::uint16_t port = 53) {
    for (std::uint32_t i = 0; i < count; ++i) {
      push(numbered(i % 16, i, port));
      push(numbered(i % 16, i, 54));
      throttle(200);
    }
  }
  std::string in_charge() const { return router_->chains().at(0).in_charge; }
  void wait_for_charge(const std::string& label) {
    wait_until("another target is in charge", [&] { return in_charge() == label; });
  }

  Mailroom room_;
};

TEST_P(ChainTest, PostponedPacketsAreInFlightUntilTheyAreTaken) {
  start_with({"queue"});
  room_.takes = false;
  for (std::uint32_t i = 0; i < 10; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return room_.waiting == 10; });
  auto ledger = router_->ledger();
  EXPECT_EQ(ledger.in_flight, 10U);
  EXPECT_EQ(ledger.delivered, 0U);
  room_.takes = true;
  settle();
  ledger = router_->ledger();
  EXPECT_EQ(ledger.in_flight, 0U);
  EXPECT_EQ(ledger.delivered, 10U);
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 10U);
  EXPECT_EQ(account("mail").delivered_bytes, [&] {
    std::uint64_t bytes = 0;
    for (std::uint32_t i = 0; i < 10; ++i) bytes += numbered(i, i, 53).size();
    return bytes;
  }());
}

TEST_P(ChainTest, WhatWaitsAtTheEndIsAShutdownDrop) {
  start_with({"queue"});
  room_.takes = false;
  for (std::uint32_t i = 0; i < 10; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return room_.waiting == 10; });
  stop_and_check();
  EXPECT_EQ(dropped(account("mail"), Reason::shutdown), 10U);
}

TEST_P(ChainTest, AnAbsentTargetIsPassedOverAndTakenBack) {
  start_with({"queue", "record"});
  push_some(50);
  settle();
  EXPECT_EQ(room_.taken, 50U);
  room_.is_there = false;
  wait_for_charge("record");
  push_some(50);
  settle();
  EXPECT_EQ(journal_.count(), 50U);
  room_.is_there = true;
  wait_for_charge("queue");
  push_some(50);
  settle();
  EXPECT_EQ(room_.taken, 100U);
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 150U);
  EXPECT_EQ(account("other").delivered, 150U) << "nobody else notices";
}

TEST_P(ChainTest, AStalledTargetIsPassedOverUntilItGoesOn) {
  start_with({"worker_queue", "record"});
  room_.takes = false;
  push(numbered(1, 1, 53));
  wait_for_charge("record");
  // Each core notices by itself: on the others some packets wait first.
  for (std::uint32_t i = 0; i < 50; ++i) push(numbered(i % 16, i, 53));
  wait_until("every packet is somewhere", [&] { return journal_.count() + room_.waiting == 51; });
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  const auto before = journal_.count();
  for (std::uint32_t i = 0; i < 16; ++i) push(numbered(1, i, 53));
  wait_until("the standby has them", [&] { return journal_.count() == before + 16; });
  room_.takes = true;
  wait_for_charge("worker_queue");
  settle();
  const auto taken = room_.taken.load();
  push_some(10);
  settle();
  EXPECT_EQ(room_.taken, taken + 10);
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 77U);
}

TEST_P(ChainTest, AnExhaustedChainDropsByNameAndLeaksToNobody) {
  start_with({"queue"});
  room_.is_there = false;
  wait_for_charge("");
  push_some(40);
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(account("mail"), Reason::no_target), 40U);
  EXPECT_EQ(account("other").delivered, 40U);
}

TEST_P(ChainTest, AReloadThatReplacesTheChainSettlesWhatWaits) {
  start_with({"queue"});
  room_.takes = false;
  for (std::uint32_t i = 0; i < 10; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return room_.waiting == 10; });
  auto changed = settings_;
  changed.services[0].deliver = {{"record", {}, {}}};
  EXPECT_EQ(router_->reload(changed), std::nullopt);
  push_some(20);
  wait_until("the new chain has them", [&] { return journal_.count() == 20; });
  room_.takes = true;
  settle();
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 30U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, ChainTest, all_shapes(), name_of);

}  // namespace
}  // namespace portier::test
