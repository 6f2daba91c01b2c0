/// Packets as stage 7 wants to see them, from where they are: the rows of a burst, or the front of a ring.
///
/// Both have, for the rows in `rows()`: `services()`, `packets()` and `receive_time(i)`. With `has_one_time` all were
/// received together.
#pragma once

#include <array>
#include <cstdint>

#include "crosscore/slot_ring.hpp"
#include "datapath/burst.hpp"
#include "datapath/packet_view.hpp"

namespace portier::datapath {

/// Rows of a burst, on a core that receives.
class LiveRows {
 public:
  static constexpr bool has_one_time = true;

  /// All live ones, on a run-to-completion core: plain ones have no hash yet.
  LiveRows(const RxBurst& burst, const packet::HashKey& key)
      : burst_(burst), key_(key), rows_(burst.live), unhashed_(burst.plain) {}
  /// Some of them, on an rx core, which has hashed all.
  LiveRows(const RxBurst& burst, const packet::HashKey& key, Rows rows)
      : burst_(burst), key_(key), rows_(rows), unhashed_(0) {}
  Rows rows() const { return rows_; }
  const std::array<table::ServiceId, max_burst>& services() const { return burst_.service; }
  std::uint32_t receive_time(std::size_t) const { return time_of(burst_.now_tsc); }
  PacketRows packets() const {
    return {burst_.data.data(),
            {.head = burst_.head.data(),
             .hash = burst_.hash.data(),
             .service = burst_.service.data(),
             .time = time_of(burst_.now_tsc),
             .unhashed = unhashed_,
             .ipv6 = burst_.ipv6,
             .ports = burst_.ports.data(),
             .words = burst_.addresses.data(),
             .key = &key_}};
  }

 private:
  const RxBurst& burst_;
  const packet::HashKey& key_;
  Rows rows_;
  Rows unhashed_;
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
      bytes_[count_++] = reinterpret_cast<const std::uint8_t*>(slot) + sizeof(crosscore::SlotFacts);
      ring.pop(*slot);
    }
  }
  std::size_t count() const { return count_; }
  Rows rows() const { return first_rows(count_); }
  const std::array<table::ServiceId, max_burst>& services() const { return service_; }
  std::uint32_t receive_time(std::size_t i) const { return packets()[i].receive_time(); }
  PacketRows packets() const { return PacketRows(bytes_.data()); }

 private:
  std::size_t count_ = 0;
  std::array<const std::uint8_t*, max_burst> bytes_;
  std::array<table::ServiceId, max_burst> service_;
};

}  // namespace portier::datapath
