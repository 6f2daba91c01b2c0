/// Stage 5 where flows move, frames are too long, and late fragments come of several devices.
#include "datapath/stage5_steer.hpp"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <array>
#include <vector>

#include "datapath/random_frames.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"

namespace portier::datapath {
namespace {

using packet::Reason;
using table::Ruleset;

constexpr std::uint64_t timeout = 1'000'000;

/// Fragments of several devices become ready at once: each keeps the device that it came by.
TEST(LateFragments, KeepTheirDevice) {
  CoreCounters counters;
  DemuxState state{FragmentMemory({.datagrams = 64, .waiting = 8, .timeout_ticks = timeout}), counters};
  std::array<rte_mbuf, 4> mbufs{};
  const std::vector<std::uint8_t> devices{0, 1, 1, 0};
  for (std::uint32_t i = 0; i < devices.size(); ++i) {
    WaitingFragment fragment;
    fragment.key.id = i;
    fragment.mbuf = &mbufs[i];
    fragment.device = devices[i];
    ASSERT_TRUE(state.fragments.wait(fragment));
  }
  for (std::uint32_t id = 0; id < devices.size(); ++id) {
    ASSERT_TRUE(state.fragments.note_first({.id = id}, table::first_user_service, 0, 1));
  }
  RxBurst burst;
  std::vector<std::uint8_t> seen;
  const auto rules = table::Ruleset::build({}, nullptr);
  while (take_ready_fragments(*rules, state, burst, 2)) seen.insert(seen.end(), burst.count, burst.device);
  EXPECT_EQ(seen, devices);
}

struct MoveCase {
  const char* says;
  bool lags;
  Reason fate_of_moved;
};

/// While an old worker lags, what has moved away from it is dropped with a name; all else goes its way.
TEST(Steer, HoldsOffOnlyWhatMovedFromALaggard) {
  const std::vector<table::Binding> bindings{{.service = 2}, {.transport = packet::Transport::tcp, .service = 3}};
  table::RulesetSpec spec;
  spec.bindings = bindings;
  spec.workers.assign(4, {0, 1});
  const auto before = Ruleset::build(spec, nullptr);
  spec.workers[2] = {1, 2};
  const auto rules = Ruleset::build(spec, before.get());
  Random random(9);
  for (const auto& [says, lags, fate_of_moved] :
       {MoveCase{"the old worker lags", true, Reason::bucket_moving}, {"it has caught up", false, Reason::none}}) {
    BucketMove moving;
    moving.lags[0] = lags;
    moving.lags[1] = true;  // nothing has moved away from it
    CoreCounters counters;
    DemuxState state{FragmentMemory({}), counters};
    std::size_t moved = 0;
    std::size_t dropped = 0;
    for (int round = 0; round < 500; ++round) {
      packet::FlowKey flow{traffic::v4(10, 0, 0, 1), traffic::v4(10, 0, 0, 2), table::random_port(random), 9,
                           random.chance(0.5) ? packet::wire::proto_udp : packet::wire::proto_tcp};
      const auto frame = frame_of(random, flow);
      RxBurst burst;
      burst.count = 1;
      burst.data[0] = frame.data();
      burst.present[0] = burst.wire_length[0] = static_cast<std::uint32_t>(frame.size());
      stage2_parse(burst, counters);
      stage3_lookup(*rules, state, burst);
      stage5_steer(*rules, state, burst, &moving);
      const auto& map = rules->core_map(burst.service[0]);
      const auto bucket = table::bucket_of(packet::flow_hash(rules->hash_key(), flow));
      const bool has_moved = map.previous[bucket] != map.worker[bucket];
      ASSERT_EQ(burst.reason[0], has_moved ? fate_of_moved : Reason::none) << says;
      ASSERT_EQ(burst.worker[0], map.worker[bucket]);
      moved += has_moved ? 1 : 0;
      dropped += burst.is_dropped(0) ? 1 : 0;
    }
    EXPECT_GT(moved, 20U) << says;
    EXPECT_LT(moved, 250U) << "the other service stays";
    EXPECT_EQ(dropped, lags ? moved : 0U) << says;
    EXPECT_EQ(counters.dropped_before_rings.value(), dropped);
  }
}

TEST(Steer, FramesBeyondTheLongestAreDroppedOnce) {
  table::RulesetSpec spec;
  spec.bindings = {{.service = 2}};
  spec.workers.assign(3, {0});
  const auto rules = Ruleset::build(spec, nullptr);
  for (const std::size_t length : {crosscore::max_frame_bytes, crosscore::max_frame_bytes + 1}) {
    const auto frame =
        traffic::frame().ipv4(traffic::v4(1, 1, 1, 1), traffic::v4(2, 2, 2, 2)).udp(1, 2).payload(length - 42).build();
    CoreCounters counters;
    DemuxState state{FragmentMemory({}), counters};
    RxBurst burst;
    burst.count = 1;
    burst.data[0] = frame.data();
    burst.present[0] = crosscore::max_frame_bytes;
    burst.wire_length[0] = static_cast<std::uint32_t>(frame.size());
    stage2_parse(burst, counters);
    stage3_lookup(*rules, state, burst);
    stage5_steer(*rules, state, burst, nullptr);
    const bool is_too_long = length > crosscore::max_frame_bytes;
    EXPECT_EQ(burst.reason[0], is_too_long ? Reason::frame_too_long : Reason::none);
    EXPECT_EQ(counters.dropped[2][static_cast<std::size_t>(Reason::frame_too_long)].value(), is_too_long ? 1U : 0U);
  }
}

}  // namespace
}  // namespace portier::datapath
