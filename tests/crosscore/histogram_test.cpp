/// The histogram's buckets cover every value once, about 6 % wide, and can be read while they are filled.
#include "crosscore/histogram.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "traffic/random.hpp"

namespace portier::crosscore {
namespace {

std::uint64_t lower(std::size_t bucket) { return bucket == 0 ? 0 : histogram_upper(bucket - 1) + 1; }

void expect_in_its_bucket(std::uint32_t value) {
  const auto bucket = histogram_bucket(value);
  ASSERT_LT(bucket, histogram_buckets);
  ASSERT_LE(value, histogram_upper(bucket)) << value;
  ASSERT_GE(value, lower(bucket)) << value;
}

TEST(Histogram, BucketsFollowEachOtherWithoutGaps) {
  for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) {
    ASSERT_LE(lower(bucket), histogram_upper(bucket)) << bucket;
    ASSERT_EQ(histogram_bucket(static_cast<std::uint32_t>(lower(bucket))), bucket);
    ASSERT_EQ(histogram_bucket(static_cast<std::uint32_t>(histogram_upper(bucket))), bucket);
  }
  EXPECT_EQ(histogram_upper(histogram_buckets - 1), 0xffffffffU);
}

TEST(Histogram, ABucketIsAtMostASixteenthWide) {
  for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) {
    ASSERT_LE(histogram_upper(bucket) - lower(bucket), lower(bucket) / histogram_steps) << bucket;
  }
}

TEST(Histogram, EveryValueFallsIntoItsBucket) {
  for (std::uint32_t value = 0; value < 100'000; ++value) ASSERT_NO_FATAL_FAILURE(expect_in_its_bucket(value));
  for (unsigned bit = 0; bit < 32; ++bit) {
    for (const int delta : {-1, 0, 1}) {
      ASSERT_NO_FATAL_FAILURE(expect_in_its_bucket((std::uint32_t{1} << bit) + static_cast<std::uint32_t>(delta)));
    }
  }
  traffic::Random random(1);
  for (int i = 0; i < 100'000; ++i) {
    ASSERT_NO_FATAL_FAILURE(expect_in_its_bucket(static_cast<std::uint32_t>(random.next())));
  }
}

TEST(Histograms, CountEachSeriesByItself) {
  Histograms histograms(3);
  for (const std::uint32_t value : {0U, 15U, 16U, 16U, 1000U, 0xffffffffU}) histograms.add(1, value);
  std::uint64_t total = 0;
  for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) total += histograms.count(1, bucket);
  EXPECT_EQ(total, 6U);
  EXPECT_EQ(histograms.count(1, 0), 1U);
  EXPECT_EQ(histograms.count(1, 16), 2U);
  EXPECT_EQ(histograms.count(1, histogram_bucket(1000)), 1U);
  EXPECT_EQ(histograms.count(1, histogram_buckets - 1), 1U);
  for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) {
    EXPECT_EQ(histograms.count(0, bucket) + histograms.count(2, bucket), 0U) << "the neighbours have counted nothing";
  }
}

TEST(Histograms, AreReadWhileTheyAreFilled) {
  constexpr std::uint32_t values = 300'000;
  Histograms histograms(3);
  std::thread writer([&] {
    for (std::uint32_t i = 0; i < values; ++i) histograms.add(1, i);
  });
  const auto total = [&] {
    std::uint64_t sum = 0;
    for (std::size_t bucket = 0; bucket < histogram_buckets; ++bucket) sum += histograms.count(1, bucket);
    return sum;
  };
  std::uint64_t before = 0;
  bool has_shrunk = false;
  while (before < values) {
    const auto now = total();
    has_shrunk = has_shrunk || now < before || now > values;
    before = now;
  }
  writer.join();
  EXPECT_FALSE(has_shrunk);
  EXPECT_EQ(total(), values);
}

}  // namespace
}  // namespace portier::crosscore
