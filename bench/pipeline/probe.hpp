/// How long a cache line takes from one core to another: virtual cores are moved, and with them every two-core figure.
#pragma once

#include <string>

#include "lcore_job.hpp"

namespace portier::bench {

enum class Distance { near, mid, far, mixed };

/// Below 70 ns two hardware threads of one core, below 220 two cores of one socket, else further; our reading of what
/// was seen, not the machine's word.
Distance distance_of(double one_way_ns);
/// Of a run with a probe before and one behind it; `mixed` where they differ.
Distance distance_of(double before_ns, double behind_ns);
std::string name_of(Distance distance);

/// Median over batches of half a round trip, in nanoseconds, between the rx core and the first worker core. Takes a
/// few milliseconds.
double probe_one_way_ns(Arena& arena);

}  // namespace portier::bench
