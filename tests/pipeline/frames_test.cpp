/// Frames that are not one short buffer: chained, long, and fragmented ones.
#include <map>
#include <set>

#include "crosscore/slot.hpp"
#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

/// Handled frames with the worker that had them, in the order of their handling. Read after the stop.
struct Handled {
  Frame bytes;
  unsigned worker;
  packet::Fragment fragment;
};

class Frames : public PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    add_handler("collect", [this](const HandlerContext& context) {
      return [this, worker = context.worker](Burst& burst) {
        const std::lock_guard lock(mutex_);
        for (const auto& packet : burst) {
          handled_.push_back({Frame(packet.frame().begin(), packet.frame().end()), worker, packet.fragment()});
        }
      };
    });
    settings_.services = {service("all", {"udp/*", "tcp/*", "udplite/*", "sctp/*", "dccp/*"}, {"collect"})};
  }

  std::multiset<Frame> handled_frames() const {
    std::multiset<Frame> frames;
    for (const auto& handled : handled_) frames.insert(handled.bytes);
    return frames;
  }

  std::mutex mutex_;
  std::vector<Handled> handled_;
};
INSTANTIATE_TEST_SUITE_P(Modes, Frames, all_shapes(), name_of);

/// However a frame is cut into buffers, it is parsed, steered and delivered as if it were in one.
TEST_P(Frames, ChainedBuffersAreWholeFrames) {
  const auto a = traffic::v4(198, 51, 100, 7);
  const auto b6 = traffic::v6(0x20010002'00000000, 9);
  const std::vector<Frame> frames{
      traffic::frame().ipv4(a, host4).udp(1, 2).payload(18).build(),
      traffic::frame().ipv4(a, host4).options(10).tcp(1, 2).tcp_options(10).payload(200).build(),
      traffic::frame().vlan(1).vlan(2).vlan(3).vlan(4).ipv6(b6, host6).hop_by_hop(64).udp(1, 2).payload(100).build(),
      traffic::frame().ipv6(b6, host6).destination().routing().sctp(1, 2).payload(600).build(),
      traffic::frame().ipv4(a, host4).dccp(1, 2).payload(1400).build(),
      traffic::frame()
          .ipv4(a, host4)
          .icmp_error(3, 3, traffic::frame().ipv4(host4, a).udp(2, 1).payload(80).build())
          .build(),
  };
  start();
  std::multiset<Frame> expected;
  for (const std::size_t segment : {1U, 7U, 13U, 14U, 33U, 34U, 41U, 64U, 112U, 113U, 500U, 2000U}) {
    for (const auto& frame : frames) {
      push_segmented(frame, segment);
      expected.insert(frame);
      settle();
    }
  }
  // Broken ones are refused for the same reason.
  push(traffic::frame().ipv4(a, host4).ihl(4).udp(1, 2).payload(30).build());
  push_segmented(traffic::frame().ipv4(a, host4).ihl(4).udp(1, 2).payload(30).build(), 9);
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(Reason::bad_ihl), 2U);
  EXPECT_EQ(handled_frames(), expected);
}

TEST_P(Frames, LongFramesUpToTheLimit) {
  start();
  std::multiset<Frame> expected;
  std::uint64_t too_long = 0;
  for (const std::size_t length : {2048U, 2049U, 4096U, 9000U, 9018U, 9727U, 9728U, 9729U, 12000U, 60000U}) {
    for (const bool is_ipv6 : {false, true}) {
      auto builder = is_ipv6
                         ? traffic::frame().ipv6(traffic::v6(0x20010002'00000000, length), host6)
                         : traffic::frame().ipv4(packet::ipv4(0xc6120000 + static_cast<std::uint32_t>(length)), host4);
      const auto frame = builder.udp(9, 9).payload(length - (is_ipv6 ? 62 : 42)).build();
      ASSERT_EQ(frame.size(), length);
      push_segmented(frame, length % 2 == 0 ? 2048 : 1500);
      if (length > crosscore::max_frame_bytes) too_long += 1;
      else expected.insert(frame);
      settle();
    }
  }
  stop_and_check();
  EXPECT_EQ(handled_frames(), expected);
  EXPECT_EQ(dropped(account("all"), Reason::frame_too_long), too_long);
  EXPECT_EQ(dropped(Reason::frame_too_long), too_long);
  EXPECT_EQ(account("all").delivered_bytes, [&] {
    std::uint64_t bytes = 0;
    for (const auto& frame : expected) bytes += frame.size();
    return bytes;
  }());
}

/// All orders of a datagram's fragments end on one worker; those before the first come right behind it.
TEST_P(Frames, FragmentsFollowTheirFirst) {
  constexpr std::uint32_t datagrams = 60;
  start();
  std::map<std::uint32_t, std::vector<Frame>> sent;  // by number: in order of sending
  for (std::uint32_t i = 0; i < datagrams; ++i) {
    const bool is_ipv6 = i % 2 == 1;
    auto builder = is_ipv6 ? traffic::frame().ipv6(traffic::v6(0x20010002'00000000, i + 1), host6)
                           : traffic::frame().ipv4(packet::ipv4(0xc6120001 + i), host4);
    const auto whole = builder.udp(static_cast<std::uint16_t>(3000 + i), 53).payload(600).build();
    auto fragments = traffic::fragments_of(whole, 208, i);
    ASSERT_EQ(fragments.size(), 3U);
    if (i % 3 == 1) std::ranges::reverse(fragments);                        // last, middle, first
    if (i % 3 == 2) std::ranges::rotate(fragments, fragments.begin() + 1);  // middle, last, first
    for (const auto& fragment : fragments) push(fragment);
    sent[i] = fragments;
    if (i % 10 == 9) settle();
  }
  settle();
  stop_and_check();
  ASSERT_EQ(handled_.size(), datagrams * 3);
  EXPECT_EQ(ledger_.dropped_total(), 0U);
  for (std::uint32_t i = 0; i < datagrams; ++i) {
    std::vector<Handled> got;
    for (const auto& handled : handled_) {
      if (std::ranges::find(sent[i], handled.bytes) != sent[i].end()) got.push_back(handled);
    }
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].fragment, packet::Fragment::first) << "datagram " << i;
    EXPECT_EQ(got[0].worker, got[1].worker) << "datagram " << i;
    EXPECT_EQ(got[0].worker, got[2].worker) << "datagram " << i;
    std::vector<Frame> expected = sent[i];  // the first one moves to the front, the others keep their order
    const auto first = std::ranges::find(expected, got[0].bytes);
    std::rotate(expected.begin(), first, first + 1);
    EXPECT_EQ(got[1].bytes, expected[1]) << "datagram " << i;
    EXPECT_EQ(got[2].bytes, expected[2]) << "datagram " << i;
  }
}

/// A chained later fragment waits too; its bytes are intact when its turn comes.
TEST_P(Frames, AChainedFragmentWaitsIntact) {
  start();
  const auto whole = traffic::frame().ipv4(traffic::v4(198, 51, 100, 7), host4).udp(9, 53).payload(3000).build();
  const auto fragments = traffic::fragments_of(whole, 1504, 77);
  ASSERT_EQ(fragments.size(), 2U);
  const auto other = traffic::frame().ipv4(traffic::v4(198, 51, 100, 7), host4).udp(8, 53).payload(1400).build();
  push_segmented(fragments[1], 100);
  wait_until("it has come", [&] { return router_->ledger().received == 1; });
  for (int i = 0; i < 20; ++i) push_segmented(other, 100);  // where its flat copy was
  push_segmented(fragments[0], 100);
  settle();
  stop_and_check();
  std::multiset<Frame> expected(fragments.begin(), fragments.end());
  for (int i = 0; i < 20; ++i) expected.insert(other);
  EXPECT_EQ(handled_frames(), expected);
}

TEST_P(Frames, FragmentsWithoutTheirFirstTimeOut) {
  settings_.fragments.timeout_ms = 20;
  start();
  for (std::uint32_t i = 0; i < 10; ++i) {
    push(
        traffic::frame().ipv4(packet::ipv4(0xc6120001 + i), host4).fragment(800, false, i).raw(17).payload(64).build());
  }
  wait_until("all have come", [&] { return router_->ledger().received == 10; });
  const auto waiting = router_->ledger();
  EXPECT_EQ(waiting.in_flight + waiting.dropped_total(), 10U);
  settle();
  stop_and_check();
  EXPECT_EQ(dropped(Reason::fragment_timeout), 10U);
}

TEST_P(Frames, FragmentsThatWaitAtTheEndAreGivenUp) {
  settings_.fragments.timeout_ms = 60'000;
  settings_.fragments.waiting = 8;
  start();
  const auto cores = GetParam().rx;
  for (std::uint32_t i = 0; i < 20; ++i) {
    push(traffic::frame().ipv4(packet::ipv4(0xc6120001), host4).fragment(800, false, i).raw(17).payload(64).build());
  }
  wait_until("all have come", [&] { return router_->ledger().received == 20; });
  wait_until("the rest is refused", [&] { return router_->ledger().dropped_total() == 12; });
  EXPECT_EQ(router_->ledger().in_flight, 8U) << cores << " rx cores; all fragments have one source, so one core";
  stop_and_check();
  EXPECT_EQ(dropped(Reason::fragment_no_room), 12U);
  EXPECT_EQ(dropped(Reason::shutdown), 8U);
}

}  // namespace
}  // namespace portier::test
