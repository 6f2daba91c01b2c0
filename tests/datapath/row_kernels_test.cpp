/// Every form of the row kernels finds what the scalar one finds; that one is compared with single packets in
/// stages_property_test.cpp.
#include "datapath/row_kernels.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <vector>

#include "datapath/random_frames.hpp"

namespace portier::datapath {
namespace {

/// A burst over frames that each end where their block ends, so that a sanitizer sees the first byte read too far.
class Frames {
 public:
  Frames(Random& random, std::span<const table::Binding> bindings) {
    burst_.count = random.between(1, max_burst);
    burst_.device = static_cast<std::uint8_t>(random.below(16));
    for (std::size_t i = 0; i < burst_.count; ++i) {
      const auto frame = random_frame(random, bindings);
      blocks_.emplace_back(new std::uint8_t[frame.size()]);
      std::memcpy(blocks_.back().get(), frame.data(), frame.size());
      burst_.data[i] = blocks_.back().get();
      burst_.present[i] = burst_.wire_length[i] = static_cast<std::uint32_t>(frame.size());
      if (random.chance(0.05)) burst_.wire_length[i] += 1;
    }
  }
  const RxBurst& burst() const { return burst_; }

 private:
  RxBurst burst_;
  std::vector<std::unique_ptr<std::uint8_t[]>> blocks_;
};

class RowKernelsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!can_run_avx512()) GTEST_SKIP() << "this processor has no AVX-512 of the kind that is used";
  }
  Random random_{77};
};

TEST_F(RowKernelsTest, ParseAndHashAlike) {
  std::size_t plain = 0;
  for (int round = 0; round < 3'000; ++round) {
    const auto bindings = table::random_bindings(random_, 10);
    const Frames frames(random_, bindings);
    auto scalar = frames.burst();
    auto vector = frames.burst();
    scalar_kernels.parse(scalar);
    avx512_kernels.parse(vector);
    ASSERT_EQ(scalar.plain, vector.plain);
    ASSERT_EQ(scalar.plain & scalar.ipv6, vector.plain & vector.ipv6);
    const Rows rows = scalar.plain & (Rows{random_.below(1U << 31)} << 33 | random_.below(1U << 31) << 2 | 3);
    scalar.hash.fill(1);
    vector.hash.fill(1);
    scalar_kernels.hash(packet::fixed_hash_key, scalar, rows);
    avx512_kernels.hash(packet::fixed_hash_key, vector, rows);
    for (std::size_t i = 0; i < scalar.count; ++i) {
      ASSERT_EQ(scalar.hash[i], vector.hash[i]) << "row " << i;
      if ((scalar.plain & row(i)) == 0) continue;
      plain += 1;
      ASSERT_EQ(scalar.head[i], vector.head[i]) << "row " << i;
      ASSERT_EQ(scalar.ports[i], vector.ports[i]) << "row " << i;
      const std::size_t words = (scalar.ipv6 & row(i)) != 0 ? 4 : 1;
      for (std::size_t k = 0; k < words; ++k) ASSERT_EQ(scalar.addresses[k][i], vector.addresses[k][i]) << "row " << i;
    }
  }
  EXPECT_GT(plain, 10'000U);
}

TEST_F(RowKernelsTest, MatchServicesAlike) {
  for (int round = 0; round < 5'000; ++round) {
    std::array<table::ServiceId, max_burst> service;
    const auto kinds = random_.between(1, 100);
    for (auto& id : service) id = static_cast<table::ServiceId>(random_.below(kinds) * 37);
    const Rows rows = random_.chance(0.3) ? first_rows(random_.between(1, 64))
                                          : Rows{random_.below(0xffffffff)} << 32 | random_.below(0xffffffff);
    std::array<Rows, max_burst> by_scalar{};
    std::array<Rows, max_burst> by_vector{};
    const auto leaders = scalar_kernels.match(service, rows, by_scalar);
    ASSERT_EQ(leaders, avx512_kernels.match(service, rows, by_vector));
    ASSERT_EQ(by_scalar, by_vector);
    Rows covered = 0;
    for_each(leaders, [&](std::size_t leader) {
      EXPECT_EQ(covered & by_scalar[leader], 0U) << "groups overlap";
      covered |= by_scalar[leader];
      for_each(by_scalar[leader], [&](std::size_t i) { EXPECT_EQ(service[i], service[leader]); });
    });
    ASSERT_EQ(covered, rows);
  }
}

}  // namespace
}  // namespace portier::datapath
