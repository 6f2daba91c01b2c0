/// Answers of servers and routers to what is sent: SYN-ACK, reset, and ICMP errors that quote it.
#include <gtest/gtest.h>

#include "engine_fixture.hpp"
#include "packet/parse.hpp"

namespace portier::load {
namespace {

using traffic::Frame;
using Frames = std::vector<Frame>;

constexpr TrialRequest short_trial{.rate_pps = 20'000, .duration_s = 0.05};

class Answers : public EngineTest {};

Frame tcp_answer(const Frame& syn, std::uint8_t flags) {
  const auto facts = packet::parse(syn);
  const auto flow = packet::flow_key(syn.data(), facts);
  return traffic::frame()
      .addresses(flow.dst, flow.src)
      .tcp(facts.dst_port, facts.src_port, flags, 77, packet::load32(syn.data() + facts.l4_offset + 4) + 1)
      .build();
}

TEST_P(Answers, ToSynPackets) {
  for (const double ipv6_share : {0.0, 0.5}) {
    TrafficSettings traffic;
    traffic.syn = true;
    traffic.services = parse_services("tcp/80").services;
    traffic.ipv6_share = ipv6_share;
    open({.traffic = traffic, .engine = {.drain_s = 0.1}}, [](Frame frame, std::uint64_t number) -> Frames {
      if (number % 4 == 0) return {};
      if (number % 4 == 1) return {tcp_answer(frame, packet::wire::tcp_rst | packet::wire::tcp_ack)};
      const auto answer = tcp_answer(frame, packet::wire::tcp_syn | packet::wire::tcp_ack);
      if (number % 4 == 3) return {answer, answer};  // repeated, as servers do without an ACK
      return {answer};
    });
    const auto result = run(short_trial);
    ASSERT_GE(result.sent, 100U);
    EXPECT_EQ(result.lost, (result.sent + 3) / 4);
    EXPECT_EQ(result.duplicated, result.sent / 4);
    EXPECT_EQ(result.services[0].resets, (result.sent + 2) / 4);
    EXPECT_EQ(result.services[0].syn_acks, (result.sent + 1) / 4 + result.sent / 4 * 2);
    EXPECT_EQ(result.latency.count, 0U);
    TearDown();
  }
}

TEST_P(Answers, OthersConnectionsAreForeign) {
  TrafficSettings traffic;
  traffic.syn = true;
  traffic.services = parse_services("tcp/80").services;
  open({.traffic = traffic, .engine = {.drain_s = 0.05}}, [](Frame frame, std::uint64_t) -> Frames {
    auto answer = tcp_answer(frame, packet::wire::tcp_syn | packet::wire::tcp_ack);
    answer[42] ^= 0x80;  // the check in the sequence number
    return {answer};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(result.received, 0U);
  EXPECT_EQ(result.foreign, result.sent);
}

TEST_P(Answers, UnreachablePortsOfAScan) {
  TrafficSettings traffic;
  traffic.services = parse_services("udp/2000-2099").services;
  std::set<std::uint16_t> swept;
  open({.traffic = traffic, .engine = {.drain_s = 0.05}}, [&](Frame frame, std::uint64_t number) -> Frames {
    const auto facts = packet::parse(frame);
    swept.insert(facts.dst_port);
    const auto flow = packet::flow_key(frame.data(), facts);
    if (number % 2 == 0) return {};
    // RFC 792 asks for eight bytes of the quoted packet, newer systems quote all of it.
    const std::size_t quoted = number % 4 == 1 ? 28 : 548;
    return {traffic::frame().ipv4(flow.dst, flow.src).icmp_error(3, 3, frame, quoted).build()};
  });
  const auto result = run(short_trial);
  EXPECT_EQ(swept.size(), 100U);
  EXPECT_EQ(result.services[0].unreachables, result.sent / 2);
  EXPECT_EQ(result.received, result.sent / 4) << "where the quote holds the mark, it is known which packet it was";
  EXPECT_EQ(result.foreign, 0U);
}

INSTANTIATE_TEST_SUITE_P(Cores, Answers, testing::Values(false, true), cores_in_words);

}  // namespace
}  // namespace portier::load
