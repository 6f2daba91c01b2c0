/// Medians, percentiles and spreads of few values.
#include "statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace portier::bench {
namespace {

TEST(Statistics, MedianOfOddAndEvenCounts) {
  EXPECT_DOUBLE_EQ(median(std::array{3.0, 1.0, 2.0}), 2.0);
  EXPECT_DOUBLE_EQ(median(std::array{4.0, 1.0, 2.0, 3.0}), 2.5);
  EXPECT_DOUBLE_EQ(median(std::array{7.0}), 7.0);
}

TEST(Statistics, NothingHasNoMedian) {
  EXPECT_DOUBLE_EQ(median(std::vector<double>{}), 0.0);
  EXPECT_EQ(spread_of(std::vector<double>{}).count, 0U);
}

TEST(Statistics, PercentilesLieBetweenNeighbours) {
  std::vector<double> values;
  for (int i = 100; i >= 0; --i) values.push_back(i);
  EXPECT_DOUBLE_EQ(percentile(values, 0.1), 10.0);
  EXPECT_DOUBLE_EQ(percentile(values, 0.995), 99.5);
  EXPECT_DOUBLE_EQ(percentile(values, 0), 0.0);
  EXPECT_DOUBLE_EQ(percentile(values, 1), 100.0);
}

TEST(Statistics, OneOutlierMovesTheRangeAndNotTheMedian) {
  const auto spread = spread_of(std::array{10.0, 11.0, 500.0, 9.0, 10.0});
  EXPECT_DOUBLE_EQ(spread.median, 10.0);
  EXPECT_DOUBLE_EQ(spread.min, 9.0);
  EXPECT_DOUBLE_EQ(spread.max, 500.0);
  EXPECT_EQ(spread.count, 5U);
}

}  // namespace
}  // namespace portier::bench
