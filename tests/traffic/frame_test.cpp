/// The frame builder, byte by byte where a document gives the bytes, and by the parser elsewhere.
#include "traffic/frame.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "packet/checksum.hpp"
#include "packet/parse.hpp"

namespace portier::traffic {
namespace {

using packet::load16;
using packet::load32;

const auto a4 = v4(10, 0, 0, 2);
const auto b4 = v4(10, 0, 0, 1);
const auto a6 = v6(0x20010db8'00000000, 2);
const auto b6 = v6(0x20010db8'00000000, 1);

TEST(FrameBuilder, UdpByteByByte) {
  const Frame expected{
      2,    0, 0, 0,  0,    2,    2,    0, 0,    0,    0,    1,    0x81, 0,  0,    100,  0x08, 0,  // Ethernet, VLAN 100
      0x45, 0, 0, 31, 0x12, 0x34, 0x40, 0, 9,    17,   0x4b, 0x98,                                 // IPv4
      10,   0, 0, 2,  10,   0,    0,    1, 0x9c, 0x40, 0,    53,   0,    11, 0x4d, 0x5f, 0,    1, 2};  // UDP
  const auto built = frame().vlan(100).ipv4(a4, b4).id(0x1234).dont_fragment().ttl(9).udp(40000, 53).payload(3).build();
  EXPECT_EQ(built, expected);
}

TEST(FrameBuilder, ChecksumsAreRight) {
  for (const auto& [src, dst] : {std::pair{a4, b4}, std::pair{a6, b6}}) {
    const auto network = frame().addresses(src, dst);
    const Frame frames[] = {
        FrameBuilder(network).udp(1, 2).payload(7).build(),
        FrameBuilder(network).tcp(1, 2).tcp_options(3).build(),
        FrameBuilder(network).udplite(1, 2).payload(9).build(),
        FrameBuilder(network).dccp(1, 2).payload(5).build(),
    };
    for (const auto& bytes : frames) {
      const auto facts = packet::parse(bytes);
      EXPECT_EQ(facts.reason, packet::Reason::none);
      EXPECT_EQ(packet::transport_checksum(src, dst, facts.proto, packet::Bytes(bytes).subspan(facts.l4_offset)), 0);
    }
  }
  const auto ping4 = frame().ipv4(a4, b4).icmp_echo(1, 2).payload(9).build();
  EXPECT_EQ(packet::checksum(packet::Bytes(ping4).subspan(34)), 0);
  const auto ping6 = frame().ipv6(a6, b6).icmp_echo(1, 2).payload(9).build();
  EXPECT_EQ(packet::transport_checksum(a6, b6, 58, packet::Bytes(ping6).subspan(54)), 0);
}

TEST(FrameBuilder, UdpLiteCoversWhatItSays) {
  // Bytes beyond the coverage do not matter.
  auto one = frame().ipv4(a4, b4).udplite(1, 2, 8).payload(4).build();
  const auto two = frame().ipv4(a4, b4).udplite(1, 2, 8).payload(packet::Bytes(Frame{9, 9, 9, 9})).build();
  EXPECT_EQ(load16(one.data() + 40), load16(two.data() + 40));
  EXPECT_EQ(load16(one.data() + 38), 8);
}

// The check value of CRC-32C: "123456789" gives 0xe3069283 (RFC 3720 B.4 uses the same polynomial and order).
TEST(FrameBuilder, SctpHasItsCrc) {
  const auto built = frame().ipv4(a4, b4).sctp(1, 2, 0x01020304).payload(4).build();
  Frame segment(built.begin() + 34, built.end());
  const Frame stored(segment.begin() + 8, segment.begin() + 12);
  std::fill(segment.begin() + 8, segment.begin() + 12, std::uint8_t{0});
  const auto crc32c = [](packet::Bytes bytes) {
    std::uint32_t remainder = 0xffffffff;
    for (const auto byte : bytes) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        const bool is_odd = ((remainder ^ byte >> bit) & 1) != 0;
        remainder = remainder >> 1 ^ (is_odd ? 0x82f63b78U : 0U);
      }
    }
    return ~remainder;
  };
  const Frame digits{'1', '2', '3', '4', '5', '6', '7', '8', '9'};
  ASSERT_EQ(crc32c(digits), 0xe3069283U);
  const auto crc = crc32c(segment);
  EXPECT_EQ(stored, (Frame{static_cast<std::uint8_t>(crc), static_cast<std::uint8_t>(crc >> 8),
                           static_cast<std::uint8_t>(crc >> 16), static_cast<std::uint8_t>(crc >> 24)}));
}

TEST(FrameBuilder, ExtensionHeadersChain) {
  const auto built = frame().ipv6(a6, b6).hop_by_hop(16).ah(12).fragment(0, true, 0xabcd).tcp(1, 2).build();
  EXPECT_EQ(built[20], 0);
  EXPECT_EQ(built[54], 51);
  EXPECT_EQ(built[55], 1) << "16 bytes are two units, minus one";
  EXPECT_EQ(built[70], 44);
  EXPECT_EQ(built[71], 1) << "12 bytes are three words, minus two";
  EXPECT_EQ(built[82], 6);
  EXPECT_EQ(load16(built.data() + 84), 1);
  EXPECT_EQ(load32(built.data() + 86), 0xabcdU);
  EXPECT_EQ(load16(built.data() + 18), 16 + 12 + 8 + 20);
}

TEST(FrameBuilder, LiesAreKept) {
  const auto built = frame()
                         .ipv4(a4, b4)
                         .ihl(4)
                         .ip_version(7)
                         .ip_length(999)
                         .ip_checksum(0x1111)
                         .next_header(99)
                         .udp(1, 2)
                         .udp_length(3)
                         .checksum(0x2222)
                         .ethertype(0x9999)
                         .pad_to(80)
                         .build();
  EXPECT_EQ(built.size(), 80U);
  EXPECT_EQ(load16(built.data() + 12), 0x9999);
  EXPECT_EQ(built[14], 0x74);
  EXPECT_EQ(load16(built.data() + 16), 999);
  EXPECT_EQ(built[23], 99);
  EXPECT_EQ(load16(built.data() + 24), 0x1111);
  EXPECT_EQ(load16(built.data() + 38), 3);
  EXPECT_EQ(load16(built.data() + 40), 0x2222);
  EXPECT_EQ(frame().ipv4(a4, b4).udp(1, 2).cut_to(3).build().size(), 3U);
}

TEST(FrameBuilder, ErrorsQuotePackets) {
  const auto quoted = frame().vlan(4).ipv4(b4, a4).udp(53, 40000).payload(600).build();
  const auto error = frame().ipv4(a4, b4).icmp_error(3, 4, quoted, 60, 1400).build();
  EXPECT_EQ(error.size(), 42U + 60U);
  EXPECT_EQ(load32(error.data() + 38), 1400U);
  EXPECT_TRUE(std::equal(error.begin() + 42, error.end(), quoted.begin() + 18));
}

TEST(Fragments, PutTogetherGiveTheDatagram) {
  for (const auto& network : {frame().ipv4(a4, b4), frame().vlan(3).ipv6(a6, b6)}) {
    const auto whole = FrameBuilder(network).udp(1, 2).payload(1001).build();
    const auto asked = packet::parse(whole);
    for (const std::size_t step : {8U, 100U, 512U, 2000U}) {
      const auto fragments = fragments_of(whole, step, 0x12345);
      EXPECT_EQ(fragments.size(), (1009 + step / 8 * 8 - 1) / (step / 8 * 8));
      Frame body;
      for (std::size_t i = 0; i < fragments.size(); ++i) {
        const auto facts = packet::parse(fragments[i]);
        EXPECT_EQ(facts.reason, packet::Reason::none);
        const auto place = fragments.size() == 1 ? packet::Fragment::none
                           : i == 0              ? packet::Fragment::first
                                                 : packet::Fragment::later;
        EXPECT_EQ(facts.fragment, place);
        if (place != packet::Fragment::none) {
          EXPECT_EQ(facts.fragment_id, asked.ip_version == 4 ? 0x2345U : 0x12345U);
        }
        body.insert(body.end(), fragments[i].begin() + facts.l4_offset, fragments[i].end());
      }
      EXPECT_TRUE(std::equal(body.begin(), body.end(), whole.begin() + asked.l4_offset, whole.end()));
    }
  }
}

}  // namespace
}  // namespace portier::traffic
