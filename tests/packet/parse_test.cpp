/// Parsing, with packets as data: one row a packet, its facts or its reason beside it.
#include "packet/parse.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "traffic/frame.hpp"
#include "traffic/malformed.hpp"

namespace portier::packet {
namespace {

using traffic::frame;
using traffic::Frame;
using traffic::FrameBuilder;
using traffic::v4;
using traffic::v6;

const auto a4 = v4(198, 51, 100, 7);
const auto b4 = v4(192, 0, 2, 1);
const auto a6 = v6(0x20010db8'00000007, 7);
const auto b6 = v6(0x20010db8'00000000, 1);

FrameBuilder ip4() { return frame().ipv4(a4, b4); }
FrameBuilder ip6() { return frame().ipv6(a6, b6); }

struct Row {
  std::string name;
  Frame frame;
  Kind kind;
  std::uint8_t proto;
  std::uint16_t l4_offset;
  Fragment fragment = Fragment::none;
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class Sound : public testing::TestWithParam<Row> {};

TEST_P(Sound, HasItsFacts) {
  const auto& row = GetParam();
  const auto facts = parse(row.frame);
  EXPECT_EQ(text_of(facts.reason).name, "none");
  EXPECT_EQ(facts.kind, row.kind);
  EXPECT_EQ(facts.fragment, row.fragment);
  EXPECT_TRUE(facts.proto_known);
  EXPECT_EQ(facts.proto, row.proto);
  EXPECT_EQ(facts.l4_offset, row.l4_offset);
  EXPECT_EQ(facts.l3_offset, 14);
  EXPECT_EQ(facts.l3_end, row.frame.size());
  EXPECT_EQ(facts.ports_known, row.kind == Kind::transport);
  if (!facts.ports_known) return;
  EXPECT_EQ(facts.src_port, 40000);
  EXPECT_EQ(facts.dst_port, 53);
  const auto key = flow_key(row.frame.data(), facts);
  EXPECT_EQ(key, (FlowKey{.src = facts.ip_version == 4 ? a4 : a6,
                          .dst = facts.ip_version == 4 ? b4 : b6,
                          .src_port = 40000,
                          .dst_port = 53,
                          .proto = row.proto}));
}

constexpr std::uint16_t p = 40000;
constexpr std::uint16_t q = 53;
const Row sound_rows[] = {
    {"udp4", ip4().udp(p, q).payload(5).build(), Kind::transport, 17, 34},
    {"udp4, no payload", ip4().udp(p, q).build(), Kind::transport, 17, 34},
    {"udp4, ten option words", ip4().options(10).udp(p, q).build(), Kind::transport, 17, 74},
    {"udp4, DF", ip4().dont_fragment().udp(p, q).build(), Kind::transport, 17, 34},
    {"udp4, surplus behind the datagram", ip4().udp(p, q).payload(5).udp_length(8).build(), Kind::transport, 17, 34},
    {"tcp4", ip4().tcp(p, q).build(), Kind::transport, 6, 34},
    {"tcp4, all options", ip4().tcp(p, q).tcp_options(10).build(), Kind::transport, 6, 34},
    {"udplite4", ip4().udplite(p, q).payload(5).build(), Kind::transport, 136, 34},
    {"sctp4", ip4().sctp(p, q).build(), Kind::transport, 132, 34},
    {"dccp4", ip4().dccp(p, q).build(), Kind::transport, 33, 34},
    {"icmp4", ip4().icmp_echo(1, 2).build(), Kind::icmp, 1, 34},
    {"icmpv6 over IPv4 is nothing we know", ip4().raw(58).payload(8).build(), Kind::other, 58, 34},
    {"gre4", ip4().raw(47).payload(4).build(), Kind::other, 47, 34},
    {"udp6", ip6().udp(p, q).payload(5).build(), Kind::transport, 17, 54},
    {"tcp6", ip6().tcp(p, q).build(), Kind::transport, 6, 54},
    {"udplite6", ip6().udplite(p, q).build(), Kind::transport, 136, 54},
    {"sctp6", ip6().sctp(p, q).build(), Kind::transport, 132, 54},
    {"dccp6", ip6().dccp(p, q).build(), Kind::transport, 33, 54},
    {"icmp6", ip6().icmp_echo(1, 2).build(), Kind::icmp, 58, 54},
    {"nothing behind IPv6", ip6().raw(59).build(), Kind::other, 59, 54},
    {"nothing behind an extension", ip6().hop_by_hop().raw(59).build(), Kind::other, 59, 62},
    {"esp6", ip6().raw(50).payload(16).build(), Kind::other, 50, 54},
    {"hop-by-hop", ip6().hop_by_hop().udp(p, q).build(), Kind::transport, 17, 62},
    {"destination", ip6().destination(24).udp(p, q).build(), Kind::transport, 17, 78},
    {"routing", ip6().routing(2048).udp(p, q).build(), Kind::transport, 17, 2102},
    {"ah counts words of four", ip6().ah(28).udp(p, q).build(), Kind::transport, 17, 82},
    {"ah, shortest", ip6().ah(12).udp(p, q).build(), Kind::transport, 17, 66},
    {"any order", ip6().ah(24).destination().hop_by_hop().routing().udp(p, q).build(), Kind::transport, 17, 102},
    {"eight extensions",
     ip6()
         .hop_by_hop()
         .destination()
         .routing()
         .ah()
         .destination()
         .destination()
         .routing()
         .destination()
         .tcp(p, q)
         .build(),
     Kind::transport, 6, 134},
    {"transport at byte 4094", ip6().destination(2032).routing(2008).udp(p, q).build(), Kind::transport, 17, 4094},
    {"atomic fragment", ip6().fragment(0, false, 9).udp(p, q).build(), Kind::transport, 17, 62},
    {"extensions around an atomic fragment", ip6().routing().fragment(0, false, 9).destination().udp(p, q).build(),
     Kind::transport, 17, 78},
    {"first fragment 4", ip4().fragment(0, true, 9).udp(p, q).udp_length(2000).payload(8).build(), Kind::transport, 17,
     34, Fragment::first},
    {"first fragment 4 that cuts TCP options", ip4().fragment(0, true, 9).tcp(p, q).data_offset(15).payload(4).build(),
     Kind::transport, 6, 34, Fragment::first},
    {"first fragment 6", ip6().fragment(0, true, 9).udp(p, q).udp_length(2000).payload(8).build(), Kind::transport, 17,
     62, Fragment::first},
    {"first fragment of a ping", ip4().fragment(0, true, 9).icmp_echo(1, 1).payload(8).build(), Kind::icmp, 1, 34,
     Fragment::first},
    {"later fragment 4", ip4().fragment(8, true, 9).raw(17).payload(8).build(), Kind::later, 17, 34, Fragment::later},
    {"last fragment 4", ip4().fragment(1480, false, 9).raw(6).payload(1).build(), Kind::later, 6, 34, Fragment::later},
    {"later fragment 6", ip6().fragment(8, true, 9).raw(17).payload(8).build(), Kind::later, 17, 62, Fragment::later},
    {"fragment that ends at 65535", ip4().fragment(65528, false, 9).raw(17).payload(7).build(), Kind::later, 17, 34,
     Fragment::later},
    {"error 4", ip4().icmp_error(3, 3, ip4().udp(p, q).build()).build(), Kind::icmp_error, 1, 34},
    {"error 6", ip6().icmp_error(1, 4, ip6().udp(p, q).build()).build(), Kind::icmp_error, 58, 54},
};
INSTANTIATE_TEST_SUITE_P(Parse, Sound, testing::ValuesIn(sound_rows));

TEST(Parse, PortsOfEveryEdge) {
  for (const std::uint16_t port : std::initializer_list<std::uint16_t>{0, 1, 63, 64, 65534, 65535}) {
    const auto facts = parse(ip4().udp(port, port).build());
    EXPECT_TRUE(facts.ports_known);
    EXPECT_EQ(facts.src_port, port);
    EXPECT_EQ(facts.dst_port, port);
  }
}

TEST(Parse, VlanTagsOutermostFirst) {
  for (const std::uint16_t tpid : {wire::ethertype_vlan, wire::ethertype_qinq, wire::ethertype_old_qinq}) {
    for (std::uint16_t depth = 0; depth <= 5; ++depth) {
      auto builder = ip4().udp(p, q);
      for (std::uint16_t i = 0; i < depth; ++i) {
        builder.vlan(static_cast<std::uint16_t>(0xe064 + i), i == 0 ? tpid : wire::ethertype_vlan);
      }
      const auto facts = parse(builder.build());
      if (depth == 5) {
        EXPECT_EQ(facts.reason, Reason::too_many_vlans);
        continue;
      }
      EXPECT_EQ(facts.reason, Reason::none);
      EXPECT_EQ(facts.vlan_count, depth);
      EXPECT_EQ(facts.l3_offset, 14 + 4 * depth);
      EXPECT_EQ(facts.dst_port, q);
      for (std::uint16_t i = 0; i < depth; ++i) EXPECT_EQ(facts.vlan[i], 0x064 + i) << "without priority bits";
    }
  }
}

TEST(Parse, PaddingIsNotPacket) {
  const auto bytes = ip4().udp(p, q).payload(2).pad_to(60).build();
  const auto facts = parse(bytes);
  EXPECT_EQ(facts.reason, Reason::none);
  EXPECT_EQ(facts.l3_end, 44U);
  EXPECT_EQ(bytes.size(), 60U);
}

TEST(Parse, FragmentIdentification) {
  EXPECT_EQ(parse(ip4().fragment(8, true, 0xbeef).raw(17).payload(8).build()).fragment_id, 0xbeefU);
  EXPECT_EQ(parse(ip6().fragment(8, true, 0xdeadbeef).raw(17).payload(8).build()).fragment_id, 0xdeadbeefU);
}

TEST(Parse, ArpIsKnownWhateverItHolds) {
  EXPECT_EQ(parse(frame().arp_request(a4, b4).build()).kind, Kind::arp);
  EXPECT_EQ(parse(frame().vlan(5).arp_request(a4, b4).cut_to(20).build()).kind, Kind::arp);
}

TEST(Parse, WhichIcmpTypesAreErrors) {
  for (unsigned type = 0; type < 256; ++type) {
    const auto code = static_cast<std::uint8_t>(type);
    const bool is_error4 = type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
    const bool is_error6 = type >= 1 && type <= 4;
    EXPECT_EQ(parse(ip4().icmp(code, 0).build()).kind, is_error4 ? Kind::icmp_error : Kind::icmp) << type;
    EXPECT_EQ(parse(ip6().icmp(code, 0).build()).kind, is_error6 ? Kind::icmp_error : Kind::icmp) << type;
  }
}

// A capture with a snap length: the wire had more than the frame holds.
TEST(Parse, CutCapturesKeepTheirPorts) {
  const auto whole = ip4().tcp(p, q).payload(1000).build();
  const Bytes cut = Bytes(whole).first(54);
  EXPECT_EQ(parse(cut).reason, Reason::bad_length);
  const auto facts = parse(cut, whole.size());
  EXPECT_EQ(facts.reason, Reason::none);
  EXPECT_EQ(facts.dst_port, q);
  EXPECT_EQ(facts.l3_end, whole.size());
  EXPECT_EQ(parse(Bytes(whole).first(53), whole.size()).reason, Reason::truncated_transport);
  const auto later = ip4().options(10).fragment(8, false, 1).raw(17).payload(100).build();
  EXPECT_EQ(parse(Bytes(later).first(40), later.size()).reason, Reason::truncated_ip);
}

TEST(Parse, FragmentHeaderMayNotCarryTheTransportBeyondByte4095) {
  EXPECT_EQ(parse(ip6().destination(2040).routing(2000).fragment(0, true, 1).udp(p, q).build()).reason,
            Reason::headers_too_long);
  EXPECT_EQ(parse(ip6().destination(2040).routing(2000).fragment(8, true, 1).raw(17).payload(8).build()).reason,
            Reason::headers_too_long);
}

// Otherwise an atomic fragment inside a first fragment would pass as a whole datagram.
TEST(Parse, SecondFragmentHeaderIsAFault) {
  for (const bool more : {false, true}) {
    EXPECT_EQ(parse(ip6().fragment(0, true, 1).fragment(0, more, 2).udp(p, q).build()).reason, Reason::bad_extension);
    EXPECT_EQ(parse(ip6().fragment(0, false, 1).destination().fragment(8, more, 2).udp(p, q).build()).reason,
              Reason::bad_extension);
  }
}

TEST(Parse, EveryMalformedKindHasItsReason) {
  std::set<Reason> seen;
  for (const auto& kind : traffic::malformed_kinds()) {
    const auto bytes = kind.make({});
    const auto facts = parse(bytes);
    seen.insert(kind.reason);
    if (kind.reason == Reason::bad_quote) {
      ASSERT_EQ(facts.kind, Kind::icmp_error) << kind.name;
      EXPECT_EQ(parse_quote(bytes, facts).ip_version, 0) << kind.name;
      continue;
    }
    EXPECT_EQ(text_of(facts.reason).name, text_of(kind.reason).name) << kind.name;
    EXPECT_EQ(facts.kind, Kind::other) << kind.name;
    EXPECT_FALSE(facts.ports_known) << kind.name;
  }
  for (std::size_t i = 1; i < reason_count; ++i) {
    const auto reason = static_cast<Reason>(i);
    // Two are found before there is anything to parse: by the receive stage and by the reader of captures.
    if (text_of(reason).stage != "parse" || reason == Reason::frame_too_long || reason == Reason::unsupported_link) {
      continue;
    }
    EXPECT_TRUE(seen.contains(reason)) << text_of(reason).name;
  }
}

TEST(Quote, NamesTheFlowFromOurSide) {
  const auto sent4 = frame().ipv4(b4, a4).udp(q, p).payload(100).build();
  const auto error4 = ip4().icmp_error(3, 3, sent4, 28).build();
  EXPECT_EQ(flow_key(parse_quote(error4, parse(error4))),
            (FlowKey{.src = a4, .dst = b4, .src_port = p, .dst_port = q, .proto = 17}));
  const auto sent6 = frame().ipv6(b6, a6).tcp(q, p).build();
  const auto error6 = ip6().hop_by_hop().icmp_error(1, 4, sent6, 48).build();
  EXPECT_EQ(flow_key(parse_quote(error6, parse(error6))),
            (FlowKey{.src = a6, .dst = b6, .src_port = p, .dst_port = q, .proto = 6}));
}

TEST(Quote, LooksBehindItsHeaders) {
  const auto with_options = frame().ipv4(b4, a4).options(10).udp(q, p).build();
  const auto error4 = ip4().icmp_error(11, 0, with_options).build();
  EXPECT_EQ(parse_quote(error4, parse(error4)).src_port, q);
  const auto extended = frame().ipv6(b6, a6).hop_by_hop().ah(24).fragment(0, true, 1).udplite(q, p).build();
  const auto error6 = ip6().icmp_error(2, 0, extended, 1232).build();
  const auto quote = parse_quote(error6, parse(error6));
  EXPECT_EQ(quote.proto, wire::proto_udplite);
  EXPECT_EQ(quote.src_port, q);
}

TEST(Quote, WithoutPorts) {
  const auto later4 =
      ip4().icmp_error(3, 3, frame().ipv4(b4, a4).fragment(8, true, 1).raw(17).payload(8).build()).build();
  const auto later6 =
      ip6().icmp_error(1, 4, frame().ipv6(b6, a6).fragment(8, true, 1).raw(17).payload(8).build()).build();
  const auto cut4 = ip4().icmp_error(3, 3, frame().ipv4(b4, a4).udp(q, p).build(), 23).build();
  const auto cut6 = ip6().icmp_error(1, 4, frame().ipv6(b6, a6).routing(64).udp(q, p).build(), 100).build();
  const auto ping = ip4().icmp_error(3, 1, frame().ipv4(b4, a4).icmp_echo(1, 1).build()).build();
  for (const auto& bytes : {later4, later6, cut4, cut6, ping}) {
    const auto quote = parse_quote(bytes, parse(bytes));
    EXPECT_NE(quote.ip_version, 0);
    EXPECT_FALSE(quote.ports_known);
    EXPECT_EQ(quote.src_port, 0);
  }
}

// The same code decides at compile time.
constexpr auto parse_bytes(std::initializer_list<std::uint8_t> bytes) { return parse({bytes.begin(), bytes.size()}); }

static_assert(parse_bytes({}).reason == Reason::truncated_ethernet);
static_assert(parse_bytes({1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x08, 0x06}).kind == Kind::arp);
static_assert(parse_bytes({1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 0x81, 0x00, 0, 5}).reason == Reason::truncated_vlan);
constexpr auto dns = parse_bytes({2, 0,  0,  0, 0, 2,  2, 0, 0, 0,  0, 1, 0x08, 0x00, 0x45, 0, 0,  28, 0, 0, 0,
                                  0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,    0xc0, 0,    0, 53, 0,  8, 0, 0});
static_assert(dns.kind == Kind::transport && dns.src_port == 0xc000 && dns.dst_port == 53 && dns.l4_offset == 34);

}  // namespace
}  // namespace portier::packet
