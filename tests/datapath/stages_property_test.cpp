/// Stages 2, 3 and 5 over bursts against the functions for one packet: parse, choose, flow_hash and the core map.
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "datapath/random_frames.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage5_steer.hpp"

namespace portier::datapath {
namespace {

using packet::Fragment;
using packet::Kind;
using packet::Reason;
using table::Ruleset;
using table::ServiceId;

constexpr std::uint64_t timeout = 1'000'000;
constexpr std::size_t waiting_room = 5;

/// What becomes of one packet.
struct Fate {
  Reason reason = Reason::none;
  ServiceId service = table::no_service;
  std::uint32_t hash = 0;
  bool waits = false;
};

auto as_tuple(const packet::Facts& f) {
  return std::tie(f.reason, f.kind, f.fragment, f.ip_version, f.proto, f.proto_known, f.ports_known, f.vlan_count,
                  f.src_port, f.dst_port, f.l3_offset, f.l4_offset, f.l3_end, f.fragment_id, f.vlan);
}

/// Decides for one packet at a time, by looking at every binding and every datagram.
class Model {
 public:
  Model(const Ruleset& rules, std::vector<table::Binding> bindings) : rules_(rules), bindings_(std::move(bindings)) {}

  Fate decide(const Frame& frame) {
    const auto facts = packet::parse(frame);
    if (facts.reason != Reason::none) return {.reason = facts.reason};
    switch (facts.kind) {
      case Kind::transport: return with_ports(frame, facts);
      case Kind::later: return later(frame, facts);
      case Kind::icmp_error: return error(frame, facts);
      case Kind::icmp:
      case Kind::arp: return liveness(frame, facts);
      case Kind::other: break;
    }
    return {.reason = Reason::no_ports};
  }

  /// Fates of those whose first fragment has come since, in the order in which they came.
  std::vector<Fate> take_ready() { return std::exchange(ready_, {}); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  using Datagram = std::tuple<packet::Address, packet::Address, std::uint32_t, std::uint8_t>;

  static Datagram datagram(const Frame& frame, const packet::Facts& facts) {
    const auto flow = packet::flow_key(frame.data(), facts);
    return {flow.src, flow.dst, facts.fragment_id, facts.ip_version == 4 ? facts.proto : std::uint8_t{0}};
  }

  ServiceId service_of(const packet::FlowKey& flow) const {
    const auto* binding = table::choose(bindings_, flow);
    return binding == nullptr ? table::no_service : binding->service;
  }

  Fate with_ports(const Frame& frame, const packet::Facts& facts) {
    const auto flow = packet::flow_key(frame.data(), facts);
    Fate fate{.service = service_of(flow), .hash = packet::flow_hash(rules_.hash_key(), flow)};
    if (facts.fragment == Fragment::first) {
      const auto key = datagram(frame, facts);
      const auto [at, is_new] = owners_.try_emplace(key, fate);
      if (!is_new && (at->second.service != fate.service || at->second.hash != fate.hash)) {
        fate.reason = Reason::fragment_conflict;
        return fate;
      }
      std::erase_if(waiting_, [&](const Datagram& other) {
        if (other != key) return false;
        auto released = fate;
        if (fate.service == table::no_service) released.reason = closed(flow.dst);
        ready_.push_back(released);
        return true;
      });
    }
    if (fate.service == table::no_service) fate.reason = closed(flow.dst);
    return fate;
  }

  Reason closed(const packet::Address& dst) const {
    if (rules_.answers() && !rules_.is_ours(dst)) return Reason::not_for_us;
    return rules_.closed_action() == table::ClosedAction::kernel ? Reason::left_to_kernel : Reason::closed_port;
  }

  Fate later(const Frame& frame, const packet::Facts& facts) {
    const auto key = datagram(frame, facts);
    if (const auto owner = owners_.find(key); owner != owners_.end()) {
      auto fate = owner->second;
      if (fate.service == table::no_service) fate.reason = closed(packet::flow_key(frame.data(), facts).dst);
      return fate;
    }
    if (waiting_.size() + ready_.size() == waiting_room) return {.reason = Reason::fragment_no_room};
    waiting_.push_back(key);
    return {.waits = true};
  }

  Fate error(const Frame& frame, const packet::Facts& facts) const {
    const auto quote = packet::parse_quote(frame, facts);
    if (quote.ip_version == 0) return {.reason = Reason::bad_quote};
    if (!quote.ports_known) return {.reason = Reason::icmp_unowned};
    const auto flow = packet::flow_key(quote);
    Fate fate{.service = service_of(flow), .hash = packet::flow_hash(rules_.hash_key(), flow)};
    if (fate.service == table::no_service) fate.reason = Reason::icmp_unowned;
    return fate;
  }

  Fate liveness(const Frame& frame, const packet::Facts& facts) const {
    const auto is_arp = facts.kind == Kind::arp;
    const auto type = is_arp ? std::uint8_t{0} : frame[facts.l4_offset];
    const bool is_asked = is_arp || (facts.fragment == Fragment::none &&
                                     (facts.ip_version == 4 ? type == 8 : type == 128 || type == 135));
    if (!rules_.answers() || !is_asked) return {.reason = is_arp ? Reason::not_ip : Reason::no_ports};
    Fate fate{.service = table::answer_service};
    if (!is_arp) fate.hash = packet::flow_hash(rules_.hash_key(), packet::flow_key(frame.data(), facts));
    return fate;
  }

  const Ruleset& rules_;
  std::vector<table::Binding> bindings_;
  std::map<Datagram, Fate> owners_;
  std::vector<Datagram> waiting_;
  std::vector<Fate> ready_;
};

/// Real stages and model side by side, with an account of everything that went through.
class SideBySide {
 public:
  SideBySide(const Ruleset& rules, const std::vector<table::Binding>& bindings)
      : rules_(rules),
        model_(rules, bindings),
        counters_(std::make_unique<CoreCounters>()),
        state_{FragmentMemory({.datagrams = 65536, .waiting = waiting_room, .timeout_ticks = timeout}), *counters_} {}

  void pass(const std::vector<Frame>& frames) {
    burst_.count = frames.size();
    burst_.now_tsc = 1;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      burst_.mbuf[i] = &mbufs_[i];
      burst_.data[i] = frames[i].data();
      burst_.present[i] = burst_.wire_length[i] = static_cast<std::uint32_t>(frames[i].size());
    }
    stage2_parse(burst_, *counters_);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      ASSERT_EQ(as_tuple(burst_.facts[i]), as_tuple(packet::parse(frames[i])));
    }
    stage3_lookup(rules_, state_, burst_);
    stage5_steer(rules_, state_, burst_, nullptr);
    received_ += frames.size();
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto fate = model_.decide(frames[i]);
      ASSERT_EQ(burst_.data[i] == nullptr, fate.waits);
      ASSERT_EQ(burst_.mbuf[i] == nullptr, fate.waits) << "a waiting fragment's buffer is nobody else's";
      if (fate.waits) continue;
      ASSERT_NO_FATAL_FAILURE(expect(i, fate));
    }
    ASSERT_EQ(state_.fragments.waiting(), model_.waiting());
    ASSERT_NO_FATAL_FAILURE(pass_released());
    ASSERT_NO_FATAL_FAILURE(expect_account());
  }

  std::uint64_t candidates() const { return candidates_; }
  const std::set<Reason>& reasons() const { return reasons_; }
  std::size_t released() const { return released_; }

 private:
  void pass_released() {
    const auto fates = model_.take_ready();
    released_ += fates.size();
    if (!take_ready_fragments(rules_, state_, burst_, 2)) {
      ASSERT_TRUE(fates.empty());
      return;
    }
    stage5_steer(rules_, state_, burst_, nullptr);
    ASSERT_EQ(burst_.count, fates.size());
    for (std::size_t i = 0; i < fates.size(); ++i) ASSERT_NO_FATAL_FAILURE(expect(i, fates[i]));
    ASSERT_TRUE(state_.fragments.ready().empty());
  }

  void expect(std::size_t i, const Fate& fate) {
    ASSERT_EQ(packet::text_of(burst_.facts[i].reason).name, packet::text_of(fate.reason).name);
    ASSERT_EQ(burst_.service[i], fate.service);
    if (fate.reason != Reason::none) {
      dropped_[{fate.service, fate.reason}] += 1;
      reasons_.insert(fate.reason);
      return;
    }
    candidates_ += 1;
    candidates_of_[fate.service] += 1;
    ASSERT_EQ(burst_.hash[i], fate.hash);
    ASSERT_EQ(burst_.worker[i], rules_.core_map(fate.service).worker[table::bucket_of(fate.hash)]);
  }

  /// Each drop once, under its service and reason; what came in is dropped, waits, or goes on.
  void expect_account() const {
    std::uint64_t drops = 0;
    for (const auto& [at, count] : dropped_) {
      ASSERT_EQ(counters_->dropped[at.first][static_cast<std::size_t>(at.second)].value(), count);
      drops += count;
    }
    ASSERT_EQ(counters_->dropped_before_rings.value(), drops);
    ASSERT_EQ(received_, candidates_ + drops + state_.fragments.held());
    for (ServiceId service = 0; service < rules_.service_limit(); ++service) {
      std::uint64_t dropped = 0;
      for (const auto& counter : counters_->dropped[service]) dropped += counter.value();
      const auto candidates = candidates_of_.find(service);
      const auto expected = dropped + (candidates == candidates_of_.end() ? 0 : candidates->second);
      ASSERT_EQ(counters_->in[service].packets.value(), expected) << "service " << service;
    }
  }

  const Ruleset& rules_;
  Model model_;
  std::unique_ptr<CoreCounters> counters_;
  DemuxState state_;
  RxBurst burst_;
  std::array<rte_mbuf, max_burst> mbufs_{};  // only their addresses are used
  std::uint64_t received_ = 0;
  std::uint64_t candidates_ = 0;
  std::size_t released_ = 0;
  std::map<ServiceId, std::uint64_t> candidates_of_;
  std::map<std::pair<ServiceId, Reason>, std::uint64_t> dropped_;
  std::set<Reason> reasons_;
};

struct Shape {
  const char* name;
  bool has_prefixes;
  bool has_addresses;
  table::ClosedAction closed;
};

class Stages : public testing::TestWithParam<Shape> {};

TEST_P(Stages, BurstsEqualPacketsOneByOne) {
  const auto& shape = GetParam();
  Random random(2024);
  std::set<Reason> reasons;
  std::uint64_t candidates = 0;
  std::size_t released = 0;
  for (int set = 0; set < (shape.has_prefixes ? 15 : 60); ++set) {
    table::RulesetSpec spec;
    spec.bindings = table::random_bindings(random, 30);
    if (!shape.has_prefixes) std::erase_if(spec.bindings, [](const auto& b) { return !b.destination.is_any(); });
    for (std::size_t service = 0; service < 32; ++service) {
      spec.workers.push_back(service % 2 == 0 ? std::vector<table::WorkerIndex>{0, 1, 2}
                                              : std::vector<table::WorkerIndex>{3});
    }
    if (shape.has_addresses) spec.our_addresses = {traffic::v4(192, 0, 2, 0), traffic::v6(0x20010db8'00000000, 0)};
    spec.closed_action = shape.closed;
    const auto rules = Ruleset::build(spec, nullptr);
    ASSERT_NE(rules, nullptr);
    SideBySide both(*rules, spec.bindings);
    for (int round = 0; round < 100; ++round) {
      std::vector<Frame> frames(random.between(1, max_burst));
      for (auto& frame : frames) frame = random_frame(random, spec.bindings);
      ASSERT_NO_FATAL_FAILURE(both.pass(frames)) << "set " << set << " round " << round;
    }
    reasons.insert(both.reasons().begin(), both.reasons().end());
    candidates += both.candidates();
    released += both.released();
  }
  EXPECT_GT(candidates, 10'000U);
  EXPECT_GT(released, 10U) << "no later fragment waited and went on";
  std::set<Reason> wanted{Reason::no_ports,          Reason::icmp_unowned,     Reason::bad_quote,
                          Reason::fragment_conflict, Reason::fragment_no_room, Reason::truncated_transport,
                          Reason::bad_length};
  if (shape.has_addresses) wanted.insert(Reason::not_for_us);
  else wanted.insert(Reason::not_ip);
  wanted.insert(shape.closed == table::ClosedAction::kernel ? Reason::left_to_kernel : Reason::closed_port);
  for (const auto reason : wanted) EXPECT_TRUE(reasons.contains(reason)) << packet::text_of(reason).name;
}

INSTANTIATE_TEST_SUITE_P(Rulesets, Stages,
                         testing::Values(Shape{"any_destination", false, false, table::ClosedAction::reject},
                                         Shape{"any_destination_with_our_addresses", false, true,
                                               table::ClosedAction::kernel},
                                         Shape{"prefixes", true, false, table::ClosedAction::drop},
                                         Shape{"prefixes_with_our_addresses", true, true, table::ClosedAction::reject}),
                         [](const auto& shape) { return shape.param.name; });

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
      ASSERT_EQ(burst.facts[0].reason, has_moved ? fate_of_moved : Reason::none) << says;
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
    EXPECT_EQ(burst.facts[0].reason, is_too_long ? Reason::frame_too_long : Reason::none);
    EXPECT_EQ(counters.dropped[2][static_cast<std::size_t>(Reason::frame_too_long)].value(), is_too_long ? 1U : 0U);
  }
}

}  // namespace
}  // namespace portier::datapath
