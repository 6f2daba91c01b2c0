/// Ordinary traffic through whole routers: nothing is lost unnamed, flows keep their order, answers are right.
#include <map>

#include "packet/reply_reader.hpp"
#include "packet/transport.hpp"
#include "pipeline/pipeline_fixture.hpp"
#include "traffic/mix.hpp"

namespace portier::test {
namespace {

class Traffic : public PipelineTest {};
INSTANTIATE_TEST_SUITE_P(Modes, Traffic, all_shapes(), name_of);

TEST_P(Traffic, EverythingOfAMixIsAccountedFor) {
  settings_.devices[0].addresses = {{host4, 24, {}}, {host6, 64, {}}};
  settings_.services = {service("dns", {"udp/53", "tcp/53"}, {"echo"}), service("web", {"tcp/443"}, {"count"}),
                        service("calls", {"sctp/5060-5061"}, {"drop"}), service("media", {"udplite/*"}, {"record"}),
                        service("old", {"dccp/[2001:db8::/32]:7", "dccp/192.0.2.0/24:7"}, {"reject"})};
  const std::vector<traffic::Destination> open{{host4, host6, packet::wire::proto_udp, 53},
                                               {host4, host6, packet::wire::proto_tcp, 443},
                                               {host4, host6, packet::wire::proto_sctp, 5061},
                                               {host4, host6, packet::wire::proto_udplite, 65535},
                                               {host4, host6, packet::wire::proto_dccp, 7}};
  traffic::Mix mix({.seed = 4,
                    .closed_share = 0.05,
                    .fragment_share = 0.1,
                    .malformed_share = 0.05,
                    .flows = 500,
                    .pool_frames = 20'000},
                   open, traffic::closed_ports_except(open));
  start();
  std::map<traffic::Content, std::uint64_t> contents;
  for (const auto& frame : mix.pool()) {
    push(frame.bytes);
    contents[frame.content] += 1;
  }
  settle();
  for (int i = 0; i < 10; ++i) {
    push(traffic::frame().ipv4(traffic::v4(192, 0, 2, 9), host4).icmp_echo(1, 1).build());
    push(traffic::frame().arp_request(traffic::v4(192, 0, 2, 9), host4).build());
  }
  settle();
  stop_and_check();
  EXPECT_EQ(ledger_.received, mix.pool().size() + 20);
  for (const auto& name : {"dns", "web", "media", "answer"}) EXPECT_GT(account(name).delivered, 0U) << name;
  EXPECT_GT(dropped(account("calls"), Reason::service_drop), 0U);
  EXPECT_GT(dropped(account("old"), Reason::service_reject), 0U);
  EXPECT_GE(dropped(Reason::closed_port), contents[traffic::Content::closed]);
  std::uint64_t unsound = 0;
  for (std::size_t reason = 1; reason < ledger_.dropped.size(); ++reason) {
    const auto stage = packet::reason_texts[reason].stage;
    if (stage == "parse") unsound += ledger_.dropped[reason];
  }
  EXPECT_GE(unsound, contents[traffic::Content::malformed] / 2);
  EXPECT_EQ(ledger_.handler_faults, 0U);
}

/// Each flow on one worker, in order, whole, and only at the service it was sent to.
TEST_P(Traffic, FlowsStayOnTheirWorkerAndInOrder) {
  constexpr std::uint32_t flows = 64;
  constexpr std::uint32_t packets = 200;
  const std::vector<std::string> names{"a", "b", "c"};
  const std::vector<std::uint16_t> ports{0, 64, 65535};
  for (std::size_t i = 0; i < names.size(); ++i) {
    settings_.services.push_back(service(names[i], both(std::to_string(ports[i])), {"record"}));
  }
  start();
  Random random(1);
  std::vector<std::uint32_t> next(flows);
  for (std::uint32_t i = 0; i < flows * packets;) {
    const auto flow = random.below(flows);
    for (auto burst = random.between(1, 20); burst > 0 && next[flow] < packets; --burst, ++i) {
      push(numbered(flow, next[flow]++, ports[flow % 3]));
    }
    throttle(1000);
  }
  settle();
  stop_and_check();
  EXPECT_EQ(ledger_.delivered, flows * packets);
  std::vector<std::uint32_t> expected(flows);
  std::map<std::uint32_t, unsigned> worker_of;
  std::set<unsigned> workers;
  for (const auto& seen : journal_.all()) {
    ASSERT_LT(seen.flow, flows);
    ASSERT_EQ(seen.number, expected[seen.flow]++) << "flow " << seen.flow;
    ASSERT_EQ(worker_of.try_emplace(seen.flow, seen.worker).first->second, seen.worker) << "flow " << seen.flow;
    ASSERT_EQ(seen.service, names[seen.flow % 3]);
    workers.insert(seen.worker);
  }
  EXPECT_EQ(expected, std::vector<std::uint32_t>(flows, packets));
  EXPECT_EQ(workers.size(), GetParam().delivering()) << "some core got nothing to do";
}

TEST_P(Traffic, DatagramsComeBackTurnedRoundAndWithTheirChecksums) {
  settings_.services = {service("echo", {"udp/7", "udplite/7"}, {"echo"})};
  start();
  std::map<std::uint16_t, Frame> requests;  // by source port
  for (std::uint16_t i = 0; i < 600; ++i) {
    const auto port = static_cast<std::uint16_t>(2000 + i);
    const bool is_ipv6 = i % 2 == 1;
    auto builder = is_ipv6 ? traffic::frame().ipv6(traffic::v6(0x20010002'00000000, i + 1U), host6)
                           : traffic::frame().ipv4(packet::ipv4(0xc6120001U + i), host4);
    if (i % 5 == 0) builder.vlan(7).vlan(8);
    i % 3 == 0 ? builder.udplite(port, 7) : builder.udp(port, 7);
    requests[port] = builder.payload(std::size_t{i} * 2).build();
    push(requests[port]);
    if (i % 64 == 0) settle();
  }
  settle();
  stop_and_check();
  ASSERT_EQ(replies_.size(), requests.size());
  for (const auto& reply : replies_) {
    const auto facts = packet::read_back(reply);
    const auto request = requests.find(facts.dst_port);
    ASSERT_NE(request, requests.end());
    EXPECT_EQ(facts.src_port, 7);
    packet::expect_turned_round(reply, request->second);
    const auto asked = packet::parse(request->second);
    EXPECT_TRUE(std::equal(reply.begin() + facts.l4_offset + 8, reply.end(),
                           request->second.begin() + asked.l4_offset + 8, request->second.end()));
    requests.erase(request);
  }
}

TEST_P(Traffic, ClosedPortsAreRefusedWithinTheBudget) {
  constexpr unsigned rate_pps = 100;
  settings_.closed_ports.reject_rate_pps = rate_pps;
  settings_.services = {service("web", {"tcp/80"}, {"count"})};
  start();
  const auto begin = std::chrono::steady_clock::now();
  for (std::uint32_t i = 0; i < 1000; ++i) push(numbered(i, 0, i % 2 == 0 ? 1 : 65534));
  settle();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  stop_and_check();
  EXPECT_EQ(dropped(Reason::closed_port), 1000U);
  EXPECT_EQ(ledger_.delivered, 0U);
  EXPECT_GE(replies_.size(), 16U) << "at least one core's burst";
  EXPECT_LE(static_cast<double>(replies_.size()), GetParam().rx * 17 + rate_pps * took.count());
  for (const auto& reply : replies_) {
    const auto facts = packet::read_back(reply);
    if (facts.proto == packet::wire::proto_tcp) {
      EXPECT_NE(reply[facts.l4_offset + 13U] & packet::wire::tcp_rst, 0);
    } else {
      EXPECT_EQ(facts.kind, packet::Kind::icmp_error);
    }
  }
}

TEST_P(Traffic, ClosedPortsStayClosedForOtherActions) {
  settings_.closed_ports.action = control::ClosedAction::drop;
  start();
  for (std::uint32_t i = 0; i < 100; ++i) push(numbered(i, 0, 53));
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(Reason::closed_port), 100U);
  EXPECT_TRUE(replies_.empty());
}

}  // namespace
}  // namespace portier::test
