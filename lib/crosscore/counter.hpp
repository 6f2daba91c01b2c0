/// A counter that one core writes and others read.
#pragma once

#include <atomic>
#include <cstdint>

namespace portier::crosscore {

/// Written by one core only, so an increment is a plain add; a reader sees some recent value, never a torn one.
class Counter {
 public:
  void add(std::uint64_t amount) {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void raise_to(std::uint64_t candidate) {
    if (candidate > value_.load(std::memory_order_relaxed)) value_.store(candidate, std::memory_order_relaxed);
  }
  std::uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

static_assert(sizeof(Counter) == 8);

/// A value that one side sets and others read.
class Gauge {
 public:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_release); }
  std::uint64_t value() const { return value_.load(std::memory_order_acquire); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace portier::crosscore
