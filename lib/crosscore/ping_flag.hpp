/// A number on a cache line of its own that one core writes and another one waits for: half of a ping-pong.
#pragma once

#include <atomic>
#include <cstdint>

#include "crosscore/slot.hpp"

namespace portier::crosscore {

/// One writer, one reader. Two of them, one each way, move one line per direction and round trip.
class alignas(cache_line) PingFlag {
 public:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_release); }
  std::uint64_t value() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

static_assert(sizeof(PingFlag) == cache_line);

}  // namespace portier::crosscore
