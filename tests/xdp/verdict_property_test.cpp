/// The XDP program against the parser and the ruleset, on random frames: it redirects a packet exactly if it is for one
/// of the shared addresses and the ruleset has a service for it. The exceptions, in which the kernel keeps the packet:
/// fragmented ICMP errors, and later fragments that come before their first one.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "control/share_plan.hpp"
#include "datapath/fragment_memory.hpp"
#include "datapath/random_frames.hpp"
#include "table/ruleset.hpp"
#include "xdp/verdicts.hpp"

namespace portier::nic {
namespace {

using traffic::Frame;
using traffic::Random;

std::unique_ptr<const table::Ruleset> rules_of(const std::vector<table::Binding>& bindings) {
  table::RulesetSpec spec;
  spec.generation = 1;
  spec.bindings = bindings;
  std::size_t services = table::first_user_service;
  for (const auto& binding : bindings) services = std::max<std::size_t>(services, binding.service + 1U);
  spec.workers.assign(services, {0});
  return table::Ruleset::build(spec, nullptr);
}

/// What portier would do with each frame, by its own parser and ruleset.
class Model {
 public:
  Model(const table::Ruleset& rules, std::set<packet::Address> ours) : rules_(rules), ours_(std::move(ours)) {}

  bool takes(const Frame& frame) {
    const auto facts = packet::parse(frame);
    if (facts.reason != packet::Reason::none || facts.ip_version == 0) return false;
    const auto flow = packet::flow_key(frame.data(), facts);
    if (!ours_.contains(flow.dst)) return false;
    switch (facts.kind) {
      case packet::Kind::transport: {
        const bool is_open = rules_.service_for(flow) != table::no_service;
        if (facts.fragment == packet::Fragment::first) firsts_[key(frame, facts)] = is_open;
        return is_open;
      }
      case packet::Kind::later: {
        const auto first = firsts_.find(key(frame, facts));
        return first != firsts_.end() && first->second;
      }
      case packet::Kind::icmp_error: {
        if (facts.fragment != packet::Fragment::none) return false;
        const auto quote = packet::parse_quote(frame, facts);
        return quote.ports_known && ours_.contains(quote.src) &&
               rules_.service_for(packet::flow_key(quote)) != table::no_service;
      }
      default: return false;
    }
  }

 private:
  using Key = std::tuple<packet::Address, packet::Address, std::uint32_t, std::uint8_t>;
  static Key key(const Frame& frame, const packet::Facts& facts) {
    const auto datagram = datapath::datagram_key(frame.data(), facts);
    return {datagram.src, datagram.dst, datagram.id, datagram.proto};
  }

  const table::Ruleset& rules_;
  std::set<packet::Address> ours_;
  std::map<Key, bool> firsts_;
};

/// Some that the frames below aim at.
std::set<packet::Address> some_addresses(Random& random, const std::vector<table::Binding>& bindings) {
  std::set<packet::Address> addresses{traffic::v4(192, 0, 2, 0), traffic::v6(0x20010db8'00000000, 0)};
  while (addresses.size() < 24) {
    addresses.insert(random.chance(0.5) ? table::random_flow(random, bindings).dst
                                        : table::random_address(random, random.chance(0.5) ? 4 : 6));
  }
  return addresses;
}

Frame frame_at(Random& random, const std::vector<table::Binding>& bindings, const std::vector<packet::Address>& ours) {
  if (random.chance(0.4)) return datapath::random_frame(random, bindings);
  auto flow = table::random_flow(random, bindings);
  flow.dst = table::one_of(random, ours);
  flow.src = table::random_address(random, flow.dst.version);
  switch (random.below(6)) {
    case 0: return datapath::random_fragment(random, flow);
    case 1: return datapath::random_error(random, flow);
    case 2: return datapath::mutated(random, datapath::random_error(random, flow));
    case 3: return datapath::mutated(random, datapath::frame_of(random, flow));
    default: return datapath::padded(random, datapath::frame_of(random, flow));
  }
}

TEST(VerdictProperty, RedirectsExactlyWhatTheRulesetHasAServiceFor) {
  if (const auto why = why_no_xdp(); !why.empty()) GTEST_SKIP() << why;
  Random random(2024);
  std::size_t redirected = 0;
  std::size_t kept = 0;
  std::set<packet::Kind> kinds;
  for (int round = 0; round < 10; ++round) {
    const auto bindings = table::random_bindings(random, random.between(1, 30));
    const auto addresses = some_addresses(random, bindings);
    control::Settings settings;
    settings.services.emplace_back().name = "all";
    for (const auto& binding : bindings) settings.services.back().bindings.push_back({"", binding, {}});
    control::DeviceSettings device;
    for (const auto& address : addresses)
      device.addresses.push_back({.address = address, .prefix_length = 0, .place = {}});

    const auto rules = rules_of(bindings);
    ASSERT_NE(rules, nullptr);
    Verdicts verdicts({.datagrams = 65536, .fragment_timeout_ms = 60000});
    verdicts.filter().apply(control::plan_share(settings, device));
    Model model(*rules, addresses);
    const std::vector<packet::Address> ours(addresses.begin(), addresses.end());
    for (int i = 0; i < 8000; ++i) {
      const auto frame = frame_at(random, bindings, ours);
      if (!can_run(frame)) continue;
      const bool is_expected = model.takes(frame);
      const auto facts = packet::parse(frame);
      ASSERT_EQ(verdicts.redirects(frame), is_expected)
          << "round " << round << ", frame " << i << ": " << text_of(facts.reason).name << ", kind "
          << static_cast<int>(facts.kind) << ", " << testing::PrintToString(frame);
      (is_expected ? redirected : kept) += 1;
      if (is_expected) kinds.insert(facts.kind);
    }
  }
  EXPECT_GT(redirected, 10'000U);
  EXPECT_GT(kept, 10'000U);
  EXPECT_EQ(kinds, (std::set{packet::Kind::transport, packet::Kind::later, packet::Kind::icmp_error}));
}

}  // namespace
}  // namespace portier::nic
