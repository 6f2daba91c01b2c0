/// Addresses and prefixes as values.
#include "packet/address.hpp"

#include <gtest/gtest.h>

#include "traffic/frame.hpp"

namespace portier::packet {
namespace {

using traffic::v4;
using traffic::v6;

static_assert(v4(192, 0, 2, 1) == ipv4(0xc0000201));
static_assert(ipv4_value(v4(192, 0, 2, 1)) == 0xc0000201);
static_assert(v4(0, 0, 0, 0) != v6(0, 0), "the version is part of the value");

TEST(Address, ReadsBothVersions) {
  const std::uint8_t bytes[] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(address_at(bytes, 6), v6(0x20010db8'00000000, 1));
  EXPECT_EQ(address_at(bytes, 4), v4(0x20, 0x01, 0x0d, 0xb8));
}

TEST(Address, Groups) {
  EXPECT_FALSE(is_group(v4(223, 255, 255, 255)));
  EXPECT_TRUE(is_group(v4(224, 0, 0, 0)));
  EXPECT_TRUE(is_group(v4(255, 255, 255, 255)));
  EXPECT_TRUE(is_group(v6(0xff02'0000'0000'0000, 1)));
  EXPECT_FALSE(is_group(v6(0xfe80'0000'0000'0000, 1)));
  EXPECT_FALSE(is_group(Address{}));
}

TEST(Address, Unspecified) {
  EXPECT_TRUE(is_unspecified(v4(0, 0, 0, 0)));
  EXPECT_TRUE(is_unspecified(v6(0, 0)));
  EXPECT_FALSE(is_unspecified(v6(0, 1)));
}

TEST(Prefix, ContainsWhatItsBitsSay) {
  for (std::uint8_t length = 0; length <= 32; ++length) {
    const Prefix prefix = canonical({v4(192, 0, 2, 129), length});
    EXPECT_TRUE(prefix.contains(v4(192, 0, 2, 129))) << unsigned{length};
    if (length == 0) continue;
    const auto outside = ipv4(ipv4_value(v4(192, 0, 2, 129)) ^ 1U << (32 - length));
    EXPECT_FALSE(prefix.contains(outside)) << unsigned{length};
    if (length == 32) continue;
    const auto inside = ipv4(ipv4_value(v4(192, 0, 2, 129)) ^ 1U << (31 - length));
    EXPECT_TRUE(prefix.contains(inside)) << unsigned{length};
  }
}

TEST(Prefix, FamiliesAreApart) {
  const Prefix all4{v4(0, 0, 0, 0), 0};
  EXPECT_TRUE(all4.contains(v4(10, 0, 0, 1)));
  EXPECT_FALSE(all4.contains(v6(0, 1)));
  EXPECT_TRUE(Prefix{}.is_any());
  EXPECT_TRUE(Prefix{}.contains(v6(0, 1)));
  EXPECT_FALSE(all4.is_any());
}

TEST(Prefix, CanonicalClearsTheRest) {
  EXPECT_EQ(canonical({v4(192, 0, 2, 129), 25}), (Prefix{v4(192, 0, 2, 128), 25}));
  EXPECT_EQ(canonical({v4(192, 0, 2, 129), 32}), (Prefix{v4(192, 0, 2, 129), 32}));
  EXPECT_EQ(canonical({v4(192, 0, 2, 129), 0}), (Prefix{v4(0, 0, 0, 0), 0}));
  EXPECT_EQ(canonical({v6(0x20010db8'12345678, 1), 33}), (Prefix{v6(0x20010db8'00000000, 0), 33}));
  EXPECT_EQ(canonical({v6(0x20010db8'92345678, 1), 33}), (Prefix{v6(0x20010db8'80000000, 0), 33}));
  EXPECT_EQ(canonical(Prefix{}), Prefix{});
}

}  // namespace
}  // namespace portier::packet
