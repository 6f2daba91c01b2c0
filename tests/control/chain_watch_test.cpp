// Who is in charge of a delivery chain: conditions of targets over time, and what lanes and operators are told.
#include "control/chain_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace portier::control {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;
using datapath::TargetState;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Clock::time_point start{100s};

TEST(Judge, ATargetThatIsNotThereIsAbsentAndReadyOnceItIs) {
  auto memory = judge({}, {.is_present = false}, start, 50ms);
  EXPECT_EQ(memory.condition, Condition::absent);
  memory = judge(memory, {.is_present = true}, start + 1ms, 50ms);
  EXPECT_EQ(memory.condition, Condition::ready);
}

TEST(Judge, NothingToTakeIsNoStall) {
  auto memory = judge({}, {.waiting = 0, .taken = 7}, start, 50ms);
  memory = judge(memory, {.waiting = 0, .taken = 7}, start + 10s, 50ms);
  EXPECT_EQ(memory.condition, Condition::ready);
}

TEST(Judge, AStallCountsFromTheLastPacketTaken) {
  auto memory = judge({}, {.waiting = 5, .taken = 7}, start, 50ms);
  memory = judge(memory, {.waiting = 5, .taken = 8}, start + 40ms, 50ms);
  memory = judge(memory, {.waiting = 5, .taken = 8}, start + 89ms, 50ms);
  EXPECT_EQ(memory.condition, Condition::ready);
  memory = judge(memory, {.waiting = 5, .taken = 8}, start + 90ms, 50ms);
  EXPECT_EQ(memory.condition, Condition::stalled);
  memory = judge(memory, {.waiting = 4, .taken = 9}, start + 91ms, 50ms);
  EXPECT_EQ(memory.condition, Condition::ready);
}

/// Says what the test tells it to say.
class Told final : public datapath::Handler {
 public:
  explicit Told(const TargetState& state) : state_(&state) {}
  void on_burst(datapath::Burst&) override {}
  bool has_state() const override { return true; }
  TargetState state() const override { return *state_; }

 private:
  const TargetState* state_;
};

class Plain final : public datapath::Handler {
 public:
  void on_burst(datapath::Burst&) override {}
};

/// One service, "dns", of two targets that can be told, "first" and "second", and a plain one, "last".
class ChainWatchTest : public testing::Test {
 protected:
  ChainWatchTest() {
    ServiceSettings service;
    service.name = "dns";
    for (const auto* name : {"first", "second", "last"}) service.deliver.push_back({name, {}, {}});
    service.stall_ms = 50;
    settings_.services.push_back(service);
    id_ = *ids_.id_of("dns");
  }

  std::unique_ptr<datapath::Handler> told(std::size_t target) {
    if (target == 2) return std::make_unique<Plain>();
    return std::make_unique<Told>(states_[target]);
  }
  /// A lane on the next core, with those targets that `mask` has.
  datapath::Lane& add_lane(std::uint32_t mask, bool is_receiving = false) {
    std::vector<std::unique_ptr<datapath::Handler>> chain;
    for (std::size_t target = 0; target < 3; ++target) {
      chain.push_back((mask >> target & 1) != 0 ? told(target) : nullptr);
    }
    program_.lanes.emplace_back(id_ + 1U);
    program_.lanes.back()[id_] = std::make_shared<datapath::Lane>(std::move(chain), 1, is_receiving);
    watch_.follow(program_, settings_, ids_);
    return *program_.lanes.back()[id_];
  }
  std::vector<std::string> tick(std::chrono::milliseconds at, std::uint64_t faults = 0) {
    std::vector<std::string> sentences;
    for (const auto& event : watch_.tick(start + at, faults)) sentences.push_back(event.sentence);
    return sentences;
  }

  Settings settings_;
  ServiceIds ids_;
  table::ServiceId id_ = 0;
  std::array<TargetState, 2> states_;
  datapath::Program program_;
  ChainWatch watch_;
};

TEST_F(ChainWatchTest, TheNextOneTakesOverAndGivesBack) {
  const auto& lane = add_lane(0b111);
  EXPECT_THAT(tick(0ms), IsEmpty());
  EXPECT_FALSE(watch_.take_change());
  EXPECT_EQ(lane.target(), lane.at(0));

  states_[0].is_present = false;
  EXPECT_THAT(tick(5ms), ElementsAre("service 'dns': first is absent; second is in charge"));
  EXPECT_TRUE(watch_.take_change());
  EXPECT_EQ(lane.target(), lane.at(1));
  EXPECT_THAT(tick(10ms), IsEmpty()) << "told once";

  states_[1] = {.is_present = true, .waiting = 3, .taken = 0};
  EXPECT_THAT(tick(15ms), IsEmpty());
  EXPECT_THAT(tick(65ms), ElementsAre("service 'dns': second is stalled; last is in charge"));
  EXPECT_EQ(lane.target(), lane.at(2));

  states_[0].is_present = true;
  EXPECT_THAT(tick(70ms), ElementsAre("service 'dns': first is ready; first is in charge"));
  EXPECT_EQ(lane.target(), lane.at(0));
  EXPECT_EQ(watch_.status().at(0).changes, 3U);
  EXPECT_EQ(watch_.status().at(0).in_charge, "first");
}

TEST_F(ChainWatchTest, AnExhaustedChainHasNobody) {
  settings_.services[0].deliver.pop_back();
  add_lane(0b011);
  states_[0].is_present = states_[1].is_present = false;
  EXPECT_THAT(tick(0ms), ElementsAre(testing::HasSubstr("first is absent; nobody is left"),
                                     testing::HasSubstr("second is absent")));
  EXPECT_EQ(watch_.status().at(0).in_charge, "");
}

TEST_F(ChainWatchTest, CoresHearOfTargetsThatOthersCall) {
  const auto& receiving = add_lane(0b010, true);  // the rx core calls "second" alone
  const auto& worker = add_lane(0b101);
  EXPECT_THAT(tick(0ms), IsEmpty());
  EXPECT_EQ(receiving.target(), nullptr) << "first is in charge, and it is the worker's";
  EXPECT_EQ(worker.target(), worker.at(0));

  states_[0].is_present = false;
  EXPECT_EQ(tick(5ms).size(), 1U);
  EXPECT_EQ(receiving.target(), receiving.at(1)) << "the rx core keeps what it may call itself";
  EXPECT_EQ(worker.target(), worker.at(2)) << "for what is on its way";

  states_[1].is_present = false;
  EXPECT_THAT(tick(10ms), ElementsAre("service 'dns': second is absent; last is in charge"));
  EXPECT_EQ(receiving.target(), nullptr);
}

TEST_F(ChainWatchTest, ATargetThatThrowsTooOftenIsPassedOverAndNamed) {
  auto& lane = add_lane(0b111);
  EXPECT_THAT(tick(0ms), IsEmpty());
  lane.note_fault();
  EXPECT_EQ(lane.target(), lane.at(1)) << "its core need not wait for control";
  EXPECT_THAT(tick(5ms, 1), ElementsAre(testing::HasSubstr("first has thrown too often")));
  EXPECT_EQ(watch_.status().at(0).in_charge, "second");
  EXPECT_THAT(tick(10ms, 1), IsEmpty());
}

TEST_F(ChainWatchTest, WhatIsKnownOfALaneOutlivesAReload) {
  add_lane(0b111);
  states_[0] = {.is_present = true, .waiting = 1, .taken = 0};
  tick(0ms);
  watch_.follow(program_, settings_, ids_);
  EXPECT_THAT(tick(50ms), ElementsAre(testing::HasSubstr("first is stalled")));
}

}  // namespace
}  // namespace portier::control
