/// Frames on their way out: limits, what a device does not take, and the relay to the core that owns the queue.
#include "datapath/outbox.hpp"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>

#include "datapath/delivery_fixture.hpp"
#include "datapath/stage8_transmit.hpp"
#include "nic/device.hpp"
#include "nic/relay_ring.hpp"
#include "nic/ring_device.hpp"

namespace portier::datapath {
namespace {

using traffic::Frame;

/// Opens frames of two bytes that count on from `first`; returns how many there was a buffer for.
std::size_t open_numbered(Outbox& outbox, std::uint8_t device, std::size_t first, std::size_t count) {
  std::size_t opened = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto out = outbox.open(device, 2);
    if (out.empty()) continue;
    packet::store16(out.data(), static_cast<std::uint16_t>(first + i));
    opened += 1;
  }
  return opened;
}

std::vector<std::size_t> numbers_of(const std::vector<Frame>& frames) {
  std::vector<std::size_t> numbers;
  for (const auto& bytes : frames) numbers.push_back(packet::load16(bytes.data()));
  return numbers;
}

std::vector<std::size_t> counting(std::size_t first, std::size_t count) {
  std::vector<std::size_t> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = first + i;
  return numbers;
}

using OutboxTest = OutboxOverRings;

TEST_F(OutboxTest, SendsWhatIsCommittedInOrder) {
  EXPECT_EQ(open_numbered(*outbox_, 0, 0, 3), 3U);
  EXPECT_EQ(open_numbered(*outbox_, 1, 10, 2), 2U);
  EXPECT_EQ(open_numbered(*outbox_, 0, 3, 1), 1U);
  outbox_->flush();
  EXPECT_TRUE(sent(0).empty()) << "nothing was committed";
  EXPECT_TRUE(outbox_->is_empty());
  outbox_->commit();
  EXPECT_FALSE(outbox_->is_empty());
  outbox_->flush();
  EXPECT_TRUE(outbox_->is_empty());
  EXPECT_EQ(numbers_of(sent(0)), counting(0, 4));
  EXPECT_EQ(numbers_of(sent(1)), counting(10, 2));
}

TEST_F(OutboxTest, RollbackTakesBackOnlyWhatIsNotCommitted) {
  open_numbered(*outbox_, 0, 0, 2);
  outbox_->commit();
  open_numbered(*outbox_, 0, 2, 5);
  outbox_->rollback();
  outbox_->commit();
  outbox_->flush();
  EXPECT_EQ(numbers_of(sent(0)), counting(0, 2));
}

TEST_F(OutboxTest, CancelAndTrimMeanTheLastFrame) {
  outbox_->cancel();  // nothing open: nothing happens
  outbox_->trim(3);
  open_numbered(*outbox_, 0, 0, 1);
  open_numbered(*outbox_, 0, 1, 1);
  outbox_->cancel();
  auto out = outbox_->open(0, 100);
  std::ranges::fill(out, std::uint8_t{7});
  outbox_->trim(200);
  outbox_->trim(60);
  outbox_->commit();
  outbox_->cancel();  // committed: no longer anybody's to cancel
  outbox_->flush();
  const auto frames = sent(0);
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(packet::load16(frames[0].data()), 0);
  EXPECT_EQ(frames[1], Frame(60, 7));
}

TEST_F(OutboxTest, RefusesLengthsAndDevicesThatAreNot) {
  EXPECT_TRUE(outbox_->open(0, 0).empty());
  EXPECT_TRUE(outbox_->open(0, crosscore::max_frame_bytes + 1).empty());
  EXPECT_TRUE(outbox_->open(devices, 60).empty());
  const auto longest = outbox_->open(1, crosscore::max_frame_bytes);
  ASSERT_EQ(longest.size(), crosscore::max_frame_bytes);
  std::ranges::fill(longest, std::uint8_t{3});
  outbox_->commit();
  outbox_->flush();
  ASSERT_EQ(sent(1).size(), 1U);
}

TEST_F(OutboxTest, AtMost256FramesAreOpenAtOnce) {
  EXPECT_EQ(open_numbered(*outbox_, 0, 0, 300), 256U);
  EXPECT_EQ(counters_.no_buffer.value(), 44U);
  outbox_->commit();
  EXPECT_EQ(open_numbered(*outbox_, 0, 256, 1), 1U);
  outbox_->commit();
  outbox_->flush();
  EXPECT_EQ(numbers_of(sent(0)), counting(0, 257));
}

TEST_F(OutboxTest, AnEmptyPoolIsCountedAndOver) {
  std::vector<rte_mbuf*> taken(pool_size - 1);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_, taken.data(), pool_size - 1), 0);
  EXPECT_EQ(open_numbered(*outbox_, 0, 0, 3), 1U);
  EXPECT_EQ(outbox_->copy(Frame(60)), nullptr);
  EXPECT_EQ(counters_.no_buffer.value(), 3U);
  rte_pktmbuf_free_bulk(taken.data(), pool_size - 1);
  auto* copy = outbox_->copy(Frame(60, 9));
  ASSERT_NE(copy, nullptr);
  EXPECT_EQ(copy->data_len, 60);
  EXPECT_EQ(*rte_pktmbuf_mtod(copy, const std::uint8_t*), 9);
  rte_pktmbuf_free(copy);
}

/// A device takes 511: 256 more are held for it, in order, and what is beyond is lost with a count.
TEST_F(OutboxTest, ADeviceThatIsFull) {
  for (std::size_t first = 0; first < 800; first += 100) {
    ASSERT_EQ(open_numbered(*outbox_, 0, first, 100), 100U);
    outbox_->commit();
    outbox_->flush();
  }
  EXPECT_EQ(counters_.tx_full.value(), 800U - ring_room - 256);
  EXPECT_FALSE(outbox_->is_empty());
  open_numbered(*outbox_, 1, 5, 1);
  outbox_->commit();
  outbox_->flush();
  EXPECT_EQ(numbers_of(sent(1)), counting(5, 1)) << "another device does not suffer";
  EXPECT_EQ(numbers_of(sent(0)), counting(0, ring_room));
  outbox_->flush();
  EXPECT_EQ(numbers_of(sent(0)), counting(ring_room, 256));
  EXPECT_TRUE(outbox_->is_empty());
}

TEST_F(OutboxTest, AbandonCountsWhatIsLost) {
  open_numbered(*outbox_, 0, 0, 4);
  open_numbered(*outbox_, 1, 0, 3);
  outbox_->commit();
  outbox_->abandon();
  EXPECT_TRUE(outbox_->is_empty());
  EXPECT_EQ(counters_.tx_full.value(), 7U);
  EXPECT_EQ(counters_.replied.value(), 0U);
}

TEST_F(OutboxTest, DestructionGivesEverythingBack) {
  open_numbered(*outbox_, 0, 0, 4);
  outbox_->commit();
  open_numbered(*outbox_, 1, 0, 3);
  outbox_.reset();
  EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size);
}

/// A real transmit queue of one core, and a second core that has to go through the first.
class Relayed : public OutboxOverRings {
 protected:
  static constexpr unsigned queue_room = 63;

  void SetUp() override {
    OutboxOverRings::SetUp();
    far_end_ = std::make_unique<nic::RingDevice>("relayed", 1, queue_room + 1, 64);
    nic::DeviceSpec spec;
    spec.name = "relayed";
    spec.eal_devices = {far_end_->eal_name()};
    spec.mbufs_per_queue = 64;
    device_ = std::make_unique<nic::Device>(spec);
    relay_ = std::make_unique<nic::RelayRing>("relayed", 128);
    const auto queue = device_->tx_queues().front();
    owner_ = std::make_unique<Outbox>(pool_, std::vector<TxLane>{{queue.port, queue.queue, nullptr}}, owner_counters_);
    worker_ = std::make_unique<Outbox>(pool_, std::vector<TxLane>{{queue.port, queue.queue, relay_->get()}}, counters_);
  }

  void TearDown() override {
    worker_.reset();
    owner_.reset();
    device_->close();
    far_end_->drain();
    relay_.reset();
    device_.reset();
    far_end_.reset();
    OutboxOverRings::TearDown();
  }

  void send_from_worker(std::size_t first, std::size_t count) {
    ASSERT_EQ(open_numbered(*worker_, 0, first, count), count);
    worker_->commit();
    worker_->flush();
  }
  void turn_of_owner() {
    const Relay relay{relay_->get(), 0};
    stage8_transmit(*owner_, {&relay, 1});
  }
  std::vector<std::size_t> pulled() {
    std::vector<Frame> frames;
    far_end_->pull(
        [](void* context, packet::Bytes bytes) {
          static_cast<std::vector<Frame>*>(context)->emplace_back(bytes.begin(), bytes.end());
        },
        &frames);
    return numbers_of(frames);
  }

  std::unique_ptr<nic::RingDevice> far_end_;
  std::unique_ptr<nic::Device> device_;
  std::unique_ptr<nic::RelayRing> relay_;
  CoreCounters owner_counters_;
  std::unique_ptr<Outbox> owner_;
  std::unique_ptr<Outbox> worker_;
};

TEST_F(Relayed, FramesAreSentOnceAndCountedWhereTheQueueIs) {
  send_from_worker(0, 20);
  EXPECT_TRUE(pulled().empty()) << "the owner has not had its turn";
  EXPECT_TRUE(worker_->is_empty());
  open_numbered(*owner_, 0, 20, 2);
  owner_->commit();
  turn_of_owner();
  auto numbers = pulled();
  std::ranges::sort(numbers);
  EXPECT_EQ(numbers, counting(0, 22));
  EXPECT_EQ(counters_.replied.value(), 0U);
  EXPECT_EQ(owner_counters_.replied.value(), 22U);
}

/// Queue 63, held 256, relay 127, held at the worker 256: all of it kept in order, and not a frame more.
TEST_F(Relayed, FullFromEndToEnd) {
  std::size_t next = 0;
  for (; next < 700; next += 100) {
    ASSERT_NO_FATAL_FAILURE(send_from_worker(next, 100));
    turn_of_owner();
    turn_of_owner();
  }
  ASSERT_NO_FATAL_FAILURE(send_from_worker(next, 50));
  const std::size_t kept = queue_room + 256 + 127 + 256;
  EXPECT_EQ(counters_.tx_full.value(), 750 - kept);
  EXPECT_EQ(owner_counters_.tx_full.value(), 0U);
  EXPECT_EQ(owner_counters_.replied.value(), queue_room);
  std::vector<std::size_t> arrived;
  for (int turn = 0; turn < 50; ++turn) {
    const auto now = pulled();
    arrived.insert(arrived.end(), now.begin(), now.end());
    worker_->flush();
    turn_of_owner();
  }
  EXPECT_EQ(arrived, counting(0, kept));
  EXPECT_EQ(owner_counters_.replied.value(), kept);
  EXPECT_TRUE(worker_->is_empty() && owner_->is_empty());
}

/// What there is room for is never lost to a full queue, and there is room again when the device goes on.
TEST_F(OutboxTest, RoomIsKept) {
  std::size_t opened = 0;
  for (int turn = 0; turn < 100; ++turn) {
    const auto room = std::min<std::size_t>(outbox_->room(0), 64);
    opened += open_numbered(*outbox_, 0, opened, room);
    outbox_->commit();
    if (turn % 3 == 0) outbox_->flush();
    if (room == 0) break;
  }
  EXPECT_EQ(outbox_->room(0), 0U);
  EXPECT_EQ(outbox_->held(0), 256U);
  EXPECT_EQ(outbox_->room(9), 0U) << "no such device";
  std::vector<std::size_t> seen;
  while (outbox_->held(0) != 0) {
    for (const auto number : numbers_of(sent(0))) seen.push_back(number);
    outbox_->flush();
  }
  for (const auto number : numbers_of(sent(0))) seen.push_back(number);
  EXPECT_EQ(seen, counting(0, opened));
  EXPECT_EQ(outbox_->room(0), 256U);
  EXPECT_EQ(counters_.tx_full.value(), 0U);
}

}  // namespace
}  // namespace portier::datapath
