/// Packets as stage 7 wants to see them, from where they are: the rows of a burst, or the front of a ring.
///
/// Both have, for the rows in `rows()`: `services()`, `length(i)` in bytes, `receive_time(i)` and `view(i)`. With
/// `has_one_time` all were received together.
#pragma once

#include <array>
#include <cstdint>

#include "crosscore/slot_ring.hpp"
#include "datapath/burst.hpp"
#include "datapath/packet_view.hpp"

namespace portier::datapath {

/// The live rows of a burst, on a run-to-completion core.
class LiveRows {
 public:
  static constexpr bool has_one_time = true;

  explicit LiveRows(const RxBurst& burst) : burst_(burst) {}
  Rows rows() const { return burst_.live; }
  const std::array<table::ServiceId, max_burst>& services() const { return burst_.service; }
  std::uint32_t receive_time(std::size_t) const { return time_of(burst_.now_tsc); }
  PacketView view(std::size_t i) const { return {slot_facts(burst_, i), burst_.data[i]}; }

 private:
  const RxBurst& burst_;
};

/// The packets at the front of a ring, on a worker.
class FrontSlots {
 public:
  static constexpr bool has_one_time = false;

  /// At most a burst; popped, but theirs until the ring is told to release them.
  explicit FrontSlots(crosscore::SlotRing& ring) {
    while (count_ < max_burst) {
      const auto* slot = ring.front();
      if (slot == nullptr) break;
      service_[count_] = slot->facts.service;
      slots_[count_++] = slot;
      ring.pop(*slot);
    }
  }
  std::size_t count() const { return count_; }
  Rows rows() const { return first_rows(count_); }
  const std::array<table::ServiceId, max_burst>& services() const { return service_; }
  std::uint32_t receive_time(std::size_t i) const { return slots_[i]->facts.time; }
  PacketView view(std::size_t i) const {
    return {slots_[i]->facts, reinterpret_cast<const std::uint8_t*>(slots_[i]) + sizeof(crosscore::SlotFacts)};
  }

 private:
  std::size_t count_ = 0;
  std::array<const crosscore::Slot*, max_burst> slots_;
  std::array<table::ServiceId, max_burst> service_;
};

}  // namespace portier::datapath
