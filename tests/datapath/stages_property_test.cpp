/// Stages 2, 3 and 5 over bursts against the functions for one packet: parse, choose, flow_hash and the core map.
#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <map>
#include <memory>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "datapath/arrivals.hpp"
#include "datapath/random_frames.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage5_steer.hpp"
#include "datapath/stages_model.hpp"

namespace portier::datapath {
namespace {

using packet::Reason;
using table::Ruleset;
using table::ServiceId;

constexpr std::uint64_t timeout = 1'000'000;
constexpr std::size_t waiting_room = 5;

auto as_tuple(const packet::Facts& f) {
  return std::tie(f.reason, f.kind, f.fragment, f.ip_version, f.proto, f.proto_known, f.ports_known, f.vlan_count,
                  f.src_port, f.dst_port, f.l3_offset, f.l4_offset, f.l3_end, f.fragment_id, f.vlan);
}

/// Real stages and model side by side, with an account of everything that went through.
class SideBySide {
 public:
  SideBySide(const Ruleset& rules, const std::vector<table::Binding>& bindings)
      : rules_(rules),
        model_(rules, bindings, waiting_room),
        counters_(std::make_unique<CoreCounters>()),
        state_{FragmentMemory({.datagrams = 65536, .waiting = waiting_room, .timeout_ticks = timeout}), *counters_} {}

  void pass(const std::vector<Frame>& frames) {
    burst_.count = frames.size();
    burst_.now_tsc = 1;
    burst_.device = 3;
    for (std::size_t i = 0; i < frames.size(); ++i) {
      burst_.mbuf[i] = &mbufs_[i];
      burst_.data[i] = frames[i].data();
      burst_.present[i] = burst_.wire_length[i] = static_cast<std::uint32_t>(frames[i].size());
    }
    const auto& kernels = next_kernels();
    stage2_parse(burst_, *counters_, kernels);
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const auto facts = packet::parse(frames[i]);
      const auto found = burst_.facts_of(i);
      ASSERT_EQ(as_tuple(found), as_tuple(facts));
      ASSERT_EQ(burst_.reason[i], facts.reason);
      ASSERT_EQ(burst_.head[i], slot_head(facts, burst_.present[i], burst_.device));
    }
    stage3_lookup(rules_, state_, burst_);
    stage5_steer(rules_, state_, burst_, nullptr, kernels);
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
  /// All forms in turn, where the processor has them.
  const RowKernels& next_kernels() {
    is_scalar_turn_ = !is_scalar_turn_;
    return is_scalar_turn_ || !can_run_avx512() ? scalar_kernels : avx512_kernels;
  }

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
    ASSERT_EQ(packet::text_of(burst_.reason[i]).name, packet::text_of(fate.reason).name);
    ASSERT_EQ(burst_.service[i], fate.service);
    if (fate.reason != Reason::none) {
      dropped_[{fate.service, fate.reason}] += 1;
      reasons_.insert(fate.reason);
      return;
    }
    candidates_ += 1;
    candidates_of_[fate.service] += 1;
    ASSERT_EQ(burst_.hash[i], fate.hash);
    // On a run-to-completion core the same is found when a handler looks.
    const auto view = LiveRows(burst_, rules_.hash_key()).packets()[i];
    ASSERT_EQ(view.flow_hash(), fate.hash);
    ASSERT_EQ(view.frame().size(), burst_.present[i]);
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
      ASSERT_EQ(counters_->in[service].value(), expected) << "service " << service;
    }
  }

  const Ruleset& rules_;
  Model model_;
  std::unique_ptr<CoreCounters> counters_;
  DemuxState state_;
  RxBurst burst_;
  std::array<rte_mbuf, max_burst> mbufs_{};  // only their addresses are used
  bool is_scalar_turn_ = false;
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

}  // namespace
}  // namespace portier::datapath
