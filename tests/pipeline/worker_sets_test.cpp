/// Worker sets that change under load: the fewest flows move, none is reordered, nobody waits for a laggard.
#include <map>

#include "packet/flow_hash.hpp"
#include "pipeline/reload_fixture.hpp"
#include "table/core_map.hpp"

namespace portier::test {
namespace {

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
  settings_.router.ring_slots = 8192;  // half of it is more than what is pushed
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
