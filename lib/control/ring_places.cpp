/// The size of the cache is the kernel's word.
#include "control/ring_places.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>

#include "crosscore/slot.hpp"

namespace portier::control {

namespace {
constexpr long usual_cache_bytes = 1 << 20;    ///< where the kernel does not know
constexpr long largest_cache_bytes = 4 << 20;  ///< what cores share is no second-level cache in this sense
}  // namespace

std::size_t ring_places(std::size_t capacity, std::size_t rings_of_worker) {
  const long said = sysconf(_SC_LEVEL2_CACHE_SIZE);
  const auto cache = static_cast<std::size_t>(said > 0 ? std::min(said, largest_cache_bytes) : usual_cache_bytes);
  const auto places = 2 * cache / crosscore::slot_size / std::max<std::size_t>(rings_of_worker, 1);
  return std::bit_ceil(std::max(places, capacity));
}

}  // namespace portier::control
