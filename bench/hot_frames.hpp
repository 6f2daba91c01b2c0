/// 4,096 frames that stay in the cache, and the time stamp counter: what the single-core benchmarks share.
#pragma once

#include <benchmark/benchmark.h>
#include <rte_cycles.h>
#include <time.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "packet/bytes.hpp"

namespace portier::bench {

inline constexpr std::size_t hot_frame_count = 4096;

/// Frames one behind the other in one block, each beginning on a cache line, as in mbufs: two lines for most of them.
class HotFrames {
 public:
  void add(packet::Bytes frame);
  std::size_t size() const { return places_.size(); }
  packet::Bytes operator[](std::size_t i) const { return {lines_[places_[i].line].bytes.data(), places_[i].length}; }

 private:
  struct alignas(64) Line {
    std::array<std::uint8_t, 64> bytes;
  };
  struct Place {
    std::size_t line;
    std::size_t length;
  };
  std::vector<Line> lines_;
  std::vector<Place> places_;
};

/// What a set of frames is made of; shares from 0 to 1.
struct Shares {
  double ipv6 = 0.3;
  double vlan = 0.3;  ///< with one tag; a third of these with two
  double tcp = 0.3;   ///< the others are UDP
};

/// `hot_frame_count` sound frames in random order with 16 to 40 bytes of payload to ports of `ports`. Seeded.
HotFrames make_frames(const Shares& shares, std::span<const std::uint16_t> ports);

/// Ticks of the time stamp counter (a constant rate, near the nominal clock) per item, beside the time that Google
/// Benchmark takes. Of this thread's CPU time, so that what other programs take of a busy machine does not count.
class TickCount {
 public:
  void report(benchmark::State& state, std::int64_t items) const {
    const double cpu_share =
        (seconds_of(CLOCK_THREAD_CPUTIME_ID) - cpu_start_) / (seconds_of(CLOCK_MONOTONIC) - start_);
    const double ticks = static_cast<double>(rte_rdtsc() - start_tsc_) * cpu_share;
    state.counters["ticks/packet"] = ticks / static_cast<double>(items);
    state.SetItemsProcessed(items);
  }

 private:
  static double seconds_of(clockid_t clock) {
    timespec time{};
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  }
  double start_ = seconds_of(CLOCK_MONOTONIC);
  double cpu_start_ = seconds_of(CLOCK_THREAD_CPUTIME_ID);
  std::uint64_t start_tsc_ = rte_rdtsc();
};

}  // namespace portier::bench
