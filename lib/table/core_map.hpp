/// The consistent bucket map: which worker a flow's bucket belongs to, and the fewest moves when workers change.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace portier::table {

using WorkerIndex = std::uint8_t;
inline constexpr std::size_t max_workers = 64;
inline constexpr std::size_t bucket_count = 1024;

/// The bucket of a flow: the ten high bits of its hash.
constexpr std::size_t bucket_of(std::uint32_t flow_hash) { return flow_hash >> 22; }

struct CoreMap {
  std::array<WorkerIndex, bucket_count> worker{};
  /// Where each bucket was before the last change; equal to `worker` when nothing moved.
  std::array<WorkerIndex, bucket_count> previous{};

  friend bool operator==(const CoreMap&, const CoreMap&) = default;

  std::size_t moved() const {
    std::size_t count = 0;
    for (std::size_t b = 0; b < bucket_count; ++b) count += worker[b] != previous[b];
    return count;
  }
};

/// A map over `workers` (not empty, distinct) made from nothing: buckets dealt out in turn.
inline CoreMap deal(std::span<const WorkerIndex> workers) {
  CoreMap map;
  for (std::size_t b = 0; b < bucket_count; ++b) map.worker[b] = workers[b % workers.size()];
  map.previous = map.worker;
  return map;
}

/// A map over `workers` that moves only what it must: buckets of workers that are gone, and what exceeds a fair share.
/// Every worker gets bucket_count / n buckets, some one more; those that already hold most keep the extra ones.
inline CoreMap rebalance(const CoreMap& old, std::span<const WorkerIndex> workers) {
  std::array<std::size_t, 256> held{};
  std::array<bool, 256> present{};
  for (auto worker : workers) present[worker] = true;
  for (auto worker : old.worker) held[worker] += 1;

  std::vector<WorkerIndex> by_load(workers.begin(), workers.end());
  std::stable_sort(by_load.begin(), by_load.end(), [&](auto a, auto b) { return held[a] > held[b]; });
  std::array<std::size_t, 256> room{};
  for (std::size_t i = 0; i < by_load.size(); ++i) {
    room[by_load[i]] = bucket_count / by_load.size() + (i < bucket_count % by_load.size() ? 1 : 0);
  }

  CoreMap map;
  map.previous = old.worker;
  std::vector<std::size_t> homeless;
  for (std::size_t b = 0; b < bucket_count; ++b) {
    const auto worker = old.worker[b];
    if (present[worker] && room[worker] > 0) {
      room[worker] -= 1;
      map.worker[b] = worker;
    } else {
      homeless.push_back(b);
    }
  }
  std::size_t next = 0;
  for (auto bucket : homeless) {
    while (room[by_load[next]] == 0) ++next;
    room[by_load[next]] -= 1;
    map.worker[bucket] = by_load[next];
  }
  return map;
}

}  // namespace portier::table
