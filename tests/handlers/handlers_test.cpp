/// The built-in handlers against the real outbox: bursts in, frames and refusals out.
///
/// Each device is a transmit lane with a relay ring, so what a handler sends can be taken out again without a device.
#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "datapath/burst.hpp"
#include "datapath/handler.hpp"
#include "datapath/outbox.hpp"
#include "handlers/registry.hpp"
#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace portier::handlers {
namespace {

using packet::Reason;
using traffic::frame;
using traffic::Frame;
using traffic::v4;
using traffic::v6;
namespace wire = packet::wire;

const auto peer4 = v4(198, 51, 100, 7);
const auto ours4 = v4(192, 0, 2, 1);
const auto other4 = v4(192, 0, 2, 2);
const auto peer6 = v6(0x20010db8'00000007, 7);
const auto ours6 = v6(0x20010db8'00000000, 1);
constexpr traffic::Mac mac0{2, 0, 0, 0, 1, 0};
constexpr traffic::Mac mac1{2, 0, 0, 0, 1, 1};
constexpr std::uint64_t tsc_hz = 1'000'000'000;
constexpr std::size_t device_count = 2;

/// The view that a worker would make of this frame's slot.
/// Facts and frame as in a slot, but with nothing behind the frame, so that a sanitizer sees who reads on.
std::unique_ptr<std::uint8_t[]> slot_of(const Frame& bytes, std::uint8_t device) {
  const auto facts = packet::parse(bytes);
  crosscore::SlotFacts slot{};
  slot.length = static_cast<std::uint16_t>(bytes.size());
  slot.l4_and_device = static_cast<std::uint16_t>(facts.l4_offset | device << 12);
  slot.proto = facts.proto;
  unsigned flags = facts.vlan_count << crosscore::flag_vlan_shift;
  if (facts.ip_version == 4) flags |= crosscore::flag_ipv4;
  if (facts.ip_version == 6) flags |= crosscore::flag_ipv6;
  if (facts.fragment == packet::Fragment::first) flags |= crosscore::flag_first_fragment;
  if (facts.fragment == packet::Fragment::later) flags |= crosscore::flag_later_fragment;
  if (facts.kind == packet::Kind::icmp_error) flags |= crosscore::flag_icmp_error;
  slot.flags = static_cast<std::uint8_t>(flags);
  std::unique_ptr<std::uint8_t[]> block(new std::uint8_t[sizeof slot + bytes.size()]);
  std::memcpy(block.get(), &slot, sizeof slot);
  std::memcpy(block.get() + sizeof slot, bytes.data(), bytes.size());
  return block;
}

struct Result {
  std::vector<Reason> reasons;                        ///< by packet
  std::array<std::vector<Frame>, device_count> sent;  ///< by device
};

class Handlers : public testing::Test {
 protected:
  void SetUp() override {
    pool_ = rte_pktmbuf_pool_create("handlers_test", 127, 0, 0, 10240, SOCKET_ID_ANY);
    ASSERT_NE(pool_, nullptr);
    std::vector<datapath::TxLane> lanes;
    for (std::size_t i = 0; i < device_count; ++i) {
      rings_[i] = rte_ring_create(("handlers_test" + std::to_string(i)).c_str(), 256, SOCKET_ID_ANY, 0);
      ASSERT_NE(rings_[i], nullptr);
      datapath::TxLane lane;
      lane.relay = rings_[i];
      lanes.push_back(lane);
    }
    outbox_ = std::make_unique<datapath::Outbox>(pool_, lanes, counters_);
  }

  void TearDown() override {
    outbox_.reset();
    for (auto* ring : rings_) rte_ring_free(ring);
    EXPECT_EQ(rte_mempool_avail_count(pool_), 127U) << "every buffer came home";
    rte_mempool_free(pool_);
  }

  static std::unique_ptr<datapath::Handler> make(const std::string& name,
                                                 const std::map<std::string, std::string>& options = {}) {
    datapath::HandlerContext context;
    context.service = "test";
    context.options = options;
    context.device_macs = {mac0, mac1};
    context.addresses = {{ours4, 24, 0}, {ours6, 64, 0}, {other4, 24, 1}, {ours4, 24, 9}};
    context.tsc_hz = static_cast<double>(tsc_hz);
    return (*Registry::with_builtins().find(name))(context);
  }

  Result run(datapath::Handler& handler, const std::vector<Frame>& frames, std::uint8_t device = 0,
             std::uint64_t now = 1) {
    std::vector<std::unique_ptr<std::uint8_t[]>> slots;
    std::vector<const std::uint8_t*> starts;
    for (const auto& bytes : frames) {
      slots.push_back(slot_of(bytes, device));
      starts.push_back(slots.back().get() + sizeof(crosscore::SlotFacts));
    }
    const datapath::PacketRows packets(starts.data());
    datapath::Burst burst(packets, datapath::first_rows(frames.size()), *outbox_, now);
    handler.on_burst(burst);
    outbox_->commit();
    outbox_->flush();
    Result result;
    for (std::size_t i = 0; i < frames.size(); ++i) result.reasons.push_back(burst.refused(i));
    for (std::size_t i = 0; i < device_count; ++i) {
      void* sent = nullptr;
      while (rte_ring_dequeue(rings_[i], &sent) == 0) {
        auto* mbuf = static_cast<rte_mbuf*>(sent);
        const auto* data = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
        result.sent[i].emplace_back(data, data + mbuf->pkt_len);
        rte_pktmbuf_free(mbuf);
      }
    }
    return result;
  }

  rte_mempool* pool_ = nullptr;
  std::array<rte_ring*, device_count> rings_{};
  datapath::CoreCounters counters_;
  std::unique_ptr<datapath::Outbox> outbox_;
};

Frame udp4() { return frame().ipv4(peer4, ours4).udp(40000, 53).payload(20).build(); }
Frame udp6() { return frame().ipv6(peer6, ours6).udp(40000, 53).payload(20).build(); }
Frame tcp4() { return frame().ipv4(peer4, ours4).tcp(40000, 443).build(); }

std::vector<Reason> all(std::size_t count, Reason reason) { return std::vector<Reason>(count, reason); }

TEST_F(Handlers, CountTakesEverything) {
  const auto handler = make("count");
  const auto result = run(*handler, {udp4(), tcp4(), udp6()});
  EXPECT_EQ(result.reasons, all(3, Reason::none));
  EXPECT_TRUE(result.sent[0].empty());
}

TEST_F(Handlers, DropRefusesEverything) {
  const auto handler = make("drop");
  const auto result = run(*handler, {udp4(), tcp4(), udp6()});
  EXPECT_EQ(result.reasons, all(3, Reason::service_drop));
  EXPECT_TRUE(result.sent[0].empty());
}

TEST_F(Handlers, EchoSendsDatagramsBackByTheirDevice) {
  const auto handler = make("echo");
  const auto lite = frame().vlan(7).ipv4(peer4, ours4).udplite(40000, 53).payload(5).build();
  const auto result = run(*handler, {udp4(), udp6(), lite}, 1);
  EXPECT_EQ(result.reasons, all(3, Reason::none));
  EXPECT_TRUE(result.sent[0].empty());
  ASSERT_EQ(result.sent[1].size(), 3U);
  for (const auto& reply : result.sent[1]) {
    const auto facts = packet::parse(reply);
    EXPECT_EQ(facts.src_port, 53);
    EXPECT_EQ(facts.dst_port, 40000);
  }
  EXPECT_EQ(packet::parse(result.sent[1][2]).vlan[0], 7);
}

TEST_F(Handlers, EchoRefusesConnections) {
  const auto handler = make("echo");
  const auto result = run(*handler, {tcp4(), frame().ipv4(peer4, ours4).sctp(1, 2).build()});
  EXPECT_EQ(result.reasons, all(2, Reason::none)) << "they were delivered";
  ASSERT_EQ(result.sent[0].size(), 2U);
  EXPECT_EQ(result.sent[0][0][34 + 13] & wire::tcp_rst, wire::tcp_rst);
  EXPECT_EQ(packet::parse(result.sent[0][1]).kind, packet::Kind::icmp_error);
}

TEST_F(Handlers, EchoTakesTheRestInSilence) {
  const auto handler = make("echo");
  const std::vector<Frame> frames{
      frame().ipv4(peer4, ours4).icmp_error(3, 3, frame().ipv4(ours4, peer4).udp(53, 40000).build()).build(),
      frame().ipv4(peer4, ours4).fragment(0, true, 1).udp(40000, 53).payload(8).build(),
      frame().ipv4(peer4, ours4).fragment(16, false, 1).raw(17).payload(8).build(),
      frame().ipv4(peer4, v4(224, 0, 0, 1)).udp(40000, 53).build(),
      frame().ipv4(v4(0, 0, 0, 0), ours4).tcp(40000, 53).build(),
  };
  const auto result = run(*handler, frames);
  EXPECT_EQ(result.reasons, all(frames.size(), Reason::none));
  EXPECT_TRUE(result.sent[0].empty());
}

TEST_F(Handlers, EchoOfTheLongestFrame) {
  const auto handler = make("echo");
  const auto longest = frame().ipv4(peer4, ours4).udp(1, 2).payload(crosscore::max_frame_bytes - 42).build();
  const auto longest_sctp = frame().ipv6(peer6, ours6).sctp(1, 2).payload(crosscore::max_frame_bytes - 66).build();
  const auto result = run(*handler, {longest, longest_sctp});
  ASSERT_EQ(result.sent[0].size(), 2U);
  EXPECT_EQ(result.sent[0][0].size(), crosscore::max_frame_bytes);
  EXPECT_EQ(result.sent[0][1].size(), 14U + 1280U);
}

TEST_F(Handlers, RejectAnswersWithinItsBudget) {
  const auto handler = make("reject", {{"rate_pps", "10"}});
  const std::vector<Frame> frames(40, udp4());
  auto result = run(*handler, frames, 0, 5);
  EXPECT_EQ(result.reasons, all(40, Reason::service_reject));
  EXPECT_EQ(result.sent[0].size(), 10U);
  EXPECT_TRUE(run(*handler, frames, 0, 5 + tsc_hz / 10 - 1).sent[0].empty());
  EXPECT_EQ(run(*handler, frames, 0, 5 + tsc_hz / 10).sent[0].size(), 1U);
}

TEST_F(Handlers, RejectSaysWhatFits) {
  const auto handler = make("reject");
  const auto result = run(*handler, {tcp4(), udp6()});
  ASSERT_EQ(result.sent[0].size(), 2U);
  EXPECT_EQ(packet::parse(result.sent[0][0]).proto, wire::proto_tcp);
  EXPECT_EQ(packet::parse(result.sent[0][1]).kind, packet::Kind::icmp_error);
}

TEST_F(Handlers, RejectSpendsNothingOnWhatMustNotBeAnswered) {
  const auto handler = make("reject", {{"rate_pps", "1"}});
  std::vector<Frame> frames(20, frame().ipv4(peer4, v4(255, 255, 255, 255)).udp(1, 2).build());
  frames.push_back(udp4());
  const auto result = run(*handler, frames);
  EXPECT_EQ(result.reasons, all(21, Reason::service_reject));
  EXPECT_EQ(result.sent[0].size(), 1U);
}

TEST_F(Handlers, RejectWithoutBudgetIsSilent) {
  const auto handler = make("reject", {{"rate_pps", "0"}});
  EXPECT_TRUE(run(*handler, {udp4()}).sent[0].empty());
}

TEST_F(Handlers, AnswerSpeaksForOurAddresses) {
  const auto handler = make("answer");
  const std::vector<Frame> frames{
      frame().arp_request(peer4, ours4).build(),
      frame().vlan(5).arp_request(v4(0, 0, 0, 0), ours4).build(),
      frame().neighbor_solicitation(peer6, ours6).build(),
      frame().neighbor_solicitation(v6(0, 0), ours6).build(),
      frame().ipv4(peer4, ours4).icmp_echo(1, 1).payload(56).build(),
      frame().ipv6(peer6, ours6).icmp_echo(1, 1).payload(56).build(),
  };
  const auto result = run(*handler, frames);
  EXPECT_EQ(result.reasons, all(frames.size(), Reason::none));
  ASSERT_EQ(result.sent[0].size(), frames.size());
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(std::equal(mac0.begin(), mac0.end(), result.sent[0][i].begin() + 6)) << i;
  }
  EXPECT_EQ(result.sent[0][4][34], wire::icmp_echo_reply);
  EXPECT_EQ(result.sent[0][5][54], wire::icmpv6_echo_reply);
}

TEST_F(Handlers, AnswerKnowsWhichDeviceAnAddressLivesOn) {
  const auto handler = make("answer");
  const auto for_ours = frame().arp_request(peer4, ours4).build();
  const auto for_other = frame().arp_request(peer4, other4).build();
  const auto result = run(*handler, {for_ours, for_other}, 1);
  EXPECT_EQ(result.reasons, (std::vector{Reason::not_ip, Reason::none}));
  ASSERT_EQ(result.sent[1].size(), 1U);
  EXPECT_TRUE(std::equal(mac1.begin(), mac1.end(), result.sent[1][0].begin() + 6));
  EXPECT_EQ(run(*handler, {for_ours}, 7).reasons, all(1, Reason::not_ip)) << "a device that nobody described";
}

TEST_F(Handlers, AnswerRefusesTheRest) {
  const auto handler = make("answer");
  const std::vector<Frame> frames{
      frame().ipv4(peer4, other4).icmp_echo(1, 1).build(),
      frame().ipv4(peer4, ours4).icmp_echo(1, 1).checksum(1).build(),
      frame().ipv4(peer4, ours4).icmp(wire::icmp_echo_reply, 0).build(),
      frame().ipv4(peer4, ours4).fragment(0, true, 1).icmp_echo(1, 1).payload(8).build(),
      frame().ipv4(peer4, ours4).raw(47).payload(40).build(),
      frame().ipv4(peer4, ours4).raw(47).build(),
      frame().ipv6(peer6, ours6).icmp(wire::icmpv6_neighbor_advertisement, 0).payload(16).build(),
      frame().neighbor_solicitation(peer6, ours6).ttl(64).build(),
      frame().neighbor_solicitation(peer6, v6(0x20010db8'00000000, 99)).build(),
  };
  const auto result = run(*handler, frames);
  EXPECT_EQ(result.reasons, all(frames.size(), Reason::no_ports));
  EXPECT_TRUE(result.sent[0].empty());
}

TEST_F(Handlers, NoBufferIsNoFault) {
  std::vector<rte_mbuf*> taken(127);
  ASSERT_EQ(rte_pktmbuf_alloc_bulk(pool_, taken.data(), 127), 0);
  for (const auto* name : {"echo", "reject", "answer"}) {
    const auto handler = make(name);
    const auto result = run(*handler, {udp4(), tcp4(), frame().arp_request(peer4, ours4).build(),
                                       frame().ipv4(peer4, ours4).icmp_echo(1, 1).build()});
    EXPECT_TRUE(result.sent[0].empty()) << name;
  }
  EXPECT_GT(counters_.no_buffer.value(), 0U);
  rte_pktmbuf_free_bulk(taken.data(), 127);
}

TEST_F(Handlers, OptionsAreChecked) {
  for (const auto* name : {"count", "echo", "drop", "answer"}) {
    EXPECT_THROW(make(name, {{"colour", "blue"}}), std::invalid_argument) << name;
  }
  for (const auto* value : {"", "-1", "many", "10 ", "1e3", "100000001", "99999999999999999999999"}) {
    EXPECT_THROW(make("reject", {{"rate_pps", value}}), std::invalid_argument) << value;
  }
  try {
    make("reject", {{"rate", "1"}});
    FAIL();
  } catch (const std::invalid_argument& fault) {
    EXPECT_STREQ(fault.what(), "handler \"reject\" has no option \"rate\"; it takes rate_pps");
  }
}

TEST(Registry, NamesWhatAConfigurationMayUse) {
  auto registry = Registry::with_builtins();
  const auto names = registry.names();
  for (const auto* name : {"count", "device", "drop", "echo", "mailbox", "plugin", "reject"}) {
    EXPECT_EQ(std::ranges::count(names, name), 1) << name;
  }
  EXPECT_EQ(std::ranges::count(names, "answer"), 0);
  EXPECT_NE(registry.find("answer"), nullptr);
  EXPECT_EQ(registry.find("nobody"), nullptr);
  registry.add("mine", *registry.find("count"));
  EXPECT_NE(registry.find("mine"), nullptr);
  EXPECT_EQ(registry.names().size(), names.size() + 1);
  EXPECT_THROW(registry.add("mine", *registry.find("count")), std::invalid_argument);
  EXPECT_THROW(registry.add("", *registry.find("count")), std::invalid_argument);
  EXPECT_THROW(registry.add("empty", {}), std::invalid_argument);
}

}  // namespace
}  // namespace portier::handlers
