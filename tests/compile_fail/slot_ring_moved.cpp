// A ring stays where it is: the other core holds its address.
// expect: deleted function .*SlotRing
#include <utility>

#include "crosscore/slot_ring.hpp"

using portier::crosscore::SlotRing;

#ifdef MUST_NOT_COMPILE
SlotRing moved(SlotRing&& ring) { return std::move(ring); }
#endif
