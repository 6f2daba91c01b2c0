/// The one place where drops are counted.
#pragma once

#include "datapath/counters.hpp"

namespace portier::datapath {

/// By a worker: the packet had been taken out of its ring.
inline void count_drop(CoreCounters& counters, table::ServiceId service, packet::Reason reason,
                       std::uint64_t packets = 1) {
  counters.dropped[service][static_cast<std::size_t>(reason)].add(packets);
}

/// By an rx core: the packet never reaches a ring.
inline void count_early_drop(CoreCounters& counters, table::ServiceId service, packet::Reason reason) {
  count_drop(counters, service, reason);
  counters.dropped_before_rings.add(1);
}

}  // namespace portier::datapath
