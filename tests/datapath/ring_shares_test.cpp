/// Shares of a scarce ring: who gets slots and who does not, and against a model of the ring with random services,
/// lengths and consumption.
#include "datapath/ring_shares.hpp"

#include <gtest/gtest.h>

#include <map>
#include <vector>

#include "traffic/random.hpp"

namespace portier::datapath {
namespace {

using crosscore::SlotRing;
using packet::Reason;
using table::ServiceId;
using traffic::Random;

constexpr std::size_t capacity = 256;
constexpr ServiceId hog = 2, other_hog = 3, newcomer = 4, last_service = 4095;

struct Packet {
  ServiceId service;
  std::uint16_t bytes;
  std::uint64_t begin, end;  ///< positions, without the pad before it
};

/// A ring that is used as stage 6 and a worker use it, and what is in it by another account.
class Shared {
 public:
  explicit Shared(std::size_t places = 0) : ring_(capacity, places), shares_(ring_) {}

  /// None: it is in the ring.
  Reason put(ServiceId service, std::size_t bytes = 60) {
    const auto count = crosscore::slots_for(bytes);
    auto refusal = Reason::none;
    auto* slot = ring_.reserve_before_look(count);
    if (slot == nullptr) slot = shares_.reserve(service, count, refusal);
    EXPECT_EQ(slot == nullptr, refusal != Reason::none);
    if (slot == nullptr) return refusal;
    slot->facts = {.hash = static_cast<std::uint32_t>(put_.size()),
                   .service = service,
                   .length = static_cast<std::uint16_t>(bytes)};
    const auto end = ring_.reserved_position();
    put_.push_back({service, static_cast<std::uint16_t>(bytes), end - count, end});
    return refusal;
  }
  std::size_t put_until_refused(ServiceId service) {
    std::size_t packets = 0;
    while (put(service) == Reason::none) packets += 1;
    return packets;
  }
  /// The worker takes out at most so many packets and gives their slots back.
  void take(std::size_t packets) {
    ring_.publish();
    for (; packets != 0; --packets) {
      const auto* slot = ring_.front();
      if (slot == nullptr) break;
      ASSERT_LT(taken_, put_.size());
      const auto& packet = put_[taken_];
      EXPECT_EQ(slot->facts.hash, taken_) << "in the order of reservation";
      EXPECT_EQ(slot->facts.service, packet.service);
      EXPECT_EQ(slot->facts.length, packet.bytes);
      ring_.pop(*slot);
      taken_ += 1;
    }
    ring_.release();
  }

  std::size_t used() const { return ring_.reserved_position() - ring_.consumed_position(); }
  std::size_t free() const { return capacity - used(); }
  /// By the other account, of packets that begin at `position` or behind.
  std::map<ServiceId, std::size_t> held_from(std::uint64_t position) const {
    std::map<ServiceId, std::size_t> held;
    for (auto packet = put_.rbegin(); packet != put_.rend() && packet->begin >= position; ++packet) {
      held[packet->service] += packet->end - packet->begin;
    }
    return held;
  }
  std::size_t held(ServiceId service) const { return held_from(ring_.consumed_position())[service]; }
  SlotRing& ring() { return ring_; }
  const RingShares& shares() const { return shares_; }
  std::size_t put_in_all() const { return put_.size(); }
  std::size_t taken_in_all() const { return taken_; }

 private:
  SlotRing ring_;
  RingShares shares_;
  std::vector<Packet> put_;  ///< all that were ever let in
  std::size_t taken_ = 0;
};

TEST(RingShares, UpToAHalfNobodyCounts) {
  Shared ring;
  for (std::size_t i = 0; i < capacity / 2; ++i) EXPECT_EQ(ring.put(hog), Reason::none);
  EXPECT_FALSE(ring.shares().is_scarce());
  EXPECT_EQ(ring.put(hog), Reason::over_share);
  EXPECT_TRUE(ring.shares().is_scarce());
  EXPECT_EQ(ring.shares().held(hog), capacity / 2);
}

TEST(RingShares, ANewcomerFindsAsMuchAsAHogHolds) {
  Shared ring;
  EXPECT_EQ(ring.put_until_refused(hog), capacity / 2);
  EXPECT_EQ(ring.put_until_refused(newcomer), capacity / 4);
  EXPECT_EQ(ring.put(hog), Reason::over_share);
}

TEST(RingShares, TwoThatWantAllGetAThirdEach) {
  Shared ring;
  EXPECT_EQ(ring.put_until_refused(hog), capacity / 2);
  for (int i = 0; i < 2000; ++i) {
    ring.take(1);
    ring.put(hog);
    ring.put(other_hog);
  }
  EXPECT_NEAR(static_cast<double>(ring.held(hog)), capacity / 3.0, 3);
  EXPECT_NEAR(static_cast<double>(ring.held(other_hog)), capacity / 3.0, 3);
  EXPECT_EQ(ring.put(newcomer), Reason::none);
}

TEST(RingShares, AFullRingIsFull) {
  Shared ring;
  ServiceId service = hog;
  while (ring.put(service) == Reason::none) service += 1;  // each has one packet, so none is over its share
  EXPECT_EQ(ring.used(), capacity);
  EXPECT_EQ(ring.put(hog), Reason::ring_full);
  EXPECT_EQ(ring.put(last_service), Reason::ring_full) << "who holds nothing, too";
  ring.take(1);
  EXPECT_EQ(ring.put(static_cast<ServiceId>(hog + 1)), Reason::over_share) << "it holds one and would leave none";
  EXPECT_EQ(ring.put(last_service), Reason::none);
}

TEST(RingShares, TheLongestPacketOfWhoHoldsNothing) {
  Shared ring;
  EXPECT_EQ(ring.put_until_refused(hog), capacity / 2);
  EXPECT_EQ(ring.put(newcomer, crosscore::max_frame_bytes), Reason::none);
  EXPECT_EQ(ring.shares().held(newcomer), crosscore::max_slots_per_packet) << "more than what is left";
  EXPECT_EQ(ring.put(newcomer), Reason::over_share);
  EXPECT_EQ(ring.put(other_hog, crosscore::max_frame_bytes), Reason::ring_full);
}

TEST(RingShares, BelowAQuarterItIsForgotten) {
  Shared ring;
  ring.put_until_refused(hog);
  ring.take(capacity / 4 - 1);
  while (ring.put(hog) == Reason::none) {
  }
  EXPECT_TRUE(ring.shares().is_scarce()) << "never looked at below a quarter";
  ring.take(capacity);
  EXPECT_EQ(ring.put_until_refused(hog), capacity / 2);
  ring.take(capacity / 2 - capacity / 4);
  EXPECT_EQ(ring.put_until_refused(hog), capacity / 4);
  ring.take(capacity);
  for (std::size_t i = 0; i < capacity / 2; ++i) {
    ASSERT_EQ(ring.put(newcomer), Reason::none);
    ring.take(1);
  }
  EXPECT_FALSE(ring.shares().is_scarce());
  for (ServiceId service = 0; service <= last_service; ++service) ASSERT_EQ(ring.shares().held(service), 0U);
}

/// All that is promised, after each step of random use.
class RingSharesModel : public testing::TestWithParam<std::uint32_t> {
 protected:
  void put(Shared& ring, ServiceId service, std::size_t bytes) {
    const auto count = crosscore::slots_for(bytes);
    const auto taken = ring.ring().slots_with_pad(count);
    const auto held = ring.held(service);
    const bool fits = taken <= ring.free();
    const auto refusal = ring.put(service, bytes);
    if (!fits) {
      ASSERT_EQ(refusal, Reason::ring_full);
    } else if (refusal == Reason::none) {
      ASSERT_TRUE(held == 0 || held + count <= ring.free()) << held << " held, " << ring.free() << " free";
    } else {
      ASSERT_EQ(refusal, Reason::over_share);
      ASSERT_GT(held, 0U) << "who holds nothing is not refused";
      ASSERT_GT(held + count, ring.free() - taken) << "refused though it had a share left";
      refused_ += 1;
    }
    ASSERT_TRUE(ring.used() <= capacity / 2 || ring.shares().is_scarce());
    if (ring.shares().is_scarce()) compare_counts(ring);
  }
  /// What it counts is what the ring holds behind the place where the worker was last seen.
  void compare_counts(Shared& ring) {
    scarce_steps_ += 1;
    auto held = ring.held_from(ring.ring().reserved_position() - ring.ring().used_as_seen());
    for (ServiceId service = 0; service < 12; ++service) ASSERT_EQ(ring.shares().held(service), held[service]);
    ASSERT_EQ(ring.shares().held(last_service), held[last_service]);
  }

  std::uint64_t refused_ = 0;
  std::uint64_t scarce_steps_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Seeds, RingSharesModel, testing::Range(0U, 24U));

TEST_P(RingSharesModel, HoldsWhateverComesAndGoes) {
  Random random(GetParam());
  Shared ring(GetParam() % 2 == 0 ? 0 : 4 * capacity);
  std::uint32_t services = 1;
  std::uint32_t takes_at_most = 1;
  for (int step = 0; step < 20'000; ++step) {
    if (step % 500 == 0) {  // another crowd, another pace
      services = 1 + random.below(12);
      takes_at_most = 1 + random.below(40);
    }
    // The first ones want more than the others.
    auto service = static_cast<ServiceId>(random.below(1 + random.below(services)));
    if (random.below(50) == 0) service = last_service;
    const auto bytes =
        random.below(40) == 0 ? 1 + random.below(std::uint32_t{crosscore::max_frame_bytes}) : 1 + random.below(300);
    ASSERT_NO_FATAL_FAILURE(put(ring, service, bytes));
    if (random.below(16) == 0) ring.take(random.below(takes_at_most));
  }
  ring.take(capacity);
  EXPECT_EQ(ring.used(), 0U);
  EXPECT_EQ(ring.taken_in_all(), ring.put_in_all()) << "each packet that was let in came out once";
  EXPECT_GT(refused_, 0U);
  EXPECT_GT(scarce_steps_, 1000U);
}

}  // namespace
}  // namespace portier::datapath
