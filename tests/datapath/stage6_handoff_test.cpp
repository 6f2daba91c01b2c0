/// Stage 6: when what was written into a ring becomes visible.
#include "datapath/stage6_handoff.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "traffic/frame.hpp"

namespace portier::datapath {
namespace {

constexpr std::size_t workers = 4;

class Handoff : public testing::Test {
 protected:
  void SetUp() override {
    for (auto& ring : rings_) pointers_.push_back((ring = std::make_unique<crosscore::SlotRing>(256)).get());
    for (auto* ring : pointers_) shares_.emplace_back(*ring);
  }

  /// One burst with a packet for each of these workers.
  void hand_off(const std::vector<std::size_t>& to, bool is_full, table::ServiceId service = 2) {
    burst_ = {};
    burst_.count = to.size();
    burst_.live = first_rows(to.size());
    for (std::size_t i = 0; i < to.size(); ++i) {
      burst_.data[i] = frame_.data();
      burst_.present[i] = burst_.wire_length[i] = static_cast<std::uint32_t>(frame_.size());
      burst_.head[i] = slot_head(burst_.present[i], 34, 0, packet::wire::proto_udp, crosscore::flag_ipv4);
      burst_.worker[i] = static_cast<table::WorkerIndex>(to[i]);
      burst_.service[i] = service;
      burst_.hash[i] = next_++;
    }
    stage6_handoff(burst_, pointers_, shares_, state_, is_full, unpublished_);
  }
  std::vector<std::size_t> visible() const {
    std::vector<std::size_t> counts;
    for (const auto& ring : rings_) counts.push_back(ring->size());
    return counts;
  }
  using Counts = std::vector<std::size_t>;

  const traffic::Frame frame_ =
      traffic::frame().ipv4(traffic::v4(10, 0, 0, 1), traffic::v4(10, 0, 0, 2)).udp(7, 9).payload(18).build();
  std::array<std::unique_ptr<crosscore::SlotRing>, workers> rings_;
  std::vector<crosscore::SlotRing*> pointers_;
  std::vector<RingShares> shares_;
  CoreCounters counters_;
  DemuxState state_{.fragments = FragmentMemory({}), .counters = counters_};
  RxBurst burst_;
  Unpublished unpublished_;
  std::uint32_t next_ = 0;
};

TEST_F(Handoff, ABurstThatIsNotFullIsSeenAtOnce) {
  hand_off({0, 1, 1}, false);
  EXPECT_EQ(visible(), (Counts{1, 2, 0, 0}));
  EXPECT_EQ(unpublished_.rings, 0U);
}

TEST_F(Handoff, FewOfAFullBurstWaitUntilTheNextOne) {
  hand_off({0, 0, 2}, true);
  EXPECT_EQ(visible(), (Counts{0, 0, 0, 0}));
  hand_off({0, 1}, true);
  EXPECT_EQ(visible(), (Counts{3, 0, 1, 0})) << "worker 1 begins to wait, worker 2 has waited without getting more";
  hand_off({3}, false);
  EXPECT_EQ(visible(), (Counts{3, 1, 1, 1}));
}

TEST_F(Handoff, EnoughAreSeenAtOnce) {
  std::vector<std::size_t> to(Unpublished::enough_slots, 1);
  to.push_back(3);
  hand_off(to, true);
  EXPECT_EQ(visible(), (Counts{0, Unpublished::enough_slots, 0, 0}));
  hand_off(std::vector<std::size_t>(Unpublished::enough_slots - 1, 1), true);
  EXPECT_EQ(visible(), (Counts{0, Unpublished::enough_slots, 0, 1}));
}

TEST_F(Handoff, ATurnWithoutPacketsEndsTheWaiting) {
  hand_off({0, 1, 2, 3}, true);
  publish_rest(pointers_, unpublished_);
  EXPECT_EQ(visible(), (Counts{1, 1, 1, 1}));
  EXPECT_EQ(unpublished_.rings, 0U);
}

TEST_F(Handoff, WhatDidNotFitWaitsForNothing) {
  const auto dropped = [&](table::ServiceId service, packet::Reason reason) {
    return counters_.dropped[service][static_cast<std::size_t>(reason)].value();
  };
  for (int i = 0; i < 5; ++i) hand_off(std::vector<std::size_t>(64, 0), true);
  EXPECT_EQ(visible(), (Counts{128, 0, 0, 0}));
  EXPECT_EQ(dropped(2, packet::Reason::over_share), 192U) << "others could be waiting";
  EXPECT_EQ(unpublished_.rings, 0U);
  for (table::ServiceId service = 3; service < 203; ++service) hand_off({0}, true, service);
  EXPECT_EQ(visible(), (Counts{256, 0, 0, 0}));
  EXPECT_EQ(dropped(130, packet::Reason::ring_full), 0U);
  EXPECT_EQ(dropped(131, packet::Reason::ring_full), 1U);
  EXPECT_EQ(counters_.handed_off.value(), 256U);
  EXPECT_EQ(counters_.dropped_before_rings.value(), 192U + 72U);
}

TEST_F(Handoff, AShareIsOneOfARing) {
  for (int i = 0; i < 5; ++i) hand_off(std::vector<std::size_t>(64, 0), true);
  hand_off(std::vector<std::size_t>(64, 1), true);
  EXPECT_EQ(visible(), (Counts{128, 64, 0, 0})) << "what it holds of one is not held against it at another";
}

}  // namespace
}  // namespace portier::datapath
