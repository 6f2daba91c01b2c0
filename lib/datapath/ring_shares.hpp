/// How the services of a ring share its slots while these are scarce: none holds more than it leaves free.
#pragma once

#include <cstdint>
#include <vector>

#include "crosscore/slot_ring.hpp"
#include "packet/reason.hpp"
#include "table/binding.hpp"

namespace portier::datapath {

/// Stage 6's way into a ring that is more than half full. Belongs to the rx core that writes the ring.
///
/// The rule is the dynamic threshold of switches with a shared memory (Choudhury and Hahne, 1998): one service alone
/// gets half of the ring, two that want all of it a third each, k of them 1/(k + 1) each, and as much is left for
/// whoever comes next. It cannot bind before a ring is half full, so until then nobody counts: the ring lets stage 6
/// reserve freely up to a half, and a packet costs nothing more. Then the slots say whose they are; they are counted
/// once, and kept count of until the ring is at most a quarter full.
class RingShares {
 public:
  explicit RingShares(crosscore::SlotRing& ring) : ring_(&ring), held_(table::max_services) {}

  /// `count` slots for a packet of `service`, when the ring says that it is time to look. Null: `refusal` says why.
  crosscore::Slot* reserve(table::ServiceId service, std::size_t count, packet::Reason& refusal);

  /// Counts are kept.
  bool is_scarce() const { return is_scarce_; }
  /// Slots of a service, reserved and not known to be released; only while they are scarce.
  std::uint32_t held(table::ServiceId service) const { return held_[service]; }

 private:
  bool may_have(table::ServiceId service, std::size_t count, std::size_t taken) const;
  std::size_t free() const { return ring_->capacity() - ring_->used_as_seen(); }
  void begin();
  void keep_up();
  void end();

  crosscore::SlotRing* ring_;
  std::vector<std::uint32_t> held_;  ///< by service; pads are nobody's
  std::uint64_t counted_from_ = 0;   ///< what lies before it is not held any more
  bool is_scarce_ = false;
};

}  // namespace portier::datapath
