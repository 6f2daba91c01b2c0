/// The XDP program on frames as data: what goes to portier, and what stays with the kernel.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "traffic/malformed.hpp"
#include "xdp/verdicts.hpp"

namespace portier::nic {
namespace {

using traffic::Frame;
using traffic::frame;
using traffic::FrameBuilder;
using traffic::v4;
using traffic::v6;
namespace wire = packet::wire;

const auto peer4 = v4(198, 51, 100, 7);
const auto peer6 = v6(0x20010db8'00000007, 7);
const auto ours4 = v4(192, 0, 2, 1);
const auto ours6 = v6(0x20010db8'00000000, 1);
const auto other4 = v4(192, 0, 2, 2);    // ours as well, with ports of its own
const auto strange4 = v4(192, 0, 2, 3);  // not ours

constexpr std::uint16_t edges[] = {0, 1, 63, 64, 65534, 65535};

/// Every transport has a port that no other one has; UDP has the edges.
ShareTable table() {
  PortSet set;
  for (const auto port : edges) set.add(1, port, port);
  set.add(0, 80, 80);
  set.add(1, 53, 53);
  set.add(2, 1002, 1002);
  set.add(3, 1003, 1003);
  set.add(4, 1004, 1004);
  PortSet other;
  other.add(0, 2000, 2999);
  return Ports().at(ours4, set).at(ours6, set).at(other4, other).table();
}

FrameBuilder ip4() { return frame().ipv4(peer4, ours4); }
FrameBuilder ip6() { return frame().ipv6(peer6, ours6); }
FrameBuilder dns4() { return ip4().udp(40000, 53).payload(20); }
FrameBuilder dns6() { return ip6().udp(40000, 53).payload(20); }
FrameBuilder ssh4() { return ip4().tcp(40000, 22); }

/// What we sent from a port, and what comes back as an error about it.
Frame sent4(std::uint16_t port) { return frame().ipv4(ours4, peer4).udp(port, 40000).payload(30).build(); }
Frame sent6(std::uint16_t port) { return frame().ipv6(ours6, peer6).udp(port, 40000).payload(30).build(); }
FrameBuilder error4(const Frame& quoted, std::uint8_t type = 3, std::size_t bytes = 548) {
  return frame().ipv4(v4(203, 0, 113, 1), ours4).icmp_error(type, 1, quoted, bytes);
}
FrameBuilder error6(const Frame& quoted, std::uint8_t type = 1) {
  return frame().ipv6(v6(0x20010db8'00000009, 1), ours6).icmp_error(type, 4, quoted);
}

Frame tagged(FrameBuilder builder, int tags) {
  for (int i = 0; i < tags; ++i) builder.vlan(7, i % 2 == 0 ? wire::ethertype_vlan : wire::ethertype_qinq);
  return builder.build();
}
Frame with_extensions(int count) {
  auto builder = ip6();
  for (int i = 0; i < count; ++i) builder.destination();
  return builder.udp(1, 53).build();
}
FrameBuilder later4(std::uint16_t id) { return ip4().fragment(1000, false, id).raw(wire::proto_udp).payload(32); }
FrameBuilder later6(std::uint32_t id) { return ip6().fragment(1000, false, id).raw(wire::proto_udp).payload(32); }
Frame first4(std::uint16_t id, std::uint16_t port) {
  return ip4().fragment(0, true, id).udp(1, port).udp_length(1040).payload(32).build();
}
Frame first6(std::uint32_t id, std::uint16_t port) {
  return ip6().fragment(0, true, id).udp(1, port).udp_length(1040).payload(32).build();
}

struct Row {
  std::string name;
  Frame frame;
  xdp_action expected;
  std::vector<Frame> before = {};  ///< what has come by then
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

/// One program for all rows of a suite, as loading one takes a while: rows with fragments have numbers of their own.
class Verdict : public testing::TestWithParam<Row> {
 protected:
  static void SetUpTestSuite() {
    if (!why_no_xdp().empty()) return;
    verdicts = std::make_unique<Verdicts>();
    verdicts->filter().apply(table());
  }
  static void TearDownTestSuite() { verdicts.reset(); }
  void SetUp() override {
    if (const auto why = why_no_xdp(); !why.empty()) GTEST_SKIP() << why;
  }

  static std::unique_ptr<Verdicts> verdicts;
};
std::unique_ptr<Verdicts> Verdict::verdicts;

TEST_P(Verdict, IsAsExpected) {
  const auto& row = GetParam();
  for (const auto& earlier : row.before) verdicts->verdict(earlier);
  EXPECT_EQ(verdicts->verdict(row.frame), row.expected);
}

INSTANTIATE_TEST_SUITE_P(
    Transports, Verdict,
    testing::Values(Row{"UDP", dns4().build(), XDP_REDIRECT}, Row{"UDP over IPv6", dns6().build(), XDP_REDIRECT},
                    Row{"TCP", ip4().tcp(1, 80).build(), XDP_REDIRECT},
                    Row{"TCP with options", ip4().tcp(1, 80).tcp_options(10).build(), XDP_REDIRECT},
                    Row{"TCP over IPv6", ip6().tcp(1, 80).build(), XDP_REDIRECT},
                    Row{"UDP-Lite", ip4().udplite(1, 1002).build(), XDP_REDIRECT},
                    Row{"SCTP", ip6().sctp(1, 1003).build(), XDP_REDIRECT},
                    Row{"DCCP", ip4().dccp(1, 1004).build(), XDP_REDIRECT}, Row{"SSH", ssh4().build(), XDP_PASS},
                    Row{"UDP's port over TCP", ip4().tcp(1, 53).build(), XDP_PASS},
                    Row{"TCP's port over UDP", ip4().udp(1, 80).build(), XDP_PASS},
                    Row{"SCTP's port over DCCP", ip4().dccp(1, 1003).build(), XDP_PASS},
                    Row{"a bound source port", ip4().udp(53, 40000).build(), XDP_PASS},
                    Row{"another protocol", ip4().raw(47).payload(30).build(), XDP_PASS}));

INSTANTIATE_TEST_SUITE_P(
    Addresses, Verdict,
    testing::Values(Row{"not ours", frame().ipv4(peer4, strange4).udp(1, 53).build(), XDP_PASS},
                    Row{"from us", frame().ipv4(ours4, peer4).udp(53, 53).build(), XDP_PASS},
                    Row{"another of ours, its port", frame().ipv4(peer4, other4).tcp(1, 2999).build(), XDP_REDIRECT},
                    Row{"another of ours, not its port", frame().ipv4(peer4, other4).tcp(1, 80).build(), XDP_PASS},
                    Row{"above its range", frame().ipv4(peer4, other4).tcp(1, 3000).build(), XDP_PASS},
                    Row{"below its range", frame().ipv4(peer4, other4).tcp(1, 1999).build(), XDP_PASS},
                    Row{"IPv6 that begins as ours in IPv4",
                        frame().ipv6(peer6, v6(0xc0000201'00000000, 0)).udp(1, 53).build(), XDP_PASS}));

INSTANTIATE_TEST_SUITE_P(
    Links, Verdict,
    testing::Values(Row{"a tag", tagged(dns4(), 1), XDP_REDIRECT}, Row{"four tags", tagged(dns6(), 4), XDP_REDIRECT},
                    Row{"five tags", tagged(dns4(), 5), XDP_PASS}, Row{"a tag, SSH", tagged(ssh4(), 1), XDP_PASS},
                    Row{"0x9100", dns4().vlan(7, wire::ethertype_old_qinq).build(), XDP_REDIRECT},
                    Row{"ARP", frame().arp_request(peer4, ours4).build(), XDP_PASS},
                    Row{"solicitation", frame().neighbor_solicitation(peer6, ours6).build(), XDP_PASS},
                    Row{"ping", ip4().icmp_echo(1, 1).build(), XDP_PASS},
                    Row{"ping over IPv6", ip6().icmp_echo(1, 1).build(), XDP_PASS},
                    Row{"unknown EtherType", dns4().ethertype(0x88b5).build(), XDP_PASS},
                    Row{"only an Ethernet header", dns4().cut_to(14).build(), XDP_PASS}));

INSTANTIATE_TEST_SUITE_P(
    Headers, Verdict,
    testing::Values(
        Row{"IPv4 options", ip4().options(1).udp(1, 53).build(), XDP_REDIRECT},
        Row{"all IPv4 options", ip4().options(10).tcp(1, 80).build(), XDP_REDIRECT},
        Row{"IPv4 options, closed", ip4().options(10).tcp(1, 22).build(), XDP_PASS},
        Row{"hop by hop", ip6().hop_by_hop().udp(1, 53).build(), XDP_REDIRECT},
        Row{"four kinds", ip6().hop_by_hop(24).routing().destination(64).ah().udp(1, 53).build(), XDP_REDIRECT},
        Row{"four kinds, closed", ip6().hop_by_hop().routing().destination().ah().udp(1, 54).build(), XDP_PASS},
        Row{"eight extensions", with_extensions(8), XDP_REDIRECT}, Row{"nine extensions", with_extensions(9), XDP_PASS},
        Row{"authentication header of 8 bytes, ours behind it",
            ip6().destination(8).extension_length(0).next_header(wire::proto_ah).udp(1, 53).build(), XDP_PASS},
        Row{"padding", dns4().pad_to(60).build(), XDP_REDIRECT},
        Row{"a port that only padding has", ip4().udp(1, 53).ip_length(22).pad_to(60).build(), XDP_PASS}));

INSTANTIATE_TEST_SUITE_P(
    Fragments, Verdict,
    testing::Values(
        Row{"first", first4(100, 53), XDP_REDIRECT}, Row{"first, closed", first4(101, 54), XDP_PASS},
        Row{"later alone", later4(102).build(), XDP_PASS},
        Row{"later behind its first", later4(103).build(), XDP_REDIRECT, {first4(103, 53)}},
        Row{"later of another", later4(204).build(), XDP_PASS, {first4(104, 53)}},
        Row{"later behind a closed one", later4(105).build(), XDP_PASS, {first4(105, 54)}},
        Row{"number used again by a closed one", later4(106).build(), XDP_PASS, {first4(106, 53), first4(106, 54)}},
        Row{"number used again by ours", later4(107).build(), XDP_REDIRECT, {first4(107, 54), first4(107, 53)}},
        Row{"same number, another protocol",
            ip4().fragment(1000, false, 108).raw(wire::proto_tcp).payload(32).build(),
            XDP_PASS,
            {first4(108, 53)}},
        Row{"tagged later behind its untagged first", tagged(later4(109), 1), XDP_REDIRECT, {first4(109, 53)}},
        Row{"first over IPv6", first6(70010, 53), XDP_REDIRECT},
        Row{"later over IPv6", later6(70011).build(), XDP_REDIRECT, {first6(70011, 53)}},
        Row{"later over IPv6, low bits alike", later6(70012 - 65536).build(), XDP_PASS, {first6(70012, 53)}},
        Row{"IPv6 fragment that is the whole", ip6().fragment(0, false, 9).udp(1, 53).build(), XDP_REDIRECT},
        Row{"fragmented ping", ip4().fragment(0, true, 114).icmp_echo(1, 1).payload(32).build(), XDP_PASS}));

INSTANTIATE_TEST_SUITE_P(
    Errors, Verdict,
    testing::Values(
        Row{"about ours", error4(sent4(53)).build(), XDP_REDIRECT},
        Row{"about ours, IPv6", error6(sent6(53)).build(), XDP_REDIRECT},
        Row{"with eight bytes", error4(sent4(53), 3, 28).build(), XDP_REDIRECT},
        Row{"without the ports", error4(sent4(53), 3, 23).build(), XDP_PASS},
        Row{"time exceeded", error4(sent4(53), 11).build(), XDP_REDIRECT},
        Row{"packet too big", error6(sent6(53), 2).build(), XDP_REDIRECT},
        Row{"about SSH", error4(frame().ipv4(ours4, peer4).tcp(22, 40000).build()).build(), XDP_PASS},
        Row{"about the kernel's port", error4(sent4(54)).build(), XDP_PASS},
        Row{"about a port of a peer", error4(dns4().build()).build(), XDP_PASS},
        Row{"about a sender that is not us", error4(frame().ipv4(strange4, peer4).udp(53, 1).build()).build(),
            XDP_PASS},
        Row{"about our later fragment",
            error4(frame().ipv4(ours4, peer4).fragment(1000, false, 1).raw(17).payload(32).build()).build(), XDP_PASS},
        Row{"behind a quoted extension header",
            error6(frame().ipv6(ours6, peer6).destination(24).udp(53, 1).build()).build(), XDP_REDIRECT},
        Row{"of the other family", error4(sent6(53)).build(), XDP_PASS},
        Row{"no error", frame().ipv4(peer4, ours4).icmp_error(8, 0, sent4(53)).build(), XDP_PASS},
        Row{"to somebody else", frame().ipv4(peer4, strange4).icmp_error(3, 1, sent4(53)).build(), XDP_PASS}));

std::vector<Row> edge_rows() {
  std::vector<Row> rows;
  for (const auto port : edges) {
    rows.push_back({"UDP " + std::to_string(port), ip4().udp(1, port).build(), XDP_REDIRECT});
    rows.push_back({"TCP " + std::to_string(port), ip6().tcp(1, port).build(), XDP_PASS});
  }
  for (const int port : {2, 62, 65, 52, 54, 65533}) {
    rows.push_back({"UDP " + std::to_string(port), ip4().udp(1, static_cast<std::uint16_t>(port)).build(), XDP_PASS});
  }
  return rows;
}
INSTANTIATE_TEST_SUITE_P(Edges, Verdict, testing::ValuesIn(edge_rows()));

/// Everything that the parser refuses is the kernel's to refuse. Quotations aside, all aim at a bound port.
std::vector<Row> malformed_rows() {
  std::vector<Row> rows;
  const traffic::MalformedTarget target{.src4 = peer4, .dst4 = ours4, .src6 = peer6, .dst6 = ours6, .dst_port = 53};
  for (const auto& kind : traffic::malformed_kinds()) {
    auto bytes = kind.make(target);
    if (can_run(bytes)) rows.push_back({std::string(kind.name), std::move(bytes), XDP_PASS});
  }
  return rows;
}
INSTANTIATE_TEST_SUITE_P(Malformed, Verdict, testing::ValuesIn(malformed_rows()));

class Share : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = why_no_xdp(); !why.empty()) GTEST_SKIP() << why;
  }
};

TEST_F(Share, EveryPrefixOfASoundFrameStays) {
  Verdicts verdicts;
  verdicts.filter().apply(table());
  for (const auto& whole :
       {dns4().build(), tagged(dns6(), 2), ip4().tcp(1, 80).build(), ip6().sctp(1, 1003).build(),
        ip6().hop_by_hop().ah().udp(1, 53).build(), error4(sent4(53)).build(), error6(sent6(53)).build()}) {
    ASSERT_TRUE(verdicts.redirects(whole));
    for (std::size_t size = 14; size < whole.size(); ++size) {
      ASSERT_FALSE(verdicts.redirects(Frame(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)))) << size;
    }
  }
}

TEST_F(Share, NothingIsTakenBeforeTheTable) {
  const Verdicts verdicts;
  EXPECT_EQ(verdicts.verdict(dns4().build()), XDP_PASS);
}

TEST_F(Share, WithoutASocketTheKernelKeepsAll) {
  Verdicts verdicts({}, /*has_socket=*/false);
  verdicts.filter().apply(table());
  EXPECT_EQ(verdicts.verdict(dns4().build()), XDP_PASS);
}

TEST_F(Share, AFirstFragmentIsForgottenAfterItsTime) {
  Verdicts verdicts({.fragment_timeout_ms = 60});
  verdicts.filter().apply(table());
  ASSERT_TRUE(verdicts.redirects(first4(7, 53)));
  EXPECT_TRUE(verdicts.redirects(later4(7).build()));
  std::this_thread::sleep_for(std::chrono::milliseconds(80));
  EXPECT_FALSE(verdicts.redirects(later4(7).build()));
}

TEST_F(Share, ATableReplacesTheOneBefore) {
  Verdicts verdicts;
  verdicts.filter().apply(table());
  PortSet ssh;
  ssh.add(0, 22, 22);
  verdicts.filter().apply(Ports().at(strange4, ssh).table());
  EXPECT_FALSE(verdicts.redirects(dns4().build()));
  EXPECT_FALSE(verdicts.redirects(ssh4().build()));
  EXPECT_TRUE(verdicts.redirects(frame().ipv4(peer4, strange4).tcp(1, 22).build()));
  verdicts.filter().apply({});
  EXPECT_FALSE(verdicts.redirects(frame().ipv4(peer4, strange4).tcp(1, 22).build()));
}

/// Tables come and go; the port that all of them have is never missed, not even in between.
TEST_F(Share, AnUnchangedPortIsNeverMissed) {
  Verdicts verdicts;
  const auto table_of = [](std::uint16_t round) {
    PortSet set;
    set.add(1, 53, 53);
    set.add(1, static_cast<std::uint16_t>(1000 + round), 65535);
    PortSet other;
    other.add(0, round, round);
    auto ports = Ports().at(ours4, set);
    if (round % 2 == 0) ports.at(ours6, set);  // addresses come and go as well
    return ports.at(other4, other).table();
  };
  verdicts.filter().apply(table_of(0));
  const auto unchanged = dns4().build();
  std::uint64_t missed = 0;
  std::uint64_t asked = 0;
  std::jthread asking([&](const std::stop_token& ends) {
    for (; !ends.stop_requested(); ++asked) missed += verdicts.redirects(unchanged) ? 0 : 1;
  });
  for (std::uint16_t round = 1; round <= 30; ++round) {
    verdicts.filter().apply(table_of(round));
    ASSERT_EQ(verdicts.redirects(ip4().udp(1, static_cast<std::uint16_t>(999 + round)).build()), false);
    ASSERT_EQ(verdicts.redirects(ip4().udp(1, static_cast<std::uint16_t>(1000 + round)).build()), true);
    ASSERT_EQ(verdicts.redirects(frame().ipv4(peer4, other4).tcp(1, round).build()), true);
    ASSERT_EQ(verdicts.redirects(dns6().build()), round % 2 == 0);
  }
  asking.request_stop();
  asking.join();
  EXPECT_EQ(missed, 0U);
  EXPECT_GT(asked, 30U);
}

/// As many addresses as a table may have, all of their ports and then all addresses replaced by as many others.
TEST_F(Share, AllMayChangeAtOnce) {
  Verdicts verdicts;
  const auto address = [](std::size_t i) { return v4(10, 0, 0, static_cast<std::uint8_t>(i)); };
  for (const std::size_t base : {1000, 2064}) {
    const std::size_t first = base % 100;  // of the addresses
    Ports ports;
    for (std::size_t i = 0; i < max_shared_addresses; ++i) {
      PortSet set;
      const auto port = static_cast<std::uint16_t>(base + i);
      set.add(1, port, port);
      ports.at(address(first + i), set);
    }
    verdicts.filter().apply(ports.table());
    for (std::size_t i = 0; i < 2 * max_shared_addresses; ++i) {
      const auto to = [&](std::size_t port) {
        return frame().ipv4(peer4, address(i)).udp(1, static_cast<std::uint16_t>(port)).build();
      };
      const bool is_ours = i >= first && i < first + max_shared_addresses;
      ASSERT_EQ(verdicts.redirects(to(base + i - first)), is_ours) << base << " " << i;
      ASSERT_FALSE(verdicts.redirects(to(base + i - first + 1))) << base << " " << i;
    }
  }
}

}  // namespace
}  // namespace portier::nic
