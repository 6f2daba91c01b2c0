/// The slot ring: against a model on one thread, and between two threads with every packet's content checked.
#include "crosscore/slot_ring.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <thread>

#include "traffic/random.hpp"

namespace portier::crosscore {
namespace {

using traffic::Random;

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr std::uint32_t packets_between_threads = 200'000;
#else
constexpr std::uint32_t packets_between_threads = 2'000'000;
#endif
constexpr std::size_t smallest_ring = 256;

std::uint8_t* bytes_of(Slot* slot) { return reinterpret_cast<std::uint8_t*>(slot) + sizeof(SlotFacts); }
const std::uint8_t* bytes_of(const Slot* slot) {
  return reinterpret_cast<const std::uint8_t*>(slot) + sizeof(SlotFacts);
}

std::uint8_t fill_of(std::uint32_t number) { return static_cast<std::uint8_t>(number * 151 + 7); }

void write(Slot* slot, std::uint32_t number, std::size_t length) {
  slot->facts = {.hash = number, .time = ~number, .service = 2, .length = static_cast<std::uint16_t>(length)};
  std::memset(bytes_of(slot), fill_of(number), length);
}

/// Number and content of a packet, to its last byte.
bool is_packet(const Slot* slot, std::uint32_t number, std::size_t length) {
  if (slot == nullptr || slot->facts.hash != number || slot->facts.time != ~number || slot->facts.length != length) {
    return false;
  }
  const auto* bytes = bytes_of(slot);
  // All bytes are equal when the first is right and each equals the one behind it.
  return bytes[0] == fill_of(number) && std::memcmp(bytes, bytes + 1, length - 1) == 0;
}

/// Mostly small, sometimes up to the longest: 1 to 77 slots.
std::size_t length_of(std::uint32_t number) {
  const std::uint32_t mixed = number * 0x9e3779b1U;
  const auto reach = (mixed >> 27) == 0 ? max_frame_bytes : (mixed >> 29) == 1 ? std::size_t{1600} : first_slot_bytes;
  return 1 + (mixed & 0x3fff) % reach;
}

TEST(SlotRing, SlotsForEveryLength) {
  struct Case {
    std::size_t bytes, slots;
  };
  for (const auto& [bytes, slots] :
       {Case{0, 1}, {1, 1}, {112, 1}, {113, 2}, {240, 2}, {241, 3}, {1514, 12}, {9728, 77}}) {
    EXPECT_EQ(slots_for(bytes), slots) << bytes;
  }
  for (std::size_t bytes = 1; bytes <= max_frame_bytes; ++bytes) {
    ASSERT_GE(slots_for(bytes) * slot_size, bytes + sizeof(SlotFacts));
    ASSERT_LT((slots_for(bytes) - 1) * slot_size, bytes + sizeof(SlotFacts));
  }
}

TEST(SlotRing, StartsEmptyAndOnItsOwnLines) {
  SlotRing ring(smallest_ring);
  EXPECT_EQ(ring.capacity(), smallest_ring);
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(ring.reserve(1)) % slot_size, 0U);
}

TEST(SlotRing, NothingIsSeenBeforePublish) {
  SlotRing ring(smallest_ring);
  write(ring.reserve(1), 1, 60);
  write(ring.reserve(2), 2, 200);
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_EQ(ring.reserved_position(), 3U);
  EXPECT_EQ(ring.published_position(), 0U);
  ring.publish();
  EXPECT_EQ(ring.size(), 3U);
  const auto* first = ring.front();
  EXPECT_TRUE(is_packet(first, 1, 60));
  EXPECT_EQ(ring.front(), first) << "until it is popped";
  ring.pop(*first);
  EXPECT_TRUE(is_packet(ring.front(), 2, 200));
}

TEST(SlotRing, FullToTheLastSlot) {
  SlotRing ring(smallest_ring);
  for (std::uint32_t i = 0; i < smallest_ring; ++i) write(ring.reserve(1), i, 100);
  EXPECT_EQ(ring.reserve(1), nullptr);
  ring.publish();
  EXPECT_EQ(ring.size(), smallest_ring);
  for (std::uint32_t i = 0; i < smallest_ring; ++i) {
    const auto* slot = ring.front();
    ASSERT_TRUE(is_packet(slot, i, 100));
    ring.pop(*slot);
  }
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_EQ(ring.reserve(1), nullptr) << "popped is not released";
  EXPECT_EQ(ring.consumed_position(), 0U);
  ring.release();
  EXPECT_EQ(ring.size(), 0U);
  EXPECT_NE(ring.reserve(1), nullptr);
}

TEST(SlotRing, ReservesFreelyUpToWhereItShallLook) {
  SlotRing ring(smallest_ring);
  EXPECT_EQ(ring.reserve_before_look(1), nullptr) << "nobody has looked yet";
  EXPECT_EQ(ring.look(), 0U);
  ring.look_again_at(10);
  write(ring.reserve_before_look(2), 0, 200);
  write(ring.reserve_before_look(8), 1, 1000);
  EXPECT_EQ(ring.reserve_before_look(1), nullptr);
  write(ring.reserve(1), 2, 100);
  EXPECT_EQ(ring.used_as_seen(), 11U);
  ring.publish();
  ring.pop(*ring.front());
  ring.release();
  EXPECT_EQ(ring.used_as_seen(), 11U) << "nobody has looked";
  EXPECT_EQ(ring.look(), 2U);
  EXPECT_EQ(ring.used_as_seen(), 9U);
  EXPECT_EQ(ring.written(2).hash, 1U);
  EXPECT_EQ(ring.written(10).hash, 2U);
}

TEST(SlotRing, SaysWhatAPacketTakesWithItsPad) {
  SlotRing ring(smallest_ring);
  EXPECT_EQ(ring.slots_with_pad(5), 5U);
  for (std::uint32_t i = 0; i < smallest_ring - 4; ++i) write(ring.reserve(1), i, 1);
  ring.publish();
  while (const auto* slot = ring.front()) ring.pop(*slot);
  ring.release();
  EXPECT_EQ(ring.slots_with_pad(4), 4U);
  EXPECT_EQ(ring.slots_with_pad(5), 9U);
  const auto before = ring.reserved_position();
  ASSERT_NE(ring.reserve(5), nullptr);
  EXPECT_EQ(ring.reserved_position(), before + 9);
  EXPECT_EQ(ring.written(before).service, pad_service);
  EXPECT_EQ(ring.written(before).length, 4U);
}

TEST(SlotRing, PoppedBytesStayUntilRelease) {
  SlotRing ring(smallest_ring);
  std::uint32_t number = 0;
  while (auto* slot = ring.reserve(slots_for(1500))) write(slot, number++, 1500);
  ring.publish();
  std::vector<const Slot*> popped;
  while (const auto* slot = ring.front()) {
    popped.push_back(slot);
    ring.pop(*slot);
  }
  ASSERT_EQ(popped.size(), number);
  EXPECT_EQ(ring.reserve(slots_for(1500)), nullptr);
  for (std::uint32_t i = 0; i < number; ++i) EXPECT_TRUE(is_packet(popped[i], i, 1500)) << i;
}

/// The longest packet at every place of the smallest ring: behind a pad, or exactly up to the end.
TEST(SlotRing, TheLongestPacketWrapsFromEveryPlace) {
  for (std::size_t start = 0; start < smallest_ring; ++start) {
    SlotRing ring(smallest_ring);
    for (std::uint32_t i = 0; i < start; ++i) {
      write(ring.reserve(1), i, 1);
      ring.publish();
      ring.pop(*ring.front());
      ring.release();
    }
    auto* slot = ring.reserve(max_slots_per_packet);
    ASSERT_NE(slot, nullptr) << start << ": an empty ring has room for the longest packet";
    write(slot, 1234, max_frame_bytes);
    ring.publish();
    const bool is_padded = start + max_slots_per_packet > smallest_ring;
    EXPECT_EQ(ring.size(), max_slots_per_packet + (is_padded ? smallest_ring - start : 0));
    const auto* seen = ring.front();
    ASSERT_EQ(seen, slot) << start;
    EXPECT_TRUE(is_packet(seen, 1234, max_frame_bytes));
    ring.pop(*seen);
    EXPECT_EQ(ring.front(), nullptr);
    ring.release();
    EXPECT_EQ(ring.consumed_position(), ring.reserved_position()) << "marks of positions are reached";
  }
}

/// A refused reservation leaves nothing behind: no pad, no gap.
TEST(SlotRing, RefusalChangesNothing) {
  SlotRing ring(smallest_ring);
  for (std::uint32_t i = 0; i < 200; ++i) write(ring.reserve(1), i, 1);
  const auto before = ring.reserved_position();
  EXPECT_EQ(ring.reserve(max_slots_per_packet), nullptr) << "56 slots to the end, none at the start";
  EXPECT_EQ(ring.reserved_position(), before);
  write(ring.reserve(slots_for(7100)), 200, 7100);
  ring.publish();
  for (std::uint32_t i = 0; i <= 200; ++i) {
    const auto* slot = ring.front();
    ASSERT_TRUE(is_packet(slot, i, i == 200 ? 7100 : 1)) << i;
    ring.pop(*slot);
  }
  EXPECT_EQ(ring.front(), nullptr);
}

/// Random operations against a queue of numbers and a count of slots.
TEST(SlotRing, BehavesLikeAQueue) {
  struct Shape {
    std::size_t capacity, places;
  };
  for (const auto& [capacity, places] : {Shape{256, 256}, {1024, 1024}, {256, 512}, {1000, 4096}}) {
    Random random(capacity);
    SlotRing ring(capacity, places);
    std::deque<std::uint32_t> unpublished, published;
    std::uint32_t next = 0;
    std::uint64_t position = 0, released = 0, popped = 0;
    std::deque<std::uint64_t> ends;  // position behind each packet, unpublished ones too
    std::size_t refusals = 0;
    for (int step = 0; step < 300'000; ++step) {
      const auto action = random.below(10);
      if (action < 4) {
        const auto length = length_of(next);
        const auto slots = slots_for(length);
        const auto index = position % places;
        const auto pad = index + slots > places ? places - index : 0;
        const bool has_room = position + pad + slots - released <= capacity;
        auto* slot = ring.reserve(slots);
        ASSERT_EQ(slot != nullptr, has_room) << "step " << step;
        if (slot == nullptr) {
          refusals += 1;
          continue;
        }
        write(slot, next, length);
        unpublished.push_back(next++);
        position += pad + slots;
        ends.push_back(position);
      } else if (action < 6) {
        ring.publish();
        published.insert(published.end(), unpublished.begin(), unpublished.end());
        unpublished.clear();
        ASSERT_EQ(ring.size(), position - released);
      } else if (action < 9) {
        const auto* slot = ring.front();
        ASSERT_EQ(slot == nullptr, published.empty()) << "step " << step;
        if (slot == nullptr) continue;
        ASSERT_TRUE(is_packet(slot, published.front(), length_of(published.front()))) << "step " << step;
        ring.pop(*slot);
        published.pop_front();
        popped = ends.front();
        ends.pop_front();
      } else {
        ring.release();
        released = std::max(released, popped);
        ASSERT_EQ(ring.consumed_position(), released);
      }
    }
    EXPECT_GT(refusals, 1000U) << "the ring was never full";
    EXPECT_GT(next, 10'000U);
  }
}

struct Capacity {
  std::size_t slots;
  std::size_t places;
  std::uint32_t most_in_burst;
};

class BetweenThreads : public testing::TestWithParam<Capacity> {};

TEST_P(BetweenThreads, EveryPacketArrivesWholeAndInOrder) {
  const auto [slots, places, most_in_burst] = GetParam();
  SlotRing ring(slots, places);
  std::thread producer([&ring, most = most_in_burst] {
    Random random(3);
    for (std::uint32_t number = 0; number < packets_between_threads;) {
      for (auto left = random.between(1, most); left > 0 && number < packets_between_threads; --left) {
        const auto length = length_of(number);
        auto* slot = ring.reserve(slots_for(length));
        if (slot == nullptr) break;
        write(slot, number++, length);
      }
      ring.publish();
      if (ring.size() > ring.capacity() / 2) std::this_thread::yield();
    }
  });
  Random random(4);
  std::uint32_t number = 0;
  bool is_sound = true;
  while (number < packets_between_threads) {
    auto left = random.between(1, most_in_burst);
    for (; left > 0; --left) {
      const auto* slot = ring.front();
      if (slot == nullptr) break;
      is_sound = is_sound && is_packet(slot, number, length_of(number));
      number += 1;
      ring.pop(*slot);
    }
    ring.release();
    if (left != 0) std::this_thread::yield();
  }
  producer.join();
  EXPECT_TRUE(is_sound) << "a packet was not the one that was written";
  EXPECT_EQ(ring.front(), nullptr);
  EXPECT_EQ(ring.size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(SlotRing, BetweenThreads,
                         testing::Values(Capacity{256, 256, 1}, Capacity{256, 256, 64}, Capacity{4096, 4096, 64},
                                         Capacity{256, 1024, 64}),
                         [](const auto& shape) {
                           return std::to_string(shape.param.slots) + "slots_in_" + std::to_string(shape.param.places) +
                                  "_places_bursts_of_" + std::to_string(shape.param.most_in_burst);
                         });

}  // namespace
}  // namespace portier::crosscore
