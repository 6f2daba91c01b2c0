/// Stage 7: one call per service and burst, in order; what handlers refuse, keep, send and throw.
#include "datapath/stage7_deliver.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <stdexcept>

#include "datapath/arrivals.hpp"
#include "datapath/burst.hpp"
#include "datapath/delivery_fixture.hpp"
#include "traffic/random.hpp"

namespace portier::datapath {
namespace {

using packet::Reason;
using table::ServiceId;
using traffic::Frame;

constexpr std::uint64_t now_tsc = 1'000'000;
constexpr std::size_t services = 70;

/// What a handler saw in one call: the packets' hashes, which the tests number.
struct Call {
  ServiceId service = 0;
  std::vector<std::uint32_t> packets;
  friend bool operator==(const Call&, const Call&) = default;
};

class Scripted final : public Handler {
 public:
  Scripted(std::vector<Call>& calls, std::function<void(Burst&)> act) : calls_(calls), act_(std::move(act)) {}
  void on_burst(Burst& burst) override {
    Call call{burst[0].service(), {}};
    for (const auto& packet : burst) call.packets.push_back(packet.flow_hash());
    calls_.push_back(call);
    if (act_) act_(burst);
  }

 private:
  std::vector<Call>& calls_;
  std::function<void(Burst&)> act_;
};

class DeliveryTest : public OutboxOverRings {
 protected:
  void SetUp() override {
    OutboxOverRings::SetUp();
    program_.lanes.resize(2);
    program_.lanes[1].resize(services);
    delivery_ = std::make_unique<Delivery>(1, *outbox_, counters_);
  }

  using Act = std::function<void(Burst&)>;
  void bind(ServiceId service, std::vector<Act> chain = {nullptr}, unsigned max_faults = 2) {
    std::vector<std::unique_ptr<Handler>> targets;
    for (auto& act : chain) targets.push_back(std::make_unique<Scripted>(calls_, std::move(act)));
    program_.lanes[1][service] = std::make_shared<Lane>(std::move(targets), max_faults);
  }

  /// One burst of packets for these services, numbered from `first`.
  void deliver(const std::vector<ServiceId>& to, std::uint32_t first = 0) {
    for (std::size_t i = 0; i < to.size(); ++i) {
      auto& slot = *ring_.reserve(1);
      slot.facts = {};
      slot.facts.hash = first + static_cast<std::uint32_t>(i);
      slot.facts.service = to[i];
      slot.facts.length = static_cast<std::uint16_t>(frame_.size());
      slot.facts.time = static_cast<std::uint32_t>(now_tsc / 16 - 100);
      slot.facts.l4_and_device = 1 << 12 | 34;
      slot.facts.proto = packet::wire::proto_udp;
      slot.facts.flags = crosscore::flag_ipv4;
      std::copy(frame_.begin(), frame_.end(), slot.bytes);
    }
    ring_.publish();
    program_.generation += 1;  // lanes may have changed since the last burst
    delivery_->deliver(program_, FrontSlots(ring_), now_tsc);
    ring_.release();
  }

  std::uint64_t delivered(ServiceId service) const { return counters_.delivered[service].packets.value(); }
  std::uint64_t dropped(ServiceId service, Reason reason) const {
    return counters_.dropped[service][static_cast<std::size_t>(reason)].value();
  }
  std::vector<Frame> flushed(std::size_t device) {
    outbox_->flush();
    return sent(device);
  }

  const Frame frame_ =
      traffic::frame().ipv4(traffic::v4(10, 0, 0, 1), traffic::v4(10, 0, 0, 2)).udp(7, 9).payload(18).build();
  std::vector<Call> calls_;
  crosscore::SlotRing ring_{256};
  Program program_;
  std::unique_ptr<Delivery> delivery_;
};

TEST_F(DeliveryTest, OneCallPerServiceInOrderOfArrival) {
  for (ServiceId service = 2; service < 5; ++service) bind(service);
  deliver({3, 2, 3, 4, 2, 3});
  EXPECT_EQ(calls_, (std::vector<Call>{{3, {0, 2, 5}}, {2, {1, 4}}, {4, {3}}}));
  EXPECT_EQ(delivered(2), 2U);
  EXPECT_EQ(delivered(3), 3U);
  EXPECT_EQ(delivered(4), 1U);
  EXPECT_EQ(counters_.delivered[3].bytes.value(), 3 * frame_.size());
  EXPECT_EQ(counters_.latency.count(3, crosscore::histogram_bucket(100)), 3U);
}

TEST_F(DeliveryTest, AnyBurstKeepsTheOrderOfEveryService) {
  for (ServiceId service = 2; service < services; ++service) bind(service);
  traffic::Random random(6);
  for (int round = 0; round < 5000; ++round) {
    std::vector<ServiceId> to(random.between(1, max_burst));
    const auto spread = random.between(1, services - 2);
    for (auto& service : to) service = static_cast<ServiceId>(2 + random.below(spread));
    std::vector<Call> expected;
    for (std::uint32_t i = 0; i < to.size(); ++i) {
      auto at = std::ranges::find(expected, to[i], &Call::service);
      if (at == expected.end()) at = expected.insert(at, Call{to[i], {}});
      at->packets.push_back(i);
    }
    calls_.clear();
    deliver(to);
    ASSERT_EQ(calls_, expected) << "round " << round;
  }
}

TEST_F(DeliveryTest, SixtyFourServicesInOneBurst) {
  std::vector<ServiceId> to;
  for (ServiceId service = 2; service < 66; ++service) {
    bind(service);
    to.push_back(service);
  }
  deliver(to);
  EXPECT_EQ(calls_.size(), 64U);
}

TEST_F(DeliveryTest, WithoutATargetThePacketsAreDropped) {
  program_.lanes[1][3] = std::make_shared<Lane>(std::vector<std::unique_ptr<Handler>>{}, 1);
  bind(4);
  deliver({2, 3, 4, 69, 3});
  EXPECT_EQ(dropped(2, Reason::no_target), 1U) << "no lane";
  EXPECT_EQ(dropped(3, Reason::no_target), 2U) << "an empty chain";
  EXPECT_EQ(dropped(69, Reason::no_target), 1U);
  EXPECT_EQ(delivered(4), 1U);
  program_.lanes[1].resize(3);
  deliver({4000, 2});
  EXPECT_EQ(dropped(4000, Reason::no_target), 1U) << "a service that this program does not know";
}

TEST_F(DeliveryTest, RefusedPacketsAreNamedDrops) {
  bind(2, {[](Burst& burst) {
         burst.refuse(0, Reason::service_drop);
         burst.refuse(2, Reason::service_reject);
       }});
  deliver({2, 2, 2, 2});
  EXPECT_EQ(dropped(2, Reason::service_drop), 1U);
  EXPECT_EQ(dropped(2, Reason::service_reject), 1U);
  EXPECT_EQ(delivered(2), 2U);
  EXPECT_EQ(counters_.delivered[2].bytes.value(), 2 * frame_.size());
}

TEST_F(DeliveryTest, RepliesLeaveByTheDeviceOfTheirPacketAndForwardsByTheirOwn) {
  bind(2, {[](Burst& burst) {
         std::ranges::fill(burst.reply(0, 60), std::uint8_t{1});
         std::ranges::fill(burst.forward(0, 61), std::uint8_t{2});
         std::ranges::fill(burst.reply(0, 70), std::uint8_t{3});
         burst.trim(62);
         std::ranges::fill(burst.reply(0, 63), std::uint8_t{4});
         burst.cancel();
       }});
  deliver({2});
  EXPECT_EQ(flushed(1), (std::vector<Frame>{Frame(60, 1), Frame(62, 3)}));
  EXPECT_EQ(flushed(0), (std::vector<Frame>{Frame(61, 2)}));
}

TEST_F(DeliveryTest, AFaultLosesItsCallAndNothingElse) {
  bind(2);
  bind(3, {[](Burst& burst) {
         std::ranges::fill(burst.reply(0, 60), std::uint8_t{1});
         burst.refuse(1, Reason::service_drop);
         throw std::runtime_error("broken");
       }});
  bind(4, {[](Burst& burst) { std::ranges::fill(burst.reply(0, 61), std::uint8_t{2}); }});
  deliver({2, 3, 3, 4});
  EXPECT_EQ(dropped(3, Reason::handler_fault), 2U);
  EXPECT_EQ(dropped(3, Reason::service_drop), 0U) << "the call did not happen";
  EXPECT_EQ(delivered(3), 0U);
  EXPECT_EQ(counters_.faults.value(), 1U);
  EXPECT_EQ(delivered(2) + delivered(4), 2U);
  EXPECT_EQ(flushed(1), (std::vector<Frame>{Frame(61, 2)})) << "what the broken handler began is not sent";
}

TEST_F(DeliveryTest, AnythingMayBeThrown) {
  bind(2, {[](Burst&) { throw 7; }}, 100);
  EXPECT_NO_THROW(deliver({2}));
  EXPECT_EQ(dropped(2, Reason::handler_fault), 1U);
}

TEST_F(DeliveryTest, TheChainMovesOnAfterItsFaultsAndEnds) {
  const auto broken = [](Burst&) { throw std::runtime_error("broken"); };
  int standby_calls = 0;
  const auto standby = [&](Burst&) {
    if (++standby_calls > 1) throw std::runtime_error("broken too");
  };
  bind(2, {broken, standby}, 2);
  const Lane& lane = *program_.lanes[1][2];
  const Handler* const first = lane.target();
  deliver({2});
  EXPECT_EQ(lane.target(), first) << "one fault is forgiven";
  deliver({2});
  EXPECT_NE(lane.target(), first);
  deliver({2, 2});
  EXPECT_EQ(delivered(2), 2U);
  deliver({2});
  EXPECT_NE(lane.target(), nullptr) << "faults are counted anew for each target";
  deliver({2});
  EXPECT_EQ(lane.target(), nullptr);
  deliver({2, 2, 2});
  EXPECT_EQ(dropped(2, Reason::handler_fault), 4U);
  EXPECT_EQ(dropped(2, Reason::no_target), 3U);
  EXPECT_EQ(counters_.faults.value(), 4U);
}

TEST_F(DeliveryTest, KeptPacketsOutliveTheCall) {
  std::vector<KeptPacket> kept;
  bind(2, {[&](Burst& burst) {
         for (std::size_t i = 0; i < burst.size(); ++i) kept.push_back(burst.keep(i));
       }});
  deliver({2, 2, 2});
  ASSERT_EQ(kept.size(), 3U);
  EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size - 3);
  for (std::uint32_t i = 0; i < 3; ++i) {
    ASSERT_TRUE(kept[i]);
    EXPECT_NE(kept[i].view().frame().data(), frame_.data()) << "a copy";
    EXPECT_TRUE(std::ranges::equal(kept[i].view().frame(), frame_));
    EXPECT_EQ(kept[i].view().flow_hash(), i);
    EXPECT_EQ(kept[i].view().flow_key().dst_port, 9);
    EXPECT_EQ(kept[i].view().device(), 1);
  }
  KeptPacket moved = std::move(kept[0]);
  EXPECT_FALSE(kept[0]);
  EXPECT_TRUE(moved);
  moved = std::move(kept[1]);
  EXPECT_EQ(moved.view().flow_hash(), 1U);
  moved = KeptPacket{};
  kept.clear();
  EXPECT_FALSE(moved);
  EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size);
}

TEST_F(DeliveryTest, KeepingWithoutBuffersGivesNothing) {
  std::vector<rte_mbuf*> taken(pool_size);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_, taken.data(), pool_size), 0);
  bool has_kept = true;
  bool has_replied = true;
  bind(2, {[&](Burst& burst) {
         has_kept = static_cast<bool>(burst.keep(0));
         has_replied = !burst.reply(0, 60).empty();
       }});
  deliver({2});
  EXPECT_FALSE(has_kept || has_replied);
  EXPECT_EQ(delivered(2), 1U) << "delivered all the same";
  EXPECT_EQ(counters_.no_buffer.value(), 2U);
  rte_pktmbuf_free_bulk(taken.data(), pool_size);
}

/// What a broken handler has kept is its own: it comes home with the handler's object.
TEST_F(DeliveryTest, KeptPacketsSurviveAFault) {
  auto kept = std::make_shared<std::vector<KeptPacket>>();
  bind(2, {[kept](Burst& burst) {
         kept->push_back(burst.keep(0));
         throw std::runtime_error("broken");
       }});
  deliver({2});
  ASSERT_EQ(kept->size(), 1U);
  EXPECT_TRUE(std::ranges::equal(kept->front().view().frame(), frame_));
  kept->clear();
}

}  // namespace
}  // namespace portier::datapath
