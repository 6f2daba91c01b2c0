/// Echoes of datagrams and pings.
#include <gtest/gtest.h>

#include "packet/reply_reader.hpp"

namespace portier::packet {
namespace {

TEST(UdpEcho, SendsThePayloadBack) {
  const Frame requests[] = {
      ip4().udp(40000, 7).payload(33).build(),
      ip4().udp(40000, 7).build(),
      ip4().udp(40000, 7).payload(2).pad_to(60).build(),
      ip4().vlan(100).vlan(0xe005).options(10).dont_fragment().id(77).udp(40000, 7).payload(5).build(),
      ip4().udp(40000, 7).checksum(0).payload(9).build(),
      ip4().udp(40000, 7).udp_length(12).payload(9).build(),
      ip4().udplite(40000, 7, 8).payload(9).build(),
      ip6().udp(40000, 7).payload(33).build(),
      ip6().vlan(1).vlan(2).vlan(3).vlan(4).hop_by_hop().destination(64).udp(40000, 7).payload(8).build(),
      ip6().fragment(0, false, 1).udp(40000, 7).payload(8).build(),
      ip6().udplite(40000, 7).payload(10).build(),
  };
  for (const auto& request : requests) {
    const auto reply = answer(write_udp_echo, request);
    ASSERT_FALSE(reply.empty());
    EXPECT_LE(reply.size(), request.size());
    const auto facts = read_back(reply);
    const auto asked = parse(request);
    expect_turned_round(reply, request);
    EXPECT_EQ(facts.src_port, 7);
    EXPECT_EQ(facts.dst_port, 40000);
    EXPECT_EQ(facts.proto, asked.proto);
    EXPECT_TRUE(std::equal(reply.begin() + facts.l4_offset + 8, reply.end(), request.begin() + asked.l4_offset + 8));
    EXPECT_EQ(reply[facts.l3_offset + (facts.ip_version == 4 ? 8U : 7U)], 64) << "TTL";
    EXPECT_NE(load16(reply.data() + facts.l4_offset + 6), 0) << "a checksum is there";
    if (facts.ip_version == 4) {
      EXPECT_EQ(load16(reply.data() + facts.l3_offset + 6) & 0x4000,
                load16(request.data() + asked.l3_offset + 6) & 0x4000);
    }
  }
}

TEST(UdpEcho, ZeroChecksumIsSentAsAllOnes) {
  // The payload's last word makes everything else sum to all ones.
  auto probe = ip4().udp(40000, 7).payload(Bytes(Frame{0, 0})).build();
  const auto sum = load16(probe.data() + 40);
  const auto request = ip4()
                           .udp(40000, 7)
                           .payload(Bytes(Frame{static_cast<std::uint8_t>(sum >> 8), static_cast<std::uint8_t>(sum)}))
                           .build();
  const auto reply = answer(write_udp_echo, request);
  ASSERT_EQ(reply.size(), request.size());
  EXPECT_EQ(load16(reply.data() + 40), 0xffff);
}

TEST(UdpEcho, OnlyWholeDatagrams) {
  const Frame requests[] = {
      ip4().fragment(0, true, 1).udp(1, 7).payload(8).build(),
      ip4().fragment(8, false, 1).raw(17).payload(8).build(),
      ip6().fragment(0, true, 1).udp(1, 7).payload(8).build(),
      ip4().udp(1, 7).udp_length(4).build(),
      ip4().udp(1, 7).udp_length(40).build(),
      ip4().tcp(1, 7).build(),
      ip4().icmp_echo(1, 1).build(),
      ip4().icmp_error(3, 3, ip4().udp(1, 7).build()).build(),
      frame().arp_request(peer4, ours4).build(),
  };
  for (const auto& request : requests) EXPECT_TRUE(answer(write_udp_echo, request).empty());
  const auto whole = ip4().udp(1, 7).payload(200).build();
  Frame out(300);
  EXPECT_EQ(write_udp_echo(out, Bytes(whole).first(100), layout_of(parse(whole))), 0U) << "cut capture";
}

TEST(IcmpEcho, RepliesToSoundRequests) {
  const Frame requests[] = {
      ip4().icmp_echo(7, 9).payload(56).build(),
      ip4().vlan(4).options(2).traffic_class(0xb9).icmp_echo(7, 9).payload(1).pad_to(64).build(),
      ip6().icmp_echo(7, 9).payload(57).build(),
      ip6().hop_by_hop().traffic_class(0xb9).icmp_echo(7, 9).build(),
  };
  for (const auto& request : requests) {
    const auto reply = answer(write_icmp_echo_reply, request);
    ASSERT_FALSE(reply.empty());
    const auto facts = read_back(reply);
    const auto asked = parse(request);
    expect_turned_round(reply, request);
    EXPECT_EQ(reply[facts.l4_offset], facts.ip_version == 4 ? 0 : 129);
    EXPECT_TRUE(std::equal(reply.begin() + facts.l4_offset + 4, reply.end(), request.begin() + asked.l4_offset + 4));
    const auto class_of = [](const Frame& bytes, const Facts& of) {
      return of.ip_version == 4 ? bytes[of.l3_offset + 1U] : load16(bytes.data() + of.l3_offset) >> 4 & 0xff;
    };
    EXPECT_EQ(class_of(reply, facts), class_of(request, asked) & 0xfc) << "DSCP kept, ECN not";
  }
}

TEST(IcmpEcho, Never) {
  const Frame requests[] = {
      ip4().icmp_echo(1, 1).checksum(0x1234).build(),
      ip6().icmp_echo(1, 1).checksum(0).build(),
      ip4().icmp(8, 1).build(),
      ip4().icmp(0, 0).build(),
      ip6().icmp(129, 0).build(),
      ip6().icmp(8, 0).build(),
      ip4().fragment(0, true, 1).icmp_echo(1, 1).payload(8).build(),
      ip4().udp(1, 2).payload(20).build(),
      ip6().raw(wire::proto_icmp).payload(Bytes(Frame{8, 0, 0xf7, 0xff, 0, 0, 0, 0})).build(),
  };
  for (const auto& request : requests) EXPECT_TRUE(answer(write_icmp_echo_reply, request).empty());
}

}  // namespace
}  // namespace portier::packet
