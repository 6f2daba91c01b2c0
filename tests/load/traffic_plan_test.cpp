/// Services, sizes and IP versions come in the shares that were asked for; flows are distinct and change as asked.
#include "traffic_plan.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "shares.hpp"

namespace portier::load {
namespace {

TrafficPlan plan_of(const TrafficSettings& settings) {
  auto planned = plan_traffic(settings);
  EXPECT_TRUE(planned.plan) << planned.problem;
  return planned.plan ? std::move(*planned.plan) : TrafficPlan{};
}

TEST(TrafficPlan, ImixIsSevenFourOne) {
  const auto sizes = parse_sizes("imix");
  ASSERT_TRUE(sizes.problem.empty());
  const auto plan = plan_of({.sizes = sizes.sizes});
  std::map<unsigned, std::size_t> count;
  for (const auto index : plan.order) ++count[plan.templates[index].length];
  ASSERT_EQ(count.size(), 3U);
  EXPECT_EQ(count[60] * 4, count[590] * 7);
  EXPECT_EQ(count[590], count[1514] * 4);
  EXPECT_NEAR(plan.mean_bytes, (60 * 7 + 590 * 4 + 1514) / 12.0, 1e-9);
  EXPECT_FALSE(plan.sizes_raised);
}

TEST(TrafficPlan, ZipfGivesEachRankItsShare) {
  auto parsed = parse_services("udp/1000,udp/1001,udp/1002,udp/1003,udp/1004,udp/1005,udp/1006,udp/1007");
  ASSERT_EQ(apply_popularity("zipf:1.2", parsed.services), "");
  const auto plan = plan_of({.services = parsed.services});
  std::vector<double> count(8);
  for (const auto index : plan.order) ++count[plan.templates[index].service];
  double sum = 0;
  for (int k = 1; k <= 8; ++k) sum += std::pow(k, -1.2);
  for (int k = 1; k <= 8; ++k) {
    const auto share = count[static_cast<std::size_t>(k - 1)] / static_cast<double>(plan.order.size());
    EXPECT_NEAR(share, std::pow(k, -1.2) / sum, 1e-3) << k;
  }
}

TEST(TrafficPlan, WeightsVersionsAndSizesAreIndependent) {
  const auto parsed = parse_services("udp/53=3,tcp/443=1");
  const auto sizes = parse_sizes("100:1,200:1");
  const auto plan = plan_of({.services = parsed.services, .sizes = sizes.sizes, .ipv6_share = 0.25});
  std::map<std::tuple<int, int, int>, double> count;
  for (const auto index : plan.order) {
    const auto& frame = plan.templates[index];
    ++count[{frame.service, frame.family, frame.length}];
  }
  const auto length = static_cast<double>(plan.order.size());
  EXPECT_EQ(count.size(), 8U);
  EXPECT_NEAR((count[{0, 0, 100}]) / length, 0.75 * 0.75 * 0.5, 0.02);
  EXPECT_NEAR((count[{1, 1, 200}]) / length, 0.25 * 0.25 * 0.5, 0.02);
}

TEST(TrafficPlan, ApportionIsExact) {
  const std::vector<double> weights{1, 1, 1};
  const auto counts = apportion(weights, 100);
  EXPECT_EQ(counts, (std::vector<std::size_t>{34, 33, 33}));
}

TEST(TrafficPlan, RefusesWhatCannotBe) {
  const auto problem = [](const TrafficSettings& settings) { return plan_traffic(settings).problem; };
  EXPECT_NE(problem({.flows = 0}), "");
  EXPECT_NE(problem({.flows = 100'000}), "") << "one address has fewer ports";
  EXPECT_NE(problem({.flows = 40'000, .churn_per_s = 10}), "") << "no pairs are left for new flows";
  EXPECT_NE(problem({.syn = true}), "") << "udp/7 has no SYN";
  EXPECT_NE(problem({.ipv6_share = 1.5}), "");
  EXPECT_EQ(problem({}), "");
}

TEST(ParseSizes, RefusesWithASentence) {
  for (const char* text :
       {"", "59", "0", "-1", "60:", "60:0", "60:-1", "60:nan", "1514-60", "60,", "9019", "1e3", "x"}) {
    EXPECT_NE(parse_sizes(text).problem, "") << text;
  }
  EXPECT_EQ(parse_sizes("60-1514").sizes.size(), 32U);
  EXPECT_EQ(parse_sizes("60-1514").sizes.back().bytes, 1514U);
  EXPECT_EQ(parse_sizes("60-61").sizes.size(), 2U);
}

TEST(ParseServices, ReadsBindingsAndWeights) {
  const auto parsed = parse_services("udp/53=3,tcp/https,udp/192.0.2.1:5000-5099,tcp/[2001:db8::1]:80");
  ASSERT_EQ(parsed.problem, "");
  ASSERT_EQ(parsed.services.size(), 4U);
  EXPECT_EQ(parsed.services[0].weight, 3);
  EXPECT_EQ(parsed.services[1].first_port, 443);
  EXPECT_EQ(parsed.services[2].port_count, 100U);
  EXPECT_EQ(parsed.services[2].destination.version, 4);
  EXPECT_EQ(parsed.services[3].destination.version, 6);
}

TEST(ParseServices, RefusesWithASentence) {
  for (const char* text : {"", "53", "udp/nosuchservice", "udp/53,", "udp/53=0", "udp/53=x", "sctp/80",
                           "udp/10.0.0.0/8:53", "udp/53,udp/50-60", "udp/70000"}) {
    EXPECT_NE(parse_services(text).problem, "") << text;
  }
  auto services = parse_services("udp/1").services;
  for (const char* text : {"", "zipf:", "zipf:0", "zipf:nan", "often"}) EXPECT_NE(apply_popularity(text, services), "");
}

TEST(Endpoints, AreDistinctAndWithinTheirRange) {
  SourceRange range;
  range.first_port = 2000;
  range.ports = 10;
  range.addresses4 = 5;
  range.addresses6 = 5;
  const Endpoints endpoints(range, 50, 0);
  std::set<std::pair<std::uint32_t, std::uint16_t>> seen;
  for (std::uint32_t i = 0; i < 50; ++i) {
    const auto port = __builtin_bswap16(endpoints[i].port);
    EXPECT_GE(port, 2000);
    EXPECT_LT(port, 2010);
    seen.emplace(endpoints[i].address[0], port);
  }
  EXPECT_EQ(seen.size(), 50U);
}

TEST(Endpoints, NewFlowsComeAtTheirRateAndAreNew) {
  SourceRange range;
  Endpoints endpoints(range, 100, 1000);
  std::set<std::uint16_t> before;
  for (std::uint32_t i = 0; i < 100; ++i) before.insert(endpoints[i].port);
  endpoints.renew(0.05);  // 50 new flows
  std::size_t renewed = 0;
  for (std::uint32_t i = 0; i < 100; ++i) {
    if (before.contains(endpoints[i].port)) continue;
    ++renewed;
    EXPECT_EQ(endpoints[i].generation, 1);
  }
  EXPECT_EQ(renewed, 50U);
  endpoints.renew(0.15);
  EXPECT_EQ(endpoints[0].generation, 2);
  EXPECT_EQ(endpoints[99].generation, 1);
  endpoints.restart();
  EXPECT_TRUE(before.contains(endpoints[0].port));
  EXPECT_EQ(endpoints[0].generation, 0);
}

}  // namespace
}  // namespace portier::load
