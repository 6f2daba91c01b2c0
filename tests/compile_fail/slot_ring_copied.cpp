// A ring has one producer and one consumer, who know it by reference: it is never copied.
// expect: deleted function .*SlotRing
#include "crosscore/slot_ring.hpp"

using portier::crosscore::SlotRing;

#ifdef MUST_NOT_COMPILE
SlotRing twin(const SlotRing& ring) { return ring; }
#else
const SlotRing& same(const SlotRing& ring) { return ring; }
#endif
