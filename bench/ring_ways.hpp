/// The ways a packet can cross from one core to another: our slots by value, rte_ring with pointers, rte_ring with
/// elements written in place. Each has `send` (up to `burst` packets, returns how many), `take` (likewise) and
/// `in_flight`.
#pragma once

#include <rte_ring.h>
#include <rte_ring_peek_zc.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "control/ring_places.hpp"
#include "crosscore/slot_ring.hpp"

namespace portier::bench {

using crosscore::Slot;

inline constexpr unsigned ring_slots = 4096;
/// 128-byte places that packets lie in, in turn: as many as a router gives its rings. The same for every way, because
/// it decides more than the way does: places that have left the receiver's cache are written to faster.
inline const std::size_t ring_places = control::ring_places(ring_slots, 1, 1);

/// 60 bytes, as the shortest frames are.
struct Letter {
  std::array<std::uint8_t, 60> bytes{};
};

/// What a sender does for each packet: facts and bytes.
inline void write(Slot& slot, const Letter& letter, std::uint32_t number) {
  slot.facts = {};
  slot.facts.hash = number;
  slot.facts.service = 2;
  slot.facts.length = sizeof letter.bytes;
  std::memcpy(slot.bytes, letter.bytes.data(), sizeof letter.bytes);
}

/// What a receiver does: it looks at both lines.
inline std::uint64_t read(const Slot& slot) {
  std::uint64_t sum = slot.facts.hash;
  for (std::size_t at = 0; at + 8 <= sizeof(Letter::bytes); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, slot.bytes + at, sizeof word);
    sum += word;
  }
  return sum;
}

class RteRing {
 public:
  RteRing(unsigned element_bytes, std::size_t count, unsigned flags)
      : ring_(static_cast<rte_ring*>(std::aligned_alloc(4096, room(element_bytes, count)))) {
    std::memset(static_cast<void*>(ring_), 0, room(element_bytes, count));
    rte_ring_init(ring_, "bench", static_cast<unsigned>(count), flags);
  }
  ~RteRing() { std::free(ring_); }
  RteRing(const RteRing&) = delete;
  RteRing& operator=(const RteRing&) = delete;
  rte_ring* get() const { return ring_; }

 private:
  static std::size_t room(unsigned element_bytes, std::size_t count) {
    const auto bytes = rte_ring_get_memsize_elem(element_bytes, static_cast<unsigned>(count));
    return (static_cast<std::size_t>(bytes) + 4095) / 4096 * 4096;
  }
  rte_ring* ring_;
};

class SlotsByValue {
 public:
  static constexpr const char* name = "slots_by_value";
  std::size_t send(const Letter& letter, std::size_t burst) {
    std::size_t sent = 0;
    for (; sent < burst; ++sent) {
      auto* slot = ring_.reserve(1);
      if (slot == nullptr) break;
      write(*slot, letter, number_++);
    }
    if (sent != 0) ring_.publish();
    return sent;
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    std::size_t taken = 0;
    for (; taken < burst; ++taken) {
      const auto* slot = ring_.front();
      if (slot == nullptr) break;
      sum += read(*slot);
      ring_.pop(*slot);
    }
    if (taken != 0) ring_.release();
    return taken;
  }
  std::size_t in_flight() const { return ring_.size(); }

 private:
  crosscore::SlotRing ring_{ring_slots, ring_places};
  std::uint32_t number_ = 0;
};

/// The packets lie in buffers that are used in turn: more than the ring holds, so none is in use when its turn comes
/// again. Nothing is given back, which is the best case for pointers.
template <bool is_multi>
class Pointers {
 public:
  static constexpr const char* name = is_multi ? "rte_ring_mp_mc" : "rte_ring_sp_sc";
  std::size_t send(const Letter& letter, std::size_t burst) {
    const auto count = std::min<std::size_t>(burst, rte_ring_free_count(ring_.get()));
    std::array<void*, 64> pointers;
    for (std::size_t i = 0; i < count; ++i) {
      auto& buffer = buffers_[number_ % buffers_.size()];
      write(buffer, letter, number_++);
      pointers[i] = &buffer;
    }
    const auto wanted = static_cast<unsigned>(count);
    if constexpr (is_multi) return rte_ring_mp_enqueue_burst(ring_.get(), pointers.data(), wanted, nullptr);
    return rte_ring_sp_enqueue_burst(ring_.get(), pointers.data(), wanted, nullptr);
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    std::array<void*, 64> pointers;
    const auto wanted = static_cast<unsigned>(burst);
    const auto count = is_multi ? rte_ring_mc_dequeue_burst(ring_.get(), pointers.data(), wanted, nullptr)
                                : rte_ring_sc_dequeue_burst(ring_.get(), pointers.data(), wanted, nullptr);
    for (unsigned i = 0; i < count; ++i) sum += read(*static_cast<const Slot*>(pointers[i]));
    return count;
  }
  std::size_t in_flight() const { return rte_ring_count(ring_.get()); }

 private:
  RteRing ring_{sizeof(void*), ring_slots, is_multi ? 0U : unsigned{RING_F_SP_ENQ | RING_F_SC_DEQ}};
  std::vector<Slot> buffers_ = std::vector<Slot>(std::max<std::size_t>(ring_places, std::size_t{2} * ring_slots));
  std::uint32_t number_ = 0;
};

/// 128-byte elements; DPDK has this for one sender and one receiver, or for those that take turns.
class ZeroCopyElements {
 public:
  static constexpr const char* name = "rte_ring_zero_copy";
  std::size_t send(const Letter& letter, std::size_t burst) {
    rte_ring_zc_data at;
    const auto count =
        rte_ring_enqueue_zc_burst_elem_start(ring_.get(), sizeof(Slot), static_cast<unsigned>(burst), &at, nullptr);
    if (count == 0) return 0;
    for (unsigned i = 0; i < count; ++i) write(*slot(at, i), letter, number_++);
    rte_ring_enqueue_zc_elem_finish(ring_.get(), count);
    return count;
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    rte_ring_zc_data at;
    const auto count =
        rte_ring_dequeue_zc_burst_elem_start(ring_.get(), sizeof(Slot), static_cast<unsigned>(burst), &at, nullptr);
    if (count == 0) return 0;
    for (unsigned i = 0; i < count; ++i) sum += read(*slot(at, i));
    rte_ring_dequeue_zc_elem_finish(ring_.get(), count);
    return count;
  }
  std::size_t in_flight() const { return rte_ring_count(ring_.get()); }

 private:
  static Slot* slot(const rte_ring_zc_data& at, unsigned i) {
    return i < at.n1 ? static_cast<Slot*>(at.ptr1) + i : static_cast<Slot*>(at.ptr2) + (i - at.n1);
  }
  RteRing ring_{sizeof(Slot), ring_places, RING_F_SP_ENQ | RING_F_SC_DEQ};
  std::uint32_t number_ = 0;
};

}  // namespace portier::bench
