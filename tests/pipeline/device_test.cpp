// Services that are delivered by another device: packets out, answers back, and a link that goes down.
#include <rte_ethdev.h>

#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

class DeviceTest : public PipelineTest {
 protected:
  void SetUp() override {
    PipelineTest::SetUp();
    lan_ = settings_.devices[0].name;
    add_device(lan_ + "b");
    backend_ = settings_.devices[1].name;
  }

  control::TargetSettings device(std::map<std::string, std::string> options = {}) const {
    options.emplace("device", backend_);
    return {"device", std::move(options), {}};
  }
  /// Services "far" on port 53 with this chain, and "other" on 54.
  void start_with(std::vector<control::TargetSettings> chain) {
    auto made = service("far", both("53"), {});
    made.deliver = std::move(chain);
    made.stall_ms = 50;
    settings_.services.push_back(made);
    settings_.services.push_back(service("other", both("54"), {"count"}));
    start();
  }
  void set_link(bool is_up) {
    const auto port = router_->device(1).rx_queues()[0].port;
    ASSERT_EQ(is_up ? rte_eth_dev_set_link_up(port) : rte_eth_dev_set_link_down(port), 0);
  }
  std::string in_charge() const { return router_->chains().at(0).in_charge; }
  void wait_for_charge(const std::string& label) {
    wait_until("another target is in charge", [&] { return in_charge() == label; });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  std::vector<Frame>& sent() {
    sent_by_.resize(2);
    return sent_by_[1];
  }
  const control::ServiceAccount& answers() const { return account("far/" + backend_); }

  /// What a backend makes of a packet: addresses and ports turned round.
  static Frame answer_to(const Frame& frame) {
    auto answer = frame;
    const auto facts = packet::parse(frame);
    std::swap_ranges(answer.begin(), answer.begin() + 6, answer.begin() + 6);
    auto* l3 = answer.data() + facts.l3_offset;
    const std::size_t size = facts.ip_version == 4 ? 4 : 16;
    auto* src = l3 + packet::ip_src_offset(facts.ip_version);
    std::swap_ranges(src, src + size, src + size);
    auto* l4 = answer.data() + facts.l4_offset;
    std::swap_ranges(l4, l4 + 2, l4 + 2);
    return answer;
  }

  std::string lan_, backend_;
};

TEST_P(DeviceTest, FramesLeaveAsTheyCame) {
  start_with({device()});
  std::vector<Frame> pushed;
  for (std::uint32_t i = 0; i < 200; ++i) {
    pushed.push_back(numbered(i % 16, i, 53, i * 13 % 1300));
    push(pushed.back());
    push(numbered(i % 16, i, 54));
    throttle(200);
  }
  settle();
  wait_until("all are out", [&] { return sent().size() == 200; });
  std::ranges::sort(pushed);
  auto seen = sent();
  std::ranges::sort(seen);
  EXPECT_EQ(seen, pushed);
  stop_and_check();
  EXPECT_EQ(account("far").delivered, 200U);
  EXPECT_EQ(account("other").delivered, 200U);
  EXPECT_EQ(ledger_.tx_full, 0U);
}

TEST_P(DeviceTest, AFlowIsNotReordered) {
  start_with({device()});
  for (std::uint32_t i = 0; i < 600; ++i) {
    push(numbered(i % 8, i, 53));
    throttle(200);
  }
  settle();
  wait_until("all are out", [&] { return sent().size() == 600; });
  std::map<std::uint32_t, std::vector<std::uint32_t>> numbers;
  for (const auto& frame : sent()) {
    const auto facts = packet::parse(frame);
    const auto* payload = frame.data() + facts.l4_offset + (facts.proto == packet::wire::proto_tcp ? 20 : 8);
    numbers[packet::load32(payload + 4)].push_back(packet::load32(payload + 8));
  }
  EXPECT_EQ(numbers.size(), 8U);
  for (const auto& [flow, of_flow] : numbers) EXPECT_TRUE(std::ranges::is_sorted(of_flow)) << flow;
}

TEST_P(DeviceTest, AnswersGoToTheClientsWhateverOwnsTheirPort) {
  settings_.services.push_back(service("taken", both("1024-65535"), {"count"}));
  start_with({device()});
  std::vector<Frame> answers;
  for (std::uint32_t i = 0; i < 100; ++i) {
    answers.push_back(answer_to(numbered(i, i, 53)));  // to port 1024 + i, which is bound
    push(answers.back(), 1);
  }
  settle();
  wait_until("all are out", [&] { return replies_.size() == 100; });
  std::ranges::sort(answers);
  auto seen = replies_;
  std::ranges::sort(seen);
  EXPECT_EQ(seen, answers);
  stop_and_check();
  EXPECT_EQ(this->answers().in, 100U);
  EXPECT_EQ(this->answers().delivered, 100U);
  EXPECT_EQ(account("taken").in, 0U);
}

TEST_P(DeviceTest, WhatABackendSendsBesidesIsLookedUpLikeAnyOther) {
  settings_.closed_ports.action = control::ClosedAction::drop;
  start_with({device()});
  for (std::uint32_t i = 0; i < 30; ++i) {
    push(numbered(i, i, 54), 1);             // to another service
    push(numbered(i, i, 55), 1);             // to nobody
    push(numbered(i, i, 53), 1);             // to the service that is delivered there
    push(answer_to(numbered(i, i, 55)), 1);  // from a port that is no service's
    push(answer_to(numbered(i, i, 53)));     // by the clients' device: no answer
  }
  settle();
  stop_and_check();
  EXPECT_EQ(account("other").delivered, 30U);
  EXPECT_EQ(dropped(account("far"), Reason::hairpin), 30U);
  EXPECT_EQ(dropped(Reason::closed_port), 90U);
  EXPECT_EQ(replies_.size() + sent().size(), 0U);
}

TEST_P(DeviceTest, FragmentsAndErrorsOfAFlowGoItsWay) {
  start_with({device()});
  const auto whole = traffic::frame().ipv4(traffic::v4(198, 51, 100, 7), host4).udp(4242, 53).payload(3000).build();
  const auto back = traffic::frame().ipv4(host4, traffic::v4(198, 51, 100, 7)).udp(53, 4242).payload(3000).build();
  for (const auto& fragment : traffic::fragments_of(whole, 1400, 7)) push(fragment);
  for (const auto& fragment : traffic::fragments_of(back, 1400, 7)) push(fragment, 1);
  const auto router = traffic::v4(203, 0, 113, 1);
  push(traffic::frame().ipv4(router, host4).icmp_error(3, 4, back).build());  // about an answer, from the net
  push(traffic::frame().ipv4(host4, traffic::v4(198, 51, 100, 7)).icmp_error(3, 3, whole).build(), 1);
  settle();
  wait_until("all are out", [&] { return sent().size() == 4 && replies_.size() == 4; });
  stop_and_check();
  EXPECT_EQ(account("far").delivered, 4U);
  EXPECT_EQ(answers().delivered, 4U);
}

TEST_P(DeviceTest, ADeviceWithoutLinkIsPassedOverAndTakenBack) {
  start_with({device(), {"record", {}, {}}});
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  settle();
  set_link(false);
  wait_for_charge("record");
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  settle();
  EXPECT_EQ(journal_.count(), 20U);
  set_link(true);
  wait_for_charge("device " + backend_);
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  settle();
  stop_and_check();
  EXPECT_EQ(account("far").delivered, 60U);
  EXPECT_EQ(sent().size(), 40U);
}

TEST_P(DeviceTest, ADeviceThatTakesNothingLosesByNameAndIsPassedOver) {
  is_pulling_ = false;
  start_with({device(), {"count", {}, {}}});
  std::uint32_t number = 0;
  wait_until("the standby is in charge", [&] {
    for (int i = 0; i < 64; ++i) push(numbered(number % 64, number, 53)), number += 1;
    return in_charge() == "count";
  });
  settle();
  is_pulling_ = true;
  wait_until("it goes on", [&] { return in_charge() != "count"; });
  settle();
  stop_and_check();
  const auto lost = dropped(account("far"), Reason::device_full);
  EXPECT_GT(lost, 0U);
  EXPECT_EQ(account("far").delivered + lost, number);
  EXPECT_EQ(ledger_.tx_full, 0U) << "nothing is lost without a name";
}

TEST_P(DeviceTest, AReloadKeepsWhatDidNotChange) {
  start_with({device()});
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  auto changed = settings_;
  changed.services[1].deliver = {{"record", {}, {}}};
  EXPECT_EQ(router_->reload(changed), std::nullopt);
  for (std::uint32_t i = 0; i < 20; ++i) {
    push(numbered(i, i, 53));
    push(answer_to(numbered(i, i, 53)), 1);
  }
  settle();
  changed.services[0].deliver = {{"record", {}, {}}};
  EXPECT_EQ(router_->reload(changed), std::nullopt);
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  push(answer_to(numbered(1, 1, 53)), 1);  // nobody's answer any more
  settle();
  stop_and_check();
  EXPECT_EQ(account("far").delivered, 60U);
  EXPECT_EQ(journal_.count(), 20U);
  EXPECT_EQ(dropped(Reason::closed_port), 1U);
}

TEST_P(DeviceTest, WhatIsWrongIsSaid) {
  const auto refused = [&](std::map<std::string, std::string> options) -> std::string {
    HandlerContext context;
    context.service = "web";
    context.device_names = {"lan", "backend0", "backend1"};
    context.options = std::move(options);
    try {
      (*registry_.find("device"))(context);
    } catch (const std::invalid_argument& fault) {
      return fault.what();
    } catch (const std::runtime_error&) {
      return "";
    }
    return "no fault";
  };
  EXPECT_EQ(refused({{"device", "backend0"}, {"clients", "lan"}}), "");
  EXPECT_EQ(refused({{"device", "backend2"}}),
            R"(device: there is no device "backend2"; write one of "lan", "backend0", "backend1")");
  EXPECT_NE(refused({{"device", "backend0"}}).find("clients = "), std::string::npos);
  EXPECT_NE(refused({{"device", "backend0"}, {"clients", "backend0"}}).find("is the device itself"), std::string::npos);
  EXPECT_NE(refused({{"device", "backend0"}, {"client", "lan"}}).find("no option"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Shapes, DeviceTest, all_shapes(), name_of);

}  // namespace
}  // namespace portier::test
