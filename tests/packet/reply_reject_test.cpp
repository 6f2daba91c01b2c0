/// Resets and port unreachables, and the rules for silence that every answer keeps.
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "packet/reply_reader.hpp"

namespace portier::packet {
namespace {

using Writer = std::size_t (*)(MutableBytes, Bytes, const Layout&);

struct ResetCase {
  std::uint8_t flags;
  std::size_t payload;
  std::uint32_t seq;  ///< expected
  std::uint32_t ack;
  std::uint8_t expected_flags;
};

TEST(TcpReset, FollowsRfc9293) {
  constexpr std::uint32_t seq = 0xfffffffe;
  constexpr std::uint32_t ack = 0x12345678;
  const ResetCase cases[] = {
      {wire::tcp_syn, 0, 0, 0xffffffff, wire::tcp_rst | wire::tcp_ack},
      {wire::tcp_syn, 10, 0, 9, wire::tcp_rst | wire::tcp_ack},
      {wire::tcp_syn | wire::tcp_fin, 0, 0, 0, wire::tcp_rst | wire::tcp_ack},
      {0, 0, 0, seq, wire::tcp_rst | wire::tcp_ack},
      {wire::tcp_fin, 5, 0, 4, wire::tcp_rst | wire::tcp_ack},
      {wire::tcp_ack, 100, ack, 0, wire::tcp_rst},
      {wire::tcp_syn | wire::tcp_ack, 0, ack, 0, wire::tcp_rst},
      {wire::tcp_fin | wire::tcp_ack, 0, ack, 0, wire::tcp_rst},
  };
  for (const auto& row : cases) {
    for (const bool is_ipv6 : {false, true}) {
      auto builder = is_ipv6 ? ip6().destination() : ip4().vlan(9).options(3);
      const auto request =
          builder.tcp(40000, 443, row.flags, seq, ack).tcp_options(3).payload(row.payload).pad_to(80).build();
      const auto reply = answer(write_tcp_reset, request);
      ASSERT_FALSE(reply.empty());
      const auto facts = read_back(reply);
      expect_turned_round(reply, request);
      EXPECT_EQ(facts.src_port, 443);
      EXPECT_EQ(facts.dst_port, 40000);
      const auto* tcp = reply.data() + facts.l4_offset;
      EXPECT_EQ(load32(tcp + 4), row.seq);
      EXPECT_EQ(load32(tcp + 8), row.ack);
      EXPECT_EQ(tcp[13], row.expected_flags);
      EXPECT_EQ(tcp[12], 0x50);
    }
  }
}

TEST(TcpReset, Never) {
  const Frame requests[] = {
      ip4().tcp(1, 2, wire::tcp_rst).build(),
      ip4().tcp(1, 2, wire::tcp_rst | wire::tcp_ack, 1, 2).build(),
      ip4().tcp(1, 2).data_offset(4).build(),
      ip4().tcp(1, 2).data_offset(6).build(),
      ip4().fragment(0, true, 1).tcp(1, 2, wire::tcp_syn).payload(4).build(),
      ip4().fragment(24, false, 1).raw(6).payload(40).build(),
      ip4().udp(1, 2).payload(30).build(),
  };
  for (const auto& request : requests) EXPECT_TRUE(answer(write_tcp_reset, request).empty());
  EXPECT_FALSE(answer(write_tcp_reset, ip4().fragment(0, true, 1).tcp(1, 2, wire::tcp_ack).payload(4).build()).empty());
}

TEST(PortUnreachable, QuotesWhatFits) {
  for (const std::size_t payload : {0U, 1U, 512U, 520U, 521U, 1184U, 1185U, 8000U}) {
    for (const bool is_ipv6 : {false, true}) {
      const auto request = (is_ipv6 ? ip6() : ip4()).vlan(3).udp(40000, 9).payload(payload).pad_to(64).build();
      const auto asked = parse(request);
      const auto reply = answer(write_port_unreachable, request);
      ASSERT_FALSE(reply.empty());
      EXPECT_LE(reply.size(), max_reject_bytes(request.size()));
      const auto facts = read_back(reply);
      expect_turned_round(reply, request);
      EXPECT_EQ(facts.kind, Kind::icmp_error);
      EXPECT_EQ(reply[facts.l4_offset], is_ipv6 ? 1 : 3);
      EXPECT_EQ(reply[facts.l4_offset + 1U], is_ipv6 ? 4 : 3);
      const std::size_t limit = is_ipv6 ? 1280 : 576;
      const std::size_t headers = is_ipv6 ? 48 : 28;
      const std::size_t packet = asked.l3_end - asked.l3_offset;
      EXPECT_EQ(facts.l3_end - facts.l3_offset, std::min(limit, packet + headers));
      EXPECT_TRUE(std::equal(reply.begin() + facts.l4_offset + 8, reply.end(), request.begin() + asked.l3_offset));
      const auto quote = parse_quote(reply, facts);
      EXPECT_EQ(quote.src_port, 40000);
      EXPECT_EQ(quote.dst_port, 9);
    }
  }
}

TEST(Reject, FitsTheProtocol) {
  EXPECT_EQ(parse(answer(write_reject, ip4().tcp(1, 2).build())).proto, wire::proto_tcp);
  EXPECT_EQ(parse(answer(write_reject, ip4().udp(1, 2).build())).proto, wire::proto_icmp);
  EXPECT_EQ(parse(answer(write_reject, ip4().udplite(1, 2).build())).proto, wire::proto_icmp);
  EXPECT_EQ(parse(answer(write_reject, ip4().sctp(1, 2).build())).proto, wire::proto_icmp);
  EXPECT_EQ(parse(answer(write_reject, ip6().dccp(1, 2).build())).proto, wire::proto_icmpv6);
  const auto first = ip6().fragment(0, true, 1).udp(1, 2).payload(8).build();
  EXPECT_EQ(parse(answer(write_reject, first)).proto, wire::proto_icmpv6) << "a first fragment names the port";
}

struct NeverCase {
  std::string name;
  std::function<FrameBuilder()> builder;
};

/// Rules for silence: every refusal, echo and ping must keep them, whatever the protocol.
const NeverCase never_cases[] = {
    {"multicast destination", [] { return frame().ipv4(peer4, v4(224, 0, 0, 1)); }},
    {"limited broadcast", [] { return frame().ipv4(peer4, v4(255, 255, 255, 255)); }},
    {"class E destination", [] { return frame().ipv4(peer4, v4(240, 0, 0, 1)); }},
    {"IPv6 multicast destination", [] { return frame().ipv6(peer6, v6(0xff02'0000'0000'0000, 1)); }},
    {"multicast source", [] { return frame().ipv4(v4(224, 0, 0, 1), ours4); }},
    {"broadcast source", [] { return frame().ipv4(v4(255, 255, 255, 255), ours4); }},
    {"IPv6 multicast source", [] { return frame().ipv6(v6(0xff02'0000'0000'0000, 1), ours6); }},
    {"unspecified source", [] { return frame().ipv4(v4(0, 0, 0, 0), ours4); }},
    {"source on \"this network\"", [] { return frame().ipv4(v4(0, 0, 0, 5), ours4); }},
    {"IPv6 unspecified source", [] { return frame().ipv6(v6(0, 0), ours6); }},
    {"loopback source", [] { return frame().ipv4(v4(127, 0, 0, 1), ours4); }},
    {"IPv6 loopback source", [] { return frame().ipv6(v6(0, 1), ours6); }},
    {"unspecified destination", [] { return frame().ipv4(peer4, v4(0, 0, 0, 0)); }},
    {"from us to us", [] { return frame().ipv4(ours4, ours4); }},
    {"link broadcast",
     [] {
       return ip4().dst_mac({0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
     }},
    {"link multicast",
     [] {
       return ip6().dst_mac({0x33, 0x33, 0, 0, 0, 1});
     }},
    {"link source is a group",
     [] {
       return ip4().src_mac({0x01, 0, 0x5e, 0, 0, 1});
     }},
    {"later fragment", [] { return ip4().fragment(8, false, 1); }},
    {"IPv6 later fragment", [] { return ip6().fragment(8, true, 1); }},
};

TEST(Reply, RulesForSilence) {
  const Writer writers[] = {write_udp_echo, write_tcp_reset, write_port_unreachable, write_reject,
                            write_icmp_echo_reply};
  for (const auto& row : never_cases) {
    const Frame requests[] = {row.builder().udp(1, 2).payload(30).build(), row.builder().tcp(1, 2).build(),
                              row.builder().sctp(1, 2).build(), row.builder().udplite(1, 2).payload(30).build(),
                              row.builder().icmp_echo(1, 1).payload(30).build()};
    for (const auto& request : requests) {
      for (const auto write : writers) EXPECT_TRUE(answer(write, request).empty()) << row.name;
    }
  }
}

TEST(Reply, NoErrorAboutErrors) {
  for (unsigned type = 0; type < 256; ++type) {
    for (auto builder : {ip4(), ip6()}) {
      const auto request = builder.icmp(static_cast<std::uint8_t>(type), 0).payload(60).build();
      EXPECT_TRUE(answer(write_port_unreachable, request).empty()) << type;
      EXPECT_TRUE(answer(write_reject, request).empty()) << type;
    }
  }
  EXPECT_TRUE(answer(write_reject, ip4().icmp_error(3, 3, ip4().udp(1, 2).build()).build()).empty());
  EXPECT_TRUE(answer(write_reject, ip4().raw(47).payload(40).build()).empty()) << "no ports, no port unreachable";
}

}  // namespace
}  // namespace portier::packet
