/// Which targets of a delivery chain are in order: one bit each, by position.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace portier::crosscore {

inline constexpr std::size_t max_targets = 8;
inline constexpr std::uint32_t all_targets = (1U << max_targets) - 1;

/// Written by one side alone, read by the other; which side is said where one is declared.
class TargetMask {
 public:
  explicit TargetMask(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits() const { return bits_.load(std::memory_order_acquire); }
  void put(std::uint32_t bits) { bits_.store(bits, std::memory_order_release); }

 private:
  std::atomic<std::uint32_t> bits_;
};

}  // namespace portier::crosscore
