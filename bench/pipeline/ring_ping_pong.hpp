/// The bare slot ring between two cores: what a hand-over takes when nothing else is done.
#pragma once

#include <cstdint>
#include <vector>

#include "lcore_job.hpp"

namespace portier::bench {

/// Half of each round trip of one 60-byte packet through two slot rings, as buckets of 16-tick units (see
/// crosscore::histogram_bucket), for `milliseconds`. `rate_pps`: how often one is sent; 0: as soon as the last is back.
std::vector<std::uint64_t> ring_ping_pong(Arena& arena, unsigned milliseconds, double rate_pps);

}  // namespace portier::bench
