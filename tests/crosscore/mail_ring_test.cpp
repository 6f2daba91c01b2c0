// Rings between processes: packets arrive whole and in order, and no word of the other side leads anywhere it must not.
#include "crosscore/mail_ring.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "crosscore/mail_region.hpp"

namespace portier::crosscore {
namespace {

class MailRingTest : public testing::Test {
 protected:
  static constexpr std::size_t places = 512;
  static constexpr std::size_t capacity = 256;

  MailRingTest() : slots_(places) { place_ = {&positions_, slots_.data(), places, capacity}; }

  static std::uint8_t pattern(std::uint64_t number, std::size_t at) {
    return static_cast<std::uint8_t>(number * 7 + at);
  }
  static bool put(MailProducer& producer, std::uint64_t number, std::size_t length) {
    Slot* slot = producer.reserve(slots_for(length));
    if (slot == nullptr) return false;
    slot->facts = {};
    slot->facts.time = static_cast<std::uint32_t>(number);
    slot->facts.length = static_cast<std::uint16_t>(length);
    auto* bytes = reinterpret_cast<std::uint8_t*>(slot) + sizeof(SlotFacts);
    for (std::size_t i = 0; i < length; ++i) bytes[i] = pattern(number, i);
    return true;
  }
  static void expect_packet(const MailFront& front, std::uint64_t number, std::size_t length) {
    ASSERT_NE(front.bytes, nullptr);
    ASSERT_EQ(front.facts.length, length);
    for (std::size_t i = 0; i < length; ++i) ASSERT_EQ(front.bytes[i], pattern(number, i)) << number << " at " << i;
  }

  alignas(64) MailPositions positions_{};
  std::vector<Slot> slots_;
  MailRingPlace place_;
};

TEST_F(MailRingTest, PacketsOfAllSizesComeWholeAndInOrder) {
  MailProducer producer(place_);
  MailConsumer consumer(place_);
  std::mt19937 random(1);
  std::uint64_t put_count = 0;
  std::uint64_t taken = 0;
  std::vector<std::size_t> lengths;
  while (taken < 5000) {
    const std::size_t length = 1 + random() % (random() % 4 == 0 ? max_frame_bytes : 300);
    if (put(producer, put_count, length)) {
      lengths.push_back(length);
      put_count += 1;
    }
    producer.publish();
    if (random() % 2 == 0) continue;
    for (auto front = consumer.front(); front.bytes != nullptr; front = consumer.front()) {
      expect_packet(front, taken, lengths[taken]);
      consumer.pop();
      taken += 1;
    }
    consumer.release();
  }
  EXPECT_FALSE(producer.is_broken());
  EXPECT_FALSE(consumer.is_broken());
}

TEST_F(MailRingTest, NothingIsSeenBeforeItIsPublishedAndNoMoreThanTheCapacityIsFull) {
  MailProducer producer(place_);
  MailConsumer consumer(place_);
  for (std::size_t i = 0; i < capacity; ++i) EXPECT_TRUE(put(producer, i, 60));
  EXPECT_FALSE(put(producer, 0, 60));
  EXPECT_EQ(consumer.front().bytes, nullptr);
  producer.publish();
  expect_packet(consumer.front(), 0, 60);
  consumer.pop();
  EXPECT_FALSE(put(producer, 0, 60)) << "popped is not released";
  consumer.release();
  EXPECT_TRUE(put(producer, 0, 60));
  EXPECT_FALSE(put(producer, 0, 60));
}

TEST_F(MailRingTest, AConsumerThatClaimsWhatItNeverGotBreaksItsRing) {
  for (const std::uint64_t lie : {std::uint64_t{11}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{256}}) {
    positions_.consumed.store(0);
    MailProducer producer(place_);
    for (std::size_t i = 0; i < 10; ++i) put(producer, i, 60);
    producer.publish();
    positions_.consumed.store(lie);
    EXPECT_EQ(producer.look(), 0U) << lie;
    EXPECT_TRUE(producer.is_broken()) << lie;
  }
}

TEST_F(MailRingTest, AConsumerThatGoesBackBreaksItsRing) {
  MailProducer producer(place_);
  for (std::size_t i = 0; i < 10; ++i) put(producer, i, 60);
  producer.publish();
  positions_.consumed.store(5);
  EXPECT_EQ(producer.look(), 5U);
  positions_.consumed.store(4);
  EXPECT_EQ(producer.look(), 5U);
  EXPECT_TRUE(producer.is_broken());
}

TEST_F(MailRingTest, APositionBeyondTheCapacityBreaksTheRing) {
  for (const std::uint64_t lie : {std::uint64_t{capacity + 1}, ~std::uint64_t{0}}) {
    MailConsumer consumer(place_);
    positions_.produced.store(lie);
    EXPECT_EQ(consumer.front().bytes, nullptr);
    EXPECT_TRUE(consumer.is_broken());
    positions_.produced.store(1);
    EXPECT_EQ(consumer.front().bytes, nullptr) << "broken stays broken";
  }
}

TEST_F(MailRingTest, LengthsAndPadsThatDoNotFitBreakTheRing) {
  const auto is_broken_by = [&](std::uint16_t service, std::uint16_t length, std::uint64_t produced) {
    MailConsumer consumer(place_);
    slots_[0].facts = {.service = service, .length = length};
    positions_.produced.store(produced);
    EXPECT_EQ(consumer.front().bytes, nullptr);
    return consumer.is_broken();
  };
  EXPECT_TRUE(is_broken_by(1, 0, 1)) << "no bytes";
  EXPECT_TRUE(is_broken_by(1, 113, 1)) << "two slots of one";
  EXPECT_TRUE(is_broken_by(1, max_frame_bytes + 1, 200)) << "too long";
  EXPECT_TRUE(is_broken_by(1, 65535, 200));
  EXPECT_TRUE(is_broken_by(pad_service, 0, 200)) << "a pad of nothing would be read for ever";
  EXPECT_TRUE(is_broken_by(pad_service, 3, 200)) << "a pad in the middle";
  EXPECT_TRUE(is_broken_by(pad_service, 512, 200)) << "a pad of more than there is";
}

/// Whatever stands in the shared memory, a reader stays inside the array and comes to an end.
TEST_F(MailRingTest, RandomMemoryIsNeverFollowedOutside) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20'000; ++round) {
    for (auto& slot : slots_) {
      const auto word = random();
      slot.facts = {};
      slot.facts.service = word % 8 == 0 ? pad_service : static_cast<std::uint16_t>(word >> 16);
      slot.facts.length = static_cast<std::uint16_t>(word % 3 == 0 ? word >> 32 : word >> 32 & 0xff);
      if (random() % 32 == 0) break;
    }
    MailConsumer consumer(place_);
    positions_.produced.store(random() % 3 == 0 ? random() : random() % (capacity + 2));
    std::size_t steps = 0;
    for (auto front = consumer.front(); front.bytes != nullptr; front = consumer.front()) {
      const auto* begin = reinterpret_cast<const std::uint8_t*>(slots_.data());
      ASSERT_GE(front.bytes, begin);
      ASSERT_LE(front.bytes + front.facts.length, begin + places * slot_size);
      consumer.pop();
      ASSERT_LE(++steps, capacity);
    }
  }
}

TEST_F(MailRingTest, TwoThreadsPassAMillionPackets) {
  constexpr std::uint64_t count = 1'000'000;
  std::thread sender([&] {
    MailProducer producer(place_);
    for (std::uint64_t i = 0; i < count;) {
      if (put(producer, i, 20)) {
        i += 1;
        if (i % 16 != 0) continue;
      } else {
        std::this_thread::yield();
      }
      producer.publish();
    }
    producer.publish();
  });
  MailConsumer consumer(place_);
  std::uint64_t taken = 0;
  while (taken < count) {
    const auto front = consumer.front();
    if (front.bytes == nullptr) {
      consumer.release();
      std::this_thread::yield();
      continue;
    }
    ASSERT_EQ(front.facts.time, static_cast<std::uint32_t>(taken));
    consumer.pop();
    taken += 1;
  }
  sender.join();
  EXPECT_FALSE(consumer.is_broken());
}

TEST(MailRegion, RingsLieSideBySideAndInside) {
  const MailShape shape{.cores = 3, .places = 512, .capacity = 256, .reply_places = 1024};
  ASSERT_TRUE(shape.is_sound());
  auto* const start = reinterpret_cast<std::uint8_t*>(std::uintptr_t{1} << 20);
  const auto* end = start + shape.slots_at();
  for (std::uint32_t core = 0; core < 3; ++core) {
    const auto ring = towards_process(start, shape, core);
    EXPECT_EQ(reinterpret_cast<const std::uint8_t*>(ring.slots), end);
    end = reinterpret_cast<const std::uint8_t*>(ring.slots + ring.places);
  }
  for (std::uint32_t core = 0; core < 3; ++core) {
    const auto ring = towards_router(start, shape, core);
    EXPECT_EQ(reinterpret_cast<const std::uint8_t*>(ring.slots), end);
    end = reinterpret_cast<const std::uint8_t*>(ring.slots + ring.places);
  }
  EXPECT_EQ(static_cast<std::size_t>(end - start), shape.region_bytes());
  EXPECT_LE(shape.positions_at(2 * 3), shape.slots_at());
}

TEST(MailRegion, ShapesThatNobodyMakesAreRefused) {
  const MailShape sound{.cores = 1, .places = 512, .capacity = 256, .reply_places = 256};
  EXPECT_TRUE(sound.is_sound());
  for (const auto& [field, value] :
       std::vector<std::pair<std::uint32_t MailShape::*, std::uint32_t>>{{&MailShape::cores, 0},
                                                                         {&MailShape::cores, 65},
                                                                         {&MailShape::places, 500},
                                                                         {&MailShape::places, 1U << 31},
                                                                         {&MailShape::capacity, 513},
                                                                         {&MailShape::capacity, 0},
                                                                         {&MailShape::reply_places, 128},
                                                                         {&MailShape::reply_places, 257}}) {
    auto shape = sound;
    shape.*field = value;
    EXPECT_FALSE(shape.is_sound()) << value;
  }
}

}  // namespace
}  // namespace portier::crosscore
