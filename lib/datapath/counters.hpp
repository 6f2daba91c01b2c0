/// The counters of one core: written by that core alone, read by control. Service 0 stands for "no service".
#pragma once

#include <array>
#include <cstddef>

#include "crosscore/call_mark.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/histogram.hpp"
#include "crosscore/lazy_array.hpp"
#include "packet/reason.hpp"
#include "table/binding.hpp"

namespace portier::datapath {

using crosscore::Counter;

struct PacketCount {
  Counter packets;
  Counter bytes;
};

/// What one core counts. An rx core uses the first group, a worker the second, run-to-completion both.
struct CoreCounters {
  // stages 1-6
  PacketCount received;
  /// By service: every packet once, when its service (or none) is known. A core on which packets also end has no need
  /// of it, see `ends_packets`.
  crosscore::LazyArray<Counter> in{table::max_services};
  /// Run-to-completion: what came in of a service is what was delivered of it and what was dropped.
  bool ends_packets = false;
  Counter handed_off;
  Counter dropped_before_rings;  ///< all drops of stages 2-6, for the count of what is in flight
  // stages 7-8
  Counter taken;  ///< packets taken out of rings and done with
  crosscore::LazyArray<PacketCount> delivered{table::max_services};
  crosscore::Histograms latency{table::max_services};  ///< by service: receive to handler, units of 16 ticks
  Counter replied;                                     ///< answers and forwards handed to a device
  Counter tx_full;                                     ///< answers lost because a device took no more
  Counter no_buffer;                                   ///< answers not made because no mbuf was free
  Counter faults;                                      ///< exceptions caught
  crosscore::CallMark call;                            ///< of a service's target
  // both
  crosscore::LazyArray<std::array<Counter, packet::reason_count>> dropped{table::max_services};
  Counter turns;
  Counter busy_turns;
  Counter longest_turn_ticks;
};

}  // namespace portier::datapath
