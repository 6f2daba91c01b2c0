/// Latency histograms that one core fills and others read: log-linear, 16 steps an octave, about 6 % wide.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "crosscore/counter.hpp"
#include "crosscore/lazy_array.hpp"

namespace portier::crosscore {

inline constexpr unsigned histogram_steps = 16;
inline constexpr std::size_t histogram_buckets = (32 - 4) * histogram_steps + histogram_steps;

/// The bucket of a value of any unit; values below 16 are exact.
constexpr std::size_t histogram_bucket(std::uint32_t value) {
  if (value < histogram_steps) return value;
  const unsigned octave = std::bit_width(value) - 5U;  // value >> octave is 16..31
  return octave * histogram_steps + (value >> octave);
}

/// The largest value of a bucket.
constexpr std::uint64_t histogram_upper(std::size_t bucket) {
  if (bucket < 2 * histogram_steps) return bucket;
  const std::uint64_t octave = bucket / histogram_steps - 1;
  const std::uint64_t step = bucket % histogram_steps + histogram_steps;
  return ((step + 1) << octave) - 1;
}

/// Histograms of many series. Under a steady load nearly all values of all series fall into a few buckets, so equal
/// buckets lie side by side: a thousand series then share a few pages of memory instead of touching one each.
class Histograms {
 public:
  explicit Histograms(std::size_t series) : series_(series), counts_(histogram_buckets * series) {}

  /// Where the counts are, for a loop that shall not fetch that anew for every value.
  class Writer {
   public:
    void add(std::size_t series, std::uint32_t value) { bucket_of(value)[series].add(1); }
    /// The counts of one bucket, by series: for many that waited equally long.
    Counter* bucket_of(std::uint32_t value) { return counts_ + histogram_bucket(value) * series_; }

   private:
    friend class Histograms;
    explicit Writer(Histograms& histograms) : series_(histograms.series_), counts_(&histograms.counts_[0]) {}
    std::size_t series_;
    Counter* counts_;
  };
  Writer writer() { return Writer(*this); }
  void add(std::size_t series, std::uint32_t value) { writer().add(series, value); }
  std::uint64_t count(std::size_t series, std::size_t bucket) const {
    return counts_[bucket * series_ + series].value();
  }

 private:
  std::size_t series_;
  LazyArray<Counter> counts_;
};

/// A single series.
class Histogram {
 public:
  void add(std::uint32_t value) { counts_[histogram_bucket(value)].add(1); }
  std::uint64_t count(std::size_t bucket) const { return counts_[bucket].value(); }

 private:
  std::array<Counter, histogram_buckets> counts_;
};

static_assert(histogram_bucket(0xffffffff) == histogram_buckets - 1);
static_assert(histogram_upper(histogram_buckets - 1) == 0xffffffff);
static_assert(histogram_bucket(15) == 15 && histogram_bucket(16) == 16 && histogram_bucket(31) == 31);

}  // namespace portier::crosscore
