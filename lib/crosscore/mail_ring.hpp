/// A ring of slots between two processes, neither of which trusts the other: positions and slots lie in shared memory,
/// everything that a side decides by lies in its own.
///
/// The shared part is two lines and an array. Each side writes its position there and never reads it back; what it
/// reads of the other is copied first and then checked: a position that jumps, a length that does not fit, a pad that
/// does not end the array break the ring for good, on that side alone. Nothing read can lead outside the array.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "crosscore/slot.hpp"

namespace portier::crosscore {

/// C ABI. Positions are free-running counts of slots, as in slot_ring.hpp. Two lines, as each has another writer.
struct MailPositions {
  alignas(cache_line) std::atomic<std::uint64_t> produced;
  alignas(cache_line) std::atomic<std::uint64_t> consumed;
};
static_assert(sizeof(MailPositions) == 2 * cache_line && std::atomic<std::uint64_t>::is_always_lock_free);

/// Where the shared part is. `places` is a power of two; at most `capacity` of them are full at once.
struct MailRingPlace {
  MailPositions* positions = nullptr;
  Slot* slots = nullptr;
  std::size_t places = 0;
  std::size_t capacity = 0;
};

/// Writes packets. One thread of one process.
class MailProducer {
 public:
  MailProducer() = default;
  explicit MailProducer(const MailRingPlace& place) : place_(place) {
    assert(std::has_single_bit(place.places) && place.capacity >= 2 * max_slots_per_packet);
  }

  /// Room for `count` contiguous slots, or null. The other side sees nothing before `publish`.
  Slot* reserve(std::size_t count) {
    const std::size_t index = next_ & (place_.places - 1);
    const std::size_t to_end = place_.places - index;
    const std::size_t pad = count > to_end ? to_end : 0;
    if (next_ + pad + count - consumed_ > place_.capacity) {
      look();
      if (is_broken_ || next_ + pad + count - consumed_ > place_.capacity) return nullptr;
    }
    if (pad != 0) [[unlikely]] {
      place_.slots[index].facts = pad_facts(pad);
      next_ += pad;
    }
    Slot* slot = place_.slots + (next_ & (place_.places - 1));
    next_ += count;
    return slot;
  }
  /// Makes all that was reserved and written visible, and asks for the lines of as many slots again, as in
  /// slot_ring.hpp.
  void publish() {
    const auto count = std::min(next_ - published_, most_asked_slots);
    place_.positions->produced.store(next_, std::memory_order_release);
    published_ = next_;
    for (std::uint64_t k = 0; k < count; ++k) {
      const auto* slot = reinterpret_cast<const char*>(place_.slots + ((next_ + k) & (place_.places - 1)));
      asm volatile("prefetchw %0" ::"m"(slot[0]));
      asm volatile("prefetchw %0" ::"m"(slot[cache_line]));
    }
  }
  bool has_unpublished() const { return published_ != next_; }

  /// Behind the last reserved slot.
  std::uint64_t position() const { return next_; }

  /// How far the other side says that it has come: never behind what it said before, nor beyond what was published.
  std::uint64_t look() {
    const auto said = place_.positions->consumed.load(std::memory_order_acquire);
    if (said - consumed_ > published_ - consumed_) is_broken_ = true;
    else consumed_ = said;
    return consumed_;
  }
  /// The other side has said what cannot be.
  bool is_broken() const { return is_broken_; }

 private:
  static constexpr std::uint64_t most_asked_slots = 64;

  MailRingPlace place_;
  std::uint64_t next_ = 0;
  std::uint64_t published_ = 0;
  std::uint64_t consumed_ = 0;  ///< the last sound word of the other side
  bool is_broken_ = false;
};

/// A packet at the front of a ring: facts copied and sound, bytes still where the other side may write.
struct MailFront {
  SlotFacts facts{};
  const std::uint8_t* bytes = nullptr;  ///< null: nothing is there
};

/// Reads packets. One thread of one process.
class MailConsumer {
 public:
  MailConsumer() = default;
  explicit MailConsumer(const MailRingPlace& place) : place_(place) {
    assert(std::has_single_bit(place.places) && place.capacity >= 2 * max_slots_per_packet);
  }

  /// The next packet. `pop` it before asking for the one behind.
  MailFront front() {
    for (;;) {
      if (next_ == produced_ && !look()) return {};
      const std::size_t index = next_ & (place_.places - 1);
      const std::size_t contiguous = std::min<std::size_t>(produced_ - next_, place_.places - index);
      const auto facts = copy_facts(place_.slots[index]);
      if (facts.service == pad_service) [[unlikely]] {
        // A pad ends the array: anything else would be a second way to say where packets are.
        if (facts.length == 0 || facts.length != place_.places - index || facts.length > contiguous) return broken();
        next_ += facts.length;
        continue;
      }
      if (facts.length == 0 || facts.length > max_frame_bytes || slots_for(facts.length) > contiguous) return broken();
      front_slots_ = slots_for(facts.length);
      return {facts, place_.slots[index].bytes};
    }
  }
  /// Steps over the packet at the front. Its bytes stay valid until `release`.
  void pop() { next_ += front_slots_; }
  /// Gives everything popped so far back.
  void release() { place_.positions->consumed.store(next_, std::memory_order_release); }

  std::uint64_t position() const { return next_; }
  bool is_broken() const { return is_broken_; }

 private:
  /// True: there is more.
  bool look() {
    if (is_broken_) return false;
    const auto said = place_.positions->produced.load(std::memory_order_acquire);
    if (said - next_ > place_.capacity) is_broken_ = true;
    else produced_ = said;
    return produced_ != next_;
  }
  MailFront broken() {
    is_broken_ = true;
    produced_ = next_;
    return {};
  }
  /// Read once, whatever the other side writes meanwhile.
  static SlotFacts copy_facts(const Slot& slot) {
    std::uint64_t words[2];
    const auto* from = reinterpret_cast<const volatile std::uint64_t*>(&slot.facts);
    words[0] = from[0];
    words[1] = from[1];
    SlotFacts facts;
    std::memcpy(&facts, words, sizeof facts);
    return facts;
  }

  MailRingPlace place_;
  std::uint64_t next_ = 0;
  std::uint64_t produced_ = 0;  ///< the last sound word of the other side
  std::size_t front_slots_ = 0;
  bool is_broken_ = false;
};

}  // namespace portier::crosscore
