/// How much memory a ring between two cores gets, beside how many slots of it may be full at once.
#pragma once

#include <cstddef>

namespace portier::control {

/// Places (slots) of a ring of which at most `capacity` are full, when its worker reads `rings_of_worker` of them: in
/// all, twice what the second-level cache of a core holds. A slot that the worker has read is then gone from its cache
/// when the rx core writes there again; and all rings together are not more than what the cores share.
std::size_t ring_places(std::size_t capacity, std::size_t rings_of_worker);

}  // namespace portier::control
