/// The Internet checksum against the RFC's own example, a second implementation, and packets known from the wire.
#include "packet/checksum.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "traffic/random.hpp"

namespace portier::packet {
namespace {

/// Word by word with the carry put back at once, as RFC 1071 describes it in prose.
std::uint16_t plain_sum(Bytes bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    sum += static_cast<std::uint32_t>(i % 2 == 0 ? bytes[i] << 8 : bytes[i]);
    if (sum > 0xffff) sum -= 0xffff;
  }
  return static_cast<std::uint16_t>(~sum);
}

TEST(Checksum, ExampleOfRfc1071) {
  const std::vector<std::uint8_t> bytes{0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  EXPECT_EQ(checksum(bytes), static_cast<std::uint16_t>(~0xddf2));
}

TEST(Checksum, KnownIpv4Header) {
  std::vector<std::uint8_t> header{0x45, 0, 0,    0x73, 0, 0, 0x40, 0,    0x40, 0x11,
                                   0,    0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0,    0xc7};
  EXPECT_EQ(checksum(header), 0xb861);
  store16(header.data() + 10, 0xb861);
  EXPECT_EQ(checksum(header), 0);
}

TEST(Checksum, OfNothingIsAllOnes) { EXPECT_EQ(checksum({}), 0xffff); }

TEST(Checksum, EqualsThePlainSum) {
  traffic::Random random(7);
  for (std::uint32_t length = 0; length < 600; ++length) {
    std::vector<std::uint8_t> bytes(length);
    for (auto& byte : bytes) byte = random.chance(0.3) ? 0xff : random.byte();
    ASSERT_EQ(checksum(bytes), plain_sum(bytes)) << length;
  }
}

TEST(Checksum, SpansAddUp) {
  const std::vector<std::uint8_t> bytes{1, 2, 3, 4, 5, 6, 7};
  ChecksumSum sum;
  sum.add(Bytes(bytes).first(4));
  sum.add(Bytes(bytes).subspan(4));
  EXPECT_EQ(sum.finish(), checksum(bytes));
}

TEST(Checksum, LongestPacketDoesNotOverflow) {
  const std::vector<std::uint8_t> bytes(65535, 0xff);
  EXPECT_EQ(checksum(bytes), plain_sum(bytes));
}

TEST(Checksum, TransportCoversThePseudoHeader) {
  const auto src = ipv4(0x0a000001);
  const auto dst = ipv4(0x0a000002);
  const std::vector<std::uint8_t> segment{0, 7, 0, 9, 0, 11, 0, 0, 'a', 'b', 'c'};
  const std::vector<std::uint8_t> all{10, 0, 0, 1, 10, 0, 0, 2, 0, 17, 0, 11, 0, 7, 0, 9, 0, 11, 0, 0, 'a', 'b', 'c'};
  EXPECT_EQ(transport_checksum(src, dst, 17, segment), plain_sum(all));
}

static_assert(checksum(Bytes{}) == 0xffff);

}  // namespace
}  // namespace portier::packet
