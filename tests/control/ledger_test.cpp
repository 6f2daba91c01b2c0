/// The ledger: counters of several cores added up, and percentiles against a sorted list of what was counted.
#include "control/ledger.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace portier::control {
namespace {

using datapath::CoreCounters;
using packet::Reason;

constexpr double ghz = 1e9;  // a tick is a nanosecond

std::size_t at(Reason reason) { return static_cast<std::size_t>(reason); }

/// Bucket counts of these latencies, in ticks, as a worker counts them.
std::vector<std::uint64_t> counts_of(const std::vector<std::uint64_t>& ticks) {
  std::vector<std::uint64_t> counts(crosscore::histogram_buckets);
  for (const auto value : ticks) counts[crosscore::histogram_bucket(static_cast<std::uint32_t>(value / 16))] += 1;
  return counts;
}

TEST(Latency, IsZeroWhereNothingWasDelivered) {
  for (const auto& empty : {std::vector<std::uint64_t>{}, std::vector<std::uint64_t>(crosscore::histogram_buckets)}) {
    const auto latency = latency_between({}, empty, ghz);
    EXPECT_EQ(latency.p50, 0U);
    EXPECT_EQ(latency.p99, 0U);
    EXPECT_EQ(latency.p999, 0U);
  }
}

TEST(Latency, IsNeverZeroWhereSomethingWas) {
  const auto latency = latency_between({}, counts_of({0}), 3e9);
  EXPECT_GT(latency.p50, 0U);
  EXPECT_EQ(latency.p50, latency.p99);
  EXPECT_EQ(latency.p50, latency.p999);
}

TEST(Latency, PercentilesBoundTheTrueOnesFromAboveByABucket) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    const auto octaves = 1 + round % 30;
    std::vector<std::uint64_t> ticks(1 + random() % 3000);
    for (auto& value : ticks) value = random() >> (63 - octaves) >> random() % 4;
    const auto latency = latency_between({}, counts_of(ticks), ghz);
    std::sort(ticks.begin(), ticks.end());
    const auto expect_near = [&](std::uint64_t said, double share) {
      const auto rank = static_cast<std::size_t>(share * static_cast<double>(ticks.size()));
      const auto truth = ticks[std::min(rank, ticks.size() - 1)];
      EXPECT_GE(said, truth) << share << " of " << ticks.size() << " values, " << octaves << " octaves";
      EXPECT_LE(static_cast<double>(said), static_cast<double>(truth) * (1 + 1.0 / 16) + 16)
          << share << " of " << ticks.size() << " values, " << octaves << " octaves";
    };
    expect_near(latency.p50, 0.5);
    expect_near(latency.p99, 0.99);
    expect_near(latency.p999, 0.999);
  }
}

TEST(Latency, OneInAHundredIsTheTailOnly) {
  std::vector<std::uint64_t> ticks(1000, 1600);
  std::fill(ticks.begin(), ticks.begin() + 5, 160'000);
  const auto latency = latency_between({}, counts_of(ticks), ghz);
  EXPECT_LT(latency.p50, 1800U);
  EXPECT_EQ(latency.p99, latency.p50);
  EXPECT_GE(latency.p999, 160'000U);
}

TEST(Latency, CountsOnlyWhatCameSince) {
  const auto before = counts_of(std::vector<std::uint64_t>(1000, 1'000'000));
  auto now = before;
  const auto fresh = counts_of({320});
  for (std::size_t bucket = 0; bucket < now.size(); ++bucket) now[bucket] += fresh[bucket];
  EXPECT_EQ(latency_between(before, now, ghz).p999, latency_between({}, fresh, ghz).p999);
  EXPECT_EQ(latency_between(now, now, ghz).p999, 0U);
  EXPECT_EQ(latency_between(before, {}, ghz).p999, 0U);
}

TEST(Latency, IsInNanosecondsWhateverTheClock) {
  const auto counts = counts_of({1'600'000});
  const auto slow = latency_between({}, counts, ghz).p50;
  EXPECT_NEAR(static_cast<double>(latency_between({}, counts, 4 * ghz).p50), static_cast<double>(slow) / 4, 1);
}

/// Two cores: one receives, one delivers.
struct Cores {
  std::unique_ptr<CoreCounters> rx = std::make_unique<CoreCounters>();
  std::unique_ptr<CoreCounters> worker = std::make_unique<CoreCounters>();
  std::vector<ServiceLabel> labels{{"closed", "", ""}, {"answer", "", ""}, {"dns", "udp/53 tcp/53", "well-known"}};

  void receive(table::ServiceId service, std::uint64_t count) const {
    rx->received.packets.add(count);
    rx->received.bytes.add(100 * count);
    rx->in[service].add(count);
  }
  void drop_early(table::ServiceId service, Reason reason, std::uint64_t count) const {
    rx->dropped[service][at(reason)].add(count);
    rx->dropped_before_rings.add(count);
  }
  void hand_off(std::uint64_t count) const { rx->handed_off.add(count); }
  void take(std::uint64_t count) const { worker->taken.add(count); }
  void deliver(table::ServiceId service, std::uint64_t count) const {
    worker->delivered[service].packets.add(count);
    worker->delivered[service].bytes.add(60 * count);
  }
  Ledger ledger() const {
    const std::vector<const CoreCounters*> all{rx.get(), worker.get()};
    return take_ledger(all, labels);
  }
};

TEST(TakeLedger, OfNothingIsNothingAndAddsUp) {
  const auto ledger = take_ledger({}, {});
  EXPECT_EQ(ledger.received, 0U);
  EXPECT_TRUE(ledger.services.empty());
  EXPECT_TRUE(ledger.adds_up());
}

TEST(TakeLedger, FollowsPacketsFromReceiveToTheirEnd) {
  const Cores cores;
  cores.receive(2, 10);
  EXPECT_EQ(cores.ledger().in_flight, 10U) << "received, nothing else";
  EXPECT_TRUE(cores.ledger().adds_up());
  cores.drop_early(2, Reason::ring_full, 3);
  EXPECT_EQ(cores.ledger().in_flight, 7U);
  EXPECT_TRUE(cores.ledger().adds_up());
  cores.hand_off(7);
  EXPECT_EQ(cores.ledger().in_flight, 7U) << "in the ring";
  EXPECT_TRUE(cores.ledger().adds_up());
  cores.take(5);
  EXPECT_EQ(cores.ledger().in_flight, 2U);
  EXPECT_FALSE(cores.ledger().adds_up()) << "taken out of the ring and nowhere to be seen";
  cores.deliver(2, 4);
  cores.worker->dropped[2][at(Reason::handler_fault)].add(1);
  EXPECT_TRUE(cores.ledger().adds_up());
  cores.take(2);
  cores.deliver(2, 2);

  const auto ledger = cores.ledger();
  EXPECT_EQ(ledger.received, 10U);
  EXPECT_EQ(ledger.received_bytes, 1000U);
  EXPECT_EQ(ledger.delivered, 6U);
  EXPECT_EQ(ledger.dropped[at(Reason::ring_full)], 3U);
  EXPECT_EQ(ledger.dropped[at(Reason::handler_fault)], 1U);
  EXPECT_EQ(ledger.dropped_total(), 4U);
  EXPECT_EQ(ledger.in_flight, 0U);
  EXPECT_TRUE(ledger.adds_up());
}

TEST(TakeLedger, APacketThatIsCountedTwiceDoesNotAddUp) {
  const Cores cores;
  cores.receive(2, 1);
  cores.hand_off(1);
  cores.take(1);
  cores.deliver(2, 1);
  EXPECT_TRUE(cores.ledger().adds_up());
  cores.worker->dropped[2][at(Reason::service_drop)].add(1);
  EXPECT_FALSE(cores.ledger().adds_up());
}

TEST(TakeLedger, InFlightIsNeverNegativeWhileCountersMove) {
  const Cores cores;
  cores.take(5);  // the other core's count is not seen yet
  EXPECT_EQ(cores.ledger().in_flight, 0U);
}

TEST(TakeLedger, LabelsServicesAndLeavesOutLatencyOfThoseThatGotNothing) {
  const Cores cores;
  cores.receive(2, 1);
  cores.worker->latency.add(2, 100);
  const auto ledger = cores.ledger();
  ASSERT_EQ(ledger.services.size(), 3U);
  EXPECT_EQ(ledger.services[2].name, "dns");
  EXPECT_EQ(ledger.services[2].ports, "udp/53 tcp/53");
  EXPECT_EQ(ledger.services[2].category, "well-known");
  EXPECT_EQ(ledger.services[2].latency_counts.at(crosscore::histogram_bucket(100)), 1U);
  EXPECT_TRUE(ledger.services[0].latency_counts.empty());
}

TEST(TakeLedger, AddsCoresAndServicesTheSameWay) {
  std::mt19937_64 random(3);
  std::vector<std::unique_ptr<CoreCounters>> cores;
  std::vector<const CoreCounters*> pointers;
  for (int i = 0; i < 5; ++i) {
    cores.push_back(std::make_unique<CoreCounters>());
    pointers.push_back(cores.back().get());
  }
  std::vector<ServiceLabel> labels;
  for (int i = 0; i < 40; ++i) labels.push_back({"s" + std::to_string(i), "", ""});

  std::map<std::size_t, std::uint64_t> delivered;
  std::map<std::pair<std::size_t, std::size_t>, std::uint64_t> dropped;
  std::uint64_t replied = 0;
  for (int event = 0; event < 20'000; ++event) {
    auto& core = *cores[random() % cores.size()];
    const auto service = random() % labels.size();
    const auto reason = random() % packet::reason_count;
    const auto amount = 1 + random() % 3;
    core.in[service].add(amount);
    core.received.packets.add(amount);
    if (reason == 0) {
      core.handed_off.add(amount);
      core.taken.add(amount);
      core.delivered[service].packets.add(amount);
      core.replied.add(1);
      delivered[service] += amount;
      replied += 1;
    } else {
      core.dropped[service][reason].add(amount);
      core.dropped_before_rings.add(amount);
      dropped[{service, reason}] += amount;
    }
  }

  const auto ledger = take_ledger(pointers, labels);
  EXPECT_TRUE(ledger.adds_up());
  EXPECT_EQ(ledger.in_flight, 0U);
  EXPECT_EQ(ledger.replied, replied);
  std::uint64_t all_in = 0;
  std::uint64_t all_delivered = 0;
  DropCounts all_dropped{};
  for (std::size_t id = 0; id < labels.size(); ++id) {
    const auto& account = ledger.services[id];
    EXPECT_EQ(account.delivered, delivered[id]);
    for (std::size_t r = 0; r < packet::reason_count; ++r) {
      const auto expected = dropped.find({id, r});
      EXPECT_EQ(account.dropped[r], expected == dropped.end() ? 0 : expected->second) << id << " " << r;
      all_dropped[r] += account.dropped[r];
    }
    EXPECT_EQ(account.in, account.delivered + account.dropped_total()) << account.name;
    all_in += account.in;
    all_delivered += account.delivered;
  }
  EXPECT_EQ(all_in, ledger.received);
  EXPECT_EQ(all_delivered, ledger.delivered);
  EXPECT_EQ(all_dropped, ledger.dropped);
}

TEST(TakeLedger, CountsWhatIsNotAPacketApart) {
  const Cores cores;
  cores.rx->replied.add(1);
  cores.worker->replied.add(2);
  cores.worker->tx_full.add(3);
  cores.worker->no_buffer.add(4);
  cores.worker->faults.add(5);
  const auto ledger = cores.ledger();
  EXPECT_EQ(ledger.replied, 3U);
  EXPECT_EQ(ledger.tx_full, 3U);
  EXPECT_EQ(ledger.no_buffer, 4U);
  EXPECT_EQ(ledger.handler_faults, 5U);
  EXPECT_TRUE(ledger.adds_up()) << "answers are no part of the account";
}

}  // namespace
}  // namespace portier::control
