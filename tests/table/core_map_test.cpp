/// The bucket map: dealt out evenly, and changed by as few moves as there can be.
#include "table/core_map.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "traffic/random.hpp"

namespace portier::table {
namespace {

using traffic::Random;
using Workers = std::vector<WorkerIndex>;

std::array<std::size_t, 256> loads(const CoreMap& map) {
  std::array<std::size_t, 256> held{};
  for (const auto worker : map.worker) held[worker] += 1;
  return held;
}

void expect_balanced(const CoreMap& map, const Workers& workers) {
  const auto held = loads(map);
  std::size_t total = 0;
  for (const auto worker : workers) {
    ASSERT_GE(held[worker], bucket_count / workers.size()) << int{worker};
    ASSERT_LE(held[worker], (bucket_count + workers.size() - 1) / workers.size()) << int{worker};
    total += held[worker];
  }
  ASSERT_EQ(total, bucket_count) << "some bucket belongs to a worker that is not in the set";
}

/// Buckets whose worker is gone, and what exceeds a fair share where the extra ones go to those that hold most.
std::size_t fewest_moves(const CoreMap& old, const Workers& workers) {
  const auto held = loads(old);
  const std::size_t share = bucket_count / workers.size();
  std::size_t extras = bucket_count % workers.size();
  std::size_t kept = 0;
  for (const auto worker : workers) {
    kept += std::min(held[worker], share);
    if (held[worker] > share && extras > 0) {
      kept += 1;
      extras -= 1;
    }
  }
  return bucket_count - kept;
}

Workers random_workers(Random& random) {
  Workers all(max_workers);
  std::iota(all.begin(), all.end(), WorkerIndex{0});
  for (std::size_t i = all.size(); i-- > 1;) std::swap(all[i], all[random.below(static_cast<std::uint32_t>(i + 1))]);
  all.resize(random.between(1, random.chance(0.5) ? 8 : 64));
  return all;
}

TEST(CoreMap, DealsEvenly) {
  for (std::size_t count = 1; count <= max_workers; ++count) {
    Workers workers(count);
    std::iota(workers.begin(), workers.end(), static_cast<WorkerIndex>(max_workers - count));
    const auto map = deal(workers);
    ASSERT_NO_FATAL_FAILURE(expect_balanced(map, workers)) << count;
    ASSERT_EQ(map.moved(), 0U);
    ASSERT_EQ(map.previous, map.worker);
  }
}

TEST(CoreMap, MovesTheFewestOverAnySequenceOfWorkerSets) {
  Random random(5);
  for (int sequence = 0; sequence < 200; ++sequence) {
    auto workers = random_workers(random);
    auto map = deal(workers);
    for (int step = 0; step < 20; ++step) {
      if (random.chance(0.5)) workers = random_workers(random);
      else if (workers.size() > 1 && random.chance(0.5)) workers.pop_back();
      const auto next = rebalance(map, workers);
      ASSERT_NO_FATAL_FAILURE(expect_balanced(next, workers)) << "sequence " << sequence << " step " << step;
      ASSERT_EQ(next.previous, map.worker);
      ASSERT_EQ(next.moved(), fewest_moves(map, workers)) << "sequence " << sequence << " step " << step;
      map = next;
    }
  }
}

struct Step {
  Workers from;
  Workers to;
  std::size_t moves;
};

TEST(CoreMap, MovesByExample) {
  const Step steps[] = {
      {{0}, {0}, 0},
      {{0}, {1}, 1024},
      {{0}, {0, 1}, 512},
      {{0, 1}, {0}, 512},
      {{0, 1}, {1, 0}, 0},
      {{0, 1, 2}, {0, 1}, 341},
      {{0, 1}, {0, 1, 2}, 341},
      {{0, 1}, {2, 3}, 1024},
      {{0, 1, 2, 3}, {0, 1, 2}, 256},
  };
  for (const auto& [from, to, moves] : steps) {
    const auto map = rebalance(deal(from), to);
    EXPECT_EQ(map.moved(), moves) << from.size() << " -> " << to.size();
    EXPECT_EQ(rebalance(map, to).moved(), 0U) << "asked again, nothing moves";
  }
}

TEST(CoreMap, AFlowsBucketIsTheTopOfItsHash) {
  EXPECT_EQ(bucket_of(0), 0U);
  EXPECT_EQ(bucket_of(0x003fffff), 0U);
  EXPECT_EQ(bucket_of(0x00400000), 1U);
  EXPECT_EQ(bucket_of(0xffffffff), bucket_count - 1);
}

}  // namespace
}  // namespace portier::table
