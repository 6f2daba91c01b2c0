/// Counts what services hold of a crowded ring, out of the slots themselves.
#include "datapath/ring_shares.hpp"

#include <algorithm>

namespace portier::datapath {

namespace {

/// Visits the packets between two positions of a ring that this core has written: `visit(service, slots)`. Of what the
/// consumer has released meanwhile the slots are as they were, since only this core would write there again.
template <typename Visit>
void for_each_packet(const crosscore::SlotRing& ring, std::uint64_t from, std::uint64_t to, Visit&& visit) {
  while (from < to) {
    const auto& facts = ring.written(from);
    if (facts.service == crosscore::pad_service) {
      from += facts.length;
      continue;
    }
    const auto slots = crosscore::slots_for(facts.length);
    visit(facts.service, static_cast<std::uint32_t>(slots));
    from += slots;
  }
}

}  // namespace

crosscore::Slot* RingShares::reserve(table::ServiceId service, std::size_t count, packet::Reason& refusal) {
  const auto taken = ring_->slots_with_pad(count);
  // With what is known of the consumer, which can only be more in truth: a yes is a yes, a no is worth a look.
  if (is_scarce_ && (taken > free() || !may_have(service, count, taken))) keep_up();
  if (!is_scarce_) {
    const auto half = ring_->capacity() / 2;
    const auto consumed = ring_->look();
    if (ring_->used_as_seen() + taken <= half) {
      ring_->look_again_at(consumed + half);
      return ring_->reserve(count);
    }
    begin();
  }
  if (taken > free()) {
    refusal = packet::Reason::ring_full;
    return nullptr;
  }
  if (!may_have(service, count, taken)) {
    refusal = packet::Reason::over_share;
    return nullptr;
  }
  held_[service] += static_cast<std::uint32_t>(count);
  return ring_->reserve(count);
}

/// Of a packet that fits. Who holds nothing may have one, however long, so that nobody starves behind packets of
/// others.
inline bool RingShares::may_have(table::ServiceId service, std::size_t count, std::size_t taken) const {
  return held_[service] == 0 || held_[service] + count <= free() - taken;
}

/// The walk costs a few cycles a packet: their first lines were written by this core a moment ago. It comes at most
/// once for each quarter of a ring that packets went into.
[[gnu::cold]] void RingShares::begin() {
  is_scarce_ = true;
  ring_->look_again_at(0);  // each packet comes here
  counted_from_ = ring_->look();
  for_each_packet(*ring_, counted_from_, ring_->reserved_position(),
                  [&](auto service, auto slots) { held_[service] += slots; });
}

/// Looks at the consumer, and gives back to services what it has released.
void RingShares::keep_up() {
  const auto consumed = ring_->look();
  if (ring_->used_as_seen() <= ring_->capacity() / 4) return end();
  for_each_packet(*ring_, counted_from_, consumed, [&](auto service, auto slots) { held_[service] -= slots; });
  counted_from_ = consumed;
}

[[gnu::cold]] void RingShares::end() {
  is_scarce_ = false;
  std::ranges::fill(held_, 0);
}

}  // namespace portier::datapath
