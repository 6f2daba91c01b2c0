/// How much memory a ring between two cores gets, beside how many slots of it may be full at once.
#pragma once

#include <cstddef>

namespace portier::control {

/// Places (slots) of a ring of which at most `capacity` are full, between one of `rx_cores` and one of `workers`: all
/// rings of a worker together have four times what the second-level cache of a core holds, or twice that where there
/// are so many workers that their rings would fill half of the cache that the cores share. So a slot that a worker has
/// read is gone from its cache when the rx core writes there again, and is not yet gone from all of them.
std::size_t ring_places(std::size_t capacity, std::size_t rx_cores, std::size_t workers);

}  // namespace portier::control
