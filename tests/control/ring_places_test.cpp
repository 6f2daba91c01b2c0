/// Memory of the rings: enough for what may be full, a power of two, and bounded for all workers together.
#include "control/ring_places.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <bit>

#include "crosscore/slot.hpp"

namespace portier::control {
namespace {

TEST(RingPlaces, HoldWhatMayBeFull) {
  for (const std::size_t capacity : {256, 4096, 65536}) {
    for (const std::size_t rx_cores : {1, 3, 16}) {
      for (const std::size_t workers : {1, 5, 64}) {
        const auto places = ring_places(capacity, rx_cores, workers);
        EXPECT_GE(places, capacity);
        EXPECT_TRUE(std::has_single_bit(places)) << "what a ring needs";
        EXPECT_LE(places, ring_places(capacity, 1, 1)) << "no ring has more than the only one";
      }
    }
  }
  EXPECT_EQ(ring_places(65536, 16, 64), 65536U);
}

TEST(RingPlaces, AWorkersRingsExceedItsCache) {
  const long own_bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (own_bytes <= 0 || own_bytes > 4 << 20) GTEST_SKIP() << "the kernel does not say how large the caches are";
  for (const std::size_t rx_cores : {1, 2, 4}) {
    for (const std::size_t workers : {1, 8, 64}) {
      const auto bytes = ring_places(256, rx_cores, workers) * rx_cores * crosscore::slot_size;
      EXPECT_GE(bytes, 2 * static_cast<std::size_t>(own_bytes));
      EXPECT_LE(bytes, 8 * static_cast<std::size_t>(own_bytes));
    }
  }
}

}  // namespace
}  // namespace portier::control
