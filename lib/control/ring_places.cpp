/// The sizes of the caches are the kernel's word.
#include "control/ring_places.hpp"

#include <unistd.h>

#include <algorithm>
#include <bit>

#include "crosscore/slot.hpp"

namespace portier::control {

namespace {

/// Where the kernel does not know.
constexpr std::size_t usual_second_level_bytes = 1 << 20;
constexpr std::size_t usual_shared_bytes = 16 << 20;
/// A cache that is larger is shared by cores, whatever its number.
constexpr std::size_t largest_second_level_bytes = 4 << 20;

std::size_t size_of(int cache, std::size_t usual) {
  const long said = sysconf(cache);
  return said > 0 ? static_cast<std::size_t>(said) : usual;
}

}  // namespace

std::size_t ring_places(std::size_t capacity, std::size_t rx_cores, std::size_t workers) {
  const auto own = std::min(size_of(_SC_LEVEL2_CACHE_SIZE, usual_second_level_bytes), largest_second_level_bytes);
  const auto shared = size_of(_SC_LEVEL3_CACHE_SIZE, usual_shared_bytes);
  const auto bytes = std::clamp(shared / 2 / workers, 2 * own, 4 * own);
  return std::bit_ceil(std::max(bytes / crosscore::slot_size / rx_cores, capacity));
}

}  // namespace portier::control
