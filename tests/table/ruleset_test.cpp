/// Rulesets: the compiled look-up against the choice among all bindings, limits, and maps over generations.
#include "table/ruleset.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "table/random_bindings.hpp"
#include "traffic/frame.hpp"

namespace portier::table {
namespace {

using traffic::v4;
using traffic::v6;

RulesetSpec spec_of(std::vector<Binding> bindings, std::size_t services = 2) {
  for (const auto& binding : bindings) services = std::max<std::size_t>(services, binding.service + 1U);
  RulesetSpec spec;
  spec.generation = 1;
  spec.bindings = std::move(bindings);
  spec.workers.assign(services, {0});
  return spec;
}

std::unique_ptr<const Ruleset> rules_of(std::vector<Binding> bindings) {
  return Ruleset::build(spec_of(std::move(bindings)), nullptr);
}

ServiceId chosen(std::span<const Binding> bindings, const packet::FlowKey& flow) {
  const auto* binding = choose(bindings, flow);
  return binding == nullptr ? no_service : binding->service;
}

void expect_equal_choices(Random& random, const std::vector<Binding>& bindings, int packets) {
  const auto rules = rules_of(bindings);
  ASSERT_NE(rules, nullptr);
  for (int i = 0; i < packets; ++i) {
    const auto flow = random_flow(random, bindings);
    ASSERT_EQ(rules->service_for(flow), chosen(bindings, flow))
        << "version " << int{flow.dst.version} << " port " << flow.dst_port << " proto " << int{flow.proto};
  }
}

TEST(Ruleset, EqualsTheChoiceAmongAllBindings) {
  Random random(11);
  for (int set = 0; set < 150; ++set) {
    ASSERT_NO_FATAL_FAILURE(expect_equal_choices(random, random_bindings(random, random.below(60)), 2000)) << set;
  }
}

/// Without prefixes no address is looked at, and no table of DPDK is made.
TEST(Ruleset, EqualsTheChoiceWithoutPrefixes) {
  Random random(12);
  for (int set = 0; set < 1000; ++set) {
    auto bindings = random_bindings(random, random.below(20));
    std::erase_if(bindings, [](const Binding& binding) { return !binding.destination.is_any(); });
    const auto rules = rules_of(bindings);
    ASSERT_FALSE(rules->has_prefixes4() || rules->has_prefixes6());
    for (int i = 0; i < 100; ++i) {
      const auto flow = random_flow(random, bindings);
      ASSERT_EQ(rules->service_for(flow), chosen(bindings, flow)) << "set " << set << " port " << flow.dst_port;
    }
  }
}

TEST(Ruleset, OneFamilyOfPrefixesLeavesTheOtherAlone) {
  const Binding any{.first_port = 53, .last_port = 53, .service = 2};
  for (const auto version : {4, 6}) {
    auto own = any;
    own.service = 3;
    own.destination =
        version == 4 ? packet::Prefix{v4(10, 0, 0, 0), 8} : packet::Prefix{v6(0xfd00'0000'0000'0000, 0), 8};
    const auto rules = rules_of({any, own});
    EXPECT_EQ(rules->has_prefixes4(), version == 4);
    EXPECT_EQ(rules->has_prefixes6(), version == 6);
    packet::FlowKey flow{.dst = v4(10, 1, 2, 3), .dst_port = 53, .proto = packet::wire::proto_udp};
    EXPECT_EQ(rules->service_for(flow), version == 4 ? 3 : 2);
    flow.dst = v6(0xfd00'0000'0000'0000, 9);
    EXPECT_EQ(rules->service_for(flow), version == 6 ? 3 : 2);
  }
}

TEST(Ruleset, AddressesOfOneHostHaveTheirOwnPorts) {
  const auto a = v4(192, 0, 2, 1);
  const auto b = v4(192, 0, 2, 2);
  const auto c = v6(0x20010db8'00000000, 1);
  const auto bound = [](const packet::Address& to, std::uint16_t port, ServiceId service) {
    return Binding{.destination = {to, static_cast<std::uint8_t>(to.bits())},
                   .first_port = port,
                   .last_port = port,
                   .service = service};
  };
  const auto rules = rules_of({bound(a, 53, 2), bound(b, 53, 3), bound(c, 53, 4), bound(b, 54, 5)});
  const auto at = [&](const packet::Address& to, std::uint16_t port) {
    return rules->service_for({.dst = to, .dst_port = port, .proto = packet::wire::proto_udp});
  };
  EXPECT_EQ(at(a, 53), 2);
  EXPECT_EQ(at(b, 53), 3);
  EXPECT_EQ(at(c, 53), 4);
  EXPECT_EQ(at(b, 54), 5);
  EXPECT_EQ(at(a, 54), no_service) << "a closed port of one address is not another's open one";
  EXPECT_EQ(at(v4(192, 0, 2, 3), 53), no_service);
}

/// The limits of a configuration, all at once: 65,536 bindings on 4,000 prefixes of both families.
TEST(Ruleset, TheLargestConfigurationIsBuiltInTime) {
  constexpr std::size_t prefixes = 4000;
  Random random(13);
  std::vector<Binding> bindings;
  for (std::uint32_t i = 0; bindings.size() < 65'536; ++i) {
    const auto prefix = static_cast<std::uint32_t>(i % prefixes);
    Binding binding;
    binding.transport = packet::transports[i / prefixes % 2].transport;
    const std::uint64_t net6 = 0x20010db8'00000000 + (std::uint64_t{prefix} << 16);
    binding.destination = prefix % 2 == 0 ? packet::Prefix{packet::ipv4(0x0a000000 + (prefix << 8)), 24}
                                          : packet::Prefix{v6(net6, 0), 48};
    binding.first_port = binding.last_port = static_cast<std::uint16_t>(i / prefixes * 4001);
    binding.service = static_cast<ServiceId>(first_user_service + i % 4000);
    bindings.push_back(binding);
  }
  const auto start = std::chrono::steady_clock::now();
  const auto rules = rules_of(bindings);
  const auto took = std::chrono::steady_clock::now() - start;
  ASSERT_NE(rules, nullptr);
  EXPECT_LT(took, std::chrono::seconds(10));
  for (int i = 0; i < 300; ++i) {
    const auto flow = random_flow(random, bindings);
    ASSERT_EQ(rules->service_for(flow), chosen(bindings, flow)) << flow.dst_port;
  }
}

TEST(Ruleset, PortsWithoutATransportBelongToNobody) {
  const auto rules = rules_of({{.transport = packet::Transport::udp, .service = 2}});
  for (unsigned proto = 0; proto < 256; ++proto) {
    const packet::FlowKey flow{.dst = v4(1, 2, 3, 4), .dst_port = 7, .proto = static_cast<std::uint8_t>(proto)};
    EXPECT_EQ(rules->service_for(flow), proto == packet::wire::proto_udp ? 2 : no_service) << proto;
  }
}

TEST(Ruleset, OurAddresses) {
  auto spec = spec_of({});
  EXPECT_TRUE(Ruleset::build(spec, nullptr)->is_ours(v4(9, 9, 9, 9))) << "nothing said: everything is ours";
  EXPECT_FALSE(Ruleset::build(spec, nullptr)->answers());
  spec.our_addresses = {v6(1, 1), v4(10, 0, 0, 2), v4(10, 0, 0, 1)};
  const auto rules = Ruleset::build(spec, nullptr);
  EXPECT_TRUE(rules->answers());
  for (const auto& address : spec.our_addresses) EXPECT_TRUE(rules->is_ours(address));
  EXPECT_FALSE(rules->is_ours(v4(10, 0, 0, 3)));
  EXPECT_FALSE(rules->is_ours(v6(1, 2)));
}

TEST(Ruleset, MapsGoOnFromTheRulesetBefore) {
  auto spec = spec_of({}, 4);
  spec.workers = {{0, 1}, {0, 1}, {0, 1, 2}, {1}};
  const auto first = Ruleset::build(spec, nullptr);
  EXPECT_FALSE(first->moves_buckets()) << "there was nothing before";
  EXPECT_EQ(first->service_limit(), 4U);

  spec.generation = 2;
  const auto same = Ruleset::build(spec, first.get());
  EXPECT_FALSE(same->moves_buckets());
  for (ServiceId service = 0; service < 4; ++service) {
    EXPECT_EQ(same->core_map(service).worker, first->core_map(service).worker) << service;
  }

  spec.generation = 3;
  spec.workers[2] = {0, 2};
  spec.workers.push_back({2});  // a new service moves nothing: it has no packets yet
  const auto next = Ruleset::build(spec, same.get());
  EXPECT_TRUE(next->moves_buckets());
  EXPECT_EQ(next->core_map(0).moved(), 0U);
  EXPECT_EQ(next->core_map(3).moved(), 0U);
  EXPECT_EQ(next->core_map(4).moved(), 0U);
  EXPECT_EQ(next->core_map(2), rebalance(same->core_map(2), spec.workers[2]));
  for (std::uint32_t bucket = 0; bucket < bucket_count; ++bucket) {
    const auto worker = next->worker_for(2, bucket << 22 | 0x3fffff);
    ASSERT_EQ(worker, next->core_map(2).worker[bucket]);
    const auto before = same->core_map(2).worker[bucket];
    ASSERT_TRUE(worker == before || before == 1) << bucket;
  }

  spec.generation = 4;
  EXPECT_FALSE(Ruleset::build(spec, next.get())->moves_buckets()) << "the move is over";
}

/// By its source, unless it is to us; other devices and other ports have none.
TEST(Ruleset, AnswersBelongToTheServiceThatIsDeliveredByTheDevice) {
  const Binding dns{.transport = packet::Transport::udp, .first_port = 53, .last_port = 53, .service = 2};
  const Binding web{.transport = packet::Transport::tcp, .first_port = 80, .last_port = 80, .service = 3};
  auto spec = spec_of({dns, web}, 8);
  spec.our_addresses = {v4(192, 0, 2, 1)};
  spec.returns = {{2, 1, 4}, {3, 5, 6}, {2, 1, 7}};
  const auto rules = Ruleset::build(spec, nullptr);
  const auto client = v4(198, 51, 100, 7);
  const packet::FlowKey answer{
      .src = v4(192, 0, 2, 1), .dst = client, .src_port = 53, .dst_port = 53, .proto = packet::wire::proto_udp};
  EXPECT_EQ(rules->return_service(1, answer), 4);
  for (std::uint8_t device = 0; device < 16; ++device) {
    EXPECT_EQ(rules->has_returns(device), device == 1 || device == 5);
    if (device != 1) {
      EXPECT_EQ(rules->return_service(device, answer), no_service);
    }
  }
  auto other = answer;
  other.src_port = 54;
  EXPECT_EQ(rules->return_service(1, other), no_service);
  other = answer;
  other.proto = packet::wire::proto_tcp;
  EXPECT_EQ(rules->return_service(1, other), no_service);
  other = answer;
  other.dst = v4(192, 0, 2, 1);
  EXPECT_EQ(rules->return_service(1, other), no_service) << "it is for us";
}

}  // namespace
}  // namespace portier::table
