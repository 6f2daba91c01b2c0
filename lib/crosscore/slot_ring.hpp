/// A ring of slots between one producer core and one consumer core: reserve, write in place, publish once per burst.
///
/// Roles. Producer: `reserve`, `publish`, `look`. Consumer: `front`, `pop`, `release`. Anybody: `size`, the positions.
/// Positions are free-running 64-bit counts of slots; the index into the array is the position modulo the number of
/// places. Each side keeps a private copy of the other's position on its own cache line and reads the shared one only
/// when the copy says "full" or "empty", so a steady stream moves two position lines per burst, not per packet.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>

#include "crosscore/slot.hpp"

namespace portier::crosscore {

class SlotRing {
 public:
  /// `capacity`: how many slots may be full at once, at least twice the longest packet (256). `places`: how many there
  /// are, a power of two; 0: no more than that. With more of them than the consumer's second-level cache holds, a place
  /// has left that cache by the time its turn comes again, and the producer need not fetch it from there.
  explicit SlotRing(std::size_t capacity, std::size_t places = 0)
      : capacity_(capacity),
        mask_(std::max(places, std::bit_ceil(capacity)) - 1),
        slots_(new (std::align_val_t{4096}) Slot[mask_ + 1]) {
    assert(std::has_single_bit(mask_ + 1) && capacity >= 2 * max_slots_per_packet);
    for (std::size_t i = 0; i <= mask_; ++i) slots_[i].facts = {};  // touch the pages here, not on the packet path
  }
  ~SlotRing() { ::operator delete[](slots_, std::align_val_t{4096}); }
  SlotRing(const SlotRing&) = delete;
  SlotRing& operator=(const SlotRing&) = delete;

  std::size_t capacity() const { return capacity_; }

  // ---- producer ----

  /// Room for `count` contiguous slots, or null. Nothing is visible to the consumer before `publish`.
  Slot* reserve(std::size_t count) {
    const auto taken = slots_with_pad(count);
    if (producer_.next + taken - producer_.consumed_seen > capacity_) {
      look();
      if (producer_.next + taken - producer_.consumed_seen > capacity_) return nullptr;
    }
    return take(count, taken);
  }

  /// The same up to the position where `look_again_at` asked the producer to look, at first at once; null behind it.
  Slot* reserve_before_look(std::size_t count) {
    const auto taken = slots_with_pad(count);
    return producer_.next + taken > producer_.look_at ? nullptr : take(count, taken);
  }
  /// `position`: at most `capacity` slots behind the consumer.
  void look_again_at(std::uint64_t position) { producer_.look_at = position; }

  /// Where the consumer is.
  std::uint64_t look() { return producer_.consumed_seen = consumed_.position.load(std::memory_order_acquire); }
  /// Slots that were reserved and not released when the producer last looked.
  std::size_t used_as_seen() const { return static_cast<std::size_t>(producer_.next - producer_.consumed_seen); }
  /// What the next packet of `count` slots takes: it does not begin at the end of the array and go on at its front.
  std::size_t slots_with_pad(std::size_t count) const {
    const std::size_t to_end = mask_ + 1 - (producer_.next & mask_);
    return count > to_end ? to_end + count : count;
  }
  /// The facts of the packet or pad that was reserved and written at `position`, not `places` slots ago.
  const SlotFacts& written(std::uint64_t position) const { return slots_[position & mask_].facts; }

  /// Makes all that was reserved and written visible. Once per burst. Then asks for the lines of as many slots again:
  /// they are on their way while the next burst is parsed, and stores do not wait for one after the other.
  void publish() {
    const auto count = std::min(unpublished(), most_asked_slots);
    produced_.position.store(producer_.next, std::memory_order_release);
    if (producer_.next + count - producer_.consumed_seen <= mask_ + 1) ask_for_lines(count);
  }

  /// Slots that are reserved and that the consumer does not see yet.
  std::uint64_t unpublished() const { return producer_.next - produced_.position.load(std::memory_order_relaxed); }

  /// The position behind the last reserved slot.
  std::uint64_t reserved_position() const { return producer_.next; }

  // ---- consumer ----

  /// The next packet, or null when the ring is empty. `pop` it before asking for the one behind.
  const Slot* front() {
    for (;;) {
      if (consumer_.next == consumer_.produced_seen) {
        consumer_.produced_seen = produced_.position.load(std::memory_order_acquire);
        if (consumer_.next == consumer_.produced_seen) return nullptr;
      }
      const Slot* slot = slots_ + (consumer_.next & mask_);
      if (slot->facts.service != pad_service) [[likely]]
        return slot;
      consumer_.next += slot->facts.length;
    }
  }

  /// Steps over the packet at the front. Its bytes stay valid until `release`.
  void pop(const Slot& front) { consumer_.next += slots_for(front.facts.length); }

  /// Gives everything popped so far back to the producer: the bytes of those packets are gone.
  void release() { consumed_.position.store(consumer_.next, std::memory_order_release); }

  // ---- anybody ----

  /// The position up to which packets were handled and released.
  std::uint64_t consumed_position() const { return consumed_.position.load(std::memory_order_acquire); }
  std::uint64_t published_position() const { return produced_.position.load(std::memory_order_acquire); }
  /// Slots published and not yet released; a snapshot.
  std::size_t size() const {
    const auto consumed = consumed_position();
    return static_cast<std::size_t>(published_position() - consumed);
  }

 private:
  struct alignas(cache_line) Shared {
    std::atomic<std::uint64_t> position{0};
  };
  struct alignas(cache_line) Producer {
    std::uint64_t next = 0;           ///< behind the last reserved slot
    std::uint64_t consumed_seen = 0;  ///< the consumer's position when last looked at
    std::uint64_t look_at = 0;        ///< how far `reserve_before_look` goes
  };
  struct alignas(cache_line) Consumer {
    std::uint64_t next = 0;           ///< behind the last popped packet
    std::uint64_t produced_seen = 0;  ///< the producer's position when last looked at
  };

  static constexpr std::uint64_t most_asked_slots = 64;

  /// `taken`: with the pad.
  Slot* take(std::size_t count, std::size_t taken) {
    if (taken != count) [[unlikely]] {
      slots_[producer_.next & mask_].facts = pad_facts(taken - count);
    }
    producer_.next += taken;
    return slots_ + ((producer_.next - count) & mask_);
  }

  /// To write, hence not `__builtin_prefetch`: for processors of every kind that is a prefetch to read, and the store
  /// then waits for the other core all the same. Processors without this instruction do nothing.
  void ask_for_lines(std::uint64_t count) const {
    for (std::uint64_t k = 0; k < count; ++k) {
      const auto* slot = reinterpret_cast<const char*>(slots_ + ((producer_.next + k) & mask_));
      asm volatile("prefetchw %0" ::"m"(slot[0]));
      asm volatile("prefetchw %0" ::"m"(slot[cache_line]));
    }
  }

  // Four lines, because each has one writer: produced_ the producer's core (read by the consumer), consumed_ the
  // consumer's (read by the producer), producer_ and consumer_ each read and written by their own core alone.
  std::size_t capacity_;
  std::size_t mask_;  ///< places - 1
  Slot* slots_;
  Shared produced_;
  Shared consumed_;
  Producer producer_;
  Consumer consumer_;
};

static_assert(alignof(SlotRing) == cache_line);

}  // namespace portier::crosscore
