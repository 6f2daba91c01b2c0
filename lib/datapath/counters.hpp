/// The counters of one core: written by that core alone, read by control. Service 0 stands for "no service".
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#include "crosscore/counter.hpp"
#include "crosscore/histogram.hpp"
#include "packet/reason.hpp"
#include "table/binding.hpp"

namespace portier::datapath {

using crosscore::Counter;

struct PacketCount {
  Counter packets;
  Counter bytes;
};

/// An array of zeroed counters whose pages appear when they are first touched.
template <typename T>
class LazyArray {
 public:
  explicit LazyArray(std::size_t count) : items_(static_cast<T*>(std::calloc(count, sizeof(T)))) {
    if (items_ == nullptr) throw std::bad_alloc();
  }
  T& operator[](std::size_t i) { return items_.get()[i]; }
  const T& operator[](std::size_t i) const { return items_.get()[i]; }

 private:
  struct Free {
    void operator()(T* items) const { std::free(items); }
  };
  std::unique_ptr<T[], Free> items_;
};

/// What one core counts. An rx core uses the first group, a worker the second, run-to-completion both.
struct CoreCounters {
  // stages 1-6
  PacketCount received;
  LazyArray<PacketCount> in{
      table::max_services};  ///< by service: every packet once, when its service (or none) is known
  Counter handed_off;
  Counter dropped_before_rings;  ///< all drops of stages 2-6, for the count of what is in flight
  // stages 7-8
  Counter taken;  ///< packets taken out of rings and done with
  LazyArray<PacketCount> delivered{table::max_services};
  LazyArray<crosscore::Histogram> latency{table::max_services};  ///< receive to handler, units of 16 ticks
  Counter replied;                                               ///< answers and forwards handed to a device
  Counter tx_full;                                               ///< answers lost because a device took no more
  Counter no_buffer;                                             ///< answers not made because no mbuf was free
  Counter faults;                                                ///< exceptions caught
  // both
  LazyArray<std::array<Counter, packet::reason_count>> dropped{table::max_services};
  Counter turns;
  Counter busy_turns;
  Counter longest_turn_ticks;
};

}  // namespace portier::datapath
