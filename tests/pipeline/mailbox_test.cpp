// Mailboxes: packets to another process and answers back, through the client library and a running router.
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>

#include "client/connection.hpp"
#include "client/portier_client.hpp"
#include "packet/checksum.hpp"
#include "packet/wire.hpp"
#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {
namespace {

class MailboxTest : public PipelineTest {
 protected:
  void SetUp() override {
    static unsigned number = 0;
    PipelineTest::SetUp();
    socket_ = "/tmp/portier-mailbox-test-" + std::to_string(getpid()) + "-" + std::to_string(number++) + ".sock";
    settings_.router.mailbox_socket = socket_;
  }

  static control::TargetSettings mailbox(const std::string& name) {
    return {"mailbox", {{"mailbox", name}, {"slots", "1024"}}, {}};
  }
  /// Services "mail" on port 53 with this chain, and "other" on 54.
  void start_with(std::vector<control::TargetSettings> chain) {
    auto made = service("mail", both("53"), {});
    made.deliver = std::move(chain);
    made.stall_ms = 50;
    settings_.services.push_back(made);
    settings_.services.push_back(service("other", both("54"), {"count"}));
    start();
  }
  std::unique_ptr<Mailbox> connect(const std::string& name = "dns") { return std::make_unique<Mailbox>(name, socket_); }
  std::string in_charge() { return router_->chains().at(0).in_charge; }
  /// On every core: a look of the supervisor and a turn of the core more than the first one needs.
  void wait_for_charge(const std::string& label) {
    wait_until("another target is in charge", [&] { return in_charge() == label; });
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
  }
  const handlers::MailboxStatus& status() { return ledger_.mailboxes.at(0); }

  std::string socket_;
};

TEST_P(MailboxTest, PacketsArriveWholeAndAreDeliveredOnceTaken) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  std::vector<Frame> pushed;
  for (std::uint32_t i = 0; i < 100; ++i) {
    pushed.push_back(numbered(i % 16, i, 53, i * 13 % 1300));
    push(pushed.back());
  }
  wait_until("they wait for the process", [&] { return router_->ledger().in_flight == 100; });
  std::vector<std::vector<std::uint32_t>> numbers(16);
  std::size_t count = 0;
  wait_until("the process has them", [&] {
    for (const auto& packet : client->receive()) {
      const auto payload = Mailbox::payload(packet);
      const auto number = payload.size() < 12 ? 0 : packet::load32(payload.data() + 8) % 100;
      const auto frame = Mailbox::frame(packet);
      EXPECT_TRUE(std::ranges::equal(frame, pushed[number])) << number;
      numbers[number % 16].push_back(number);
      count += 1;
    }
    return count == 100;
  });
  client->receive();  // gives the last ones back
  settle();
  for (const auto& flow : numbers) EXPECT_TRUE(std::ranges::is_sorted(flow));
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 100U);
  EXPECT_EQ(status().taken, 100U);
}

TEST_P(MailboxTest, AnswersGoToTheSenderFromTheAddressThatWasAsked) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  for (std::uint32_t flow = 0; flow < 32; ++flow) push(numbered(flow, flow, 53));
  std::size_t count = 0;
  std::size_t answered = 0;
  wait_until("the process has them", [&] {
    for (const auto& packet : client->receive()) {
      count += 1;
      answered += client->reply(packet, Mailbox::payload(packet)) ? 1 : 0;
    }
    return count == 32;
  });
  client->receive();
  settle();
  wait_until("all answers are out", [&] { return replies_.size() == answered; });
  EXPECT_EQ(answered, 22U) << "UDP only";
  std::set<std::uint32_t> flows;
  for (const auto& reply : replies_) {
    const auto facts = packet::parse(reply);
    ASSERT_EQ(facts.reason, Reason::none);
    EXPECT_EQ(facts.src_port, 53);
    const auto key = packet::flow_key(reply.data(), facts);
    EXPECT_EQ(key.src, facts.ip_version == 4 ? host4 : host6);
    const packet::Bytes segment(reply.data() + facts.l4_offset, facts.l3_end - facts.l4_offset);
    EXPECT_EQ(packet::transport_checksum(key.src, key.dst, packet::wire::proto_udp, segment) & 0xffff, 0)
        << "a sound checksum sums up to nothing";
    const auto flow = packet::load32(reply.data() + facts.l4_offset + 8 + 4);
    EXPECT_EQ(facts.dst_port, 1024 + flow);
    flows.insert(flow);
  }
  EXPECT_EQ(flows.size(), 22U);
  stop_and_check();
}

/// A core that is away while the process answers and ends sees both at once (where it receives and delivers itself).
TEST_P(MailboxTest, WhatAProcessSaysLastIsHeard) {
  std::atomic<bool> is_away{false};
  std::atomic<bool> may_return{false};
  add_handler("away", [&](const HandlerContext&) {
    return [&](Burst&) {
      is_away = true;
      while (!may_return) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    };
  });
  settings_.services = {service("mail", both("53"), {}), service("other", both("54"), {"away"})};
  settings_.services[0].deliver = {mailbox("dns")};
  start();
  auto client = connect();
  wait_for_charge("mailbox dns");
  push(numbered(0, 0, 53));
  portier_packet packet{};
  wait_until("it has come", [&] { return portier_receive_burst(client->get(), &packet, 1) == 1; });
  push(numbered(0, 1, 54));
  wait_until("the core is away", [&] { return is_away.load(); });
  EXPECT_TRUE(client->reply(packet, Mailbox::payload(packet)));
  client.reset();
  wait_until("the process is gone", [&] { return router_->ledger().mailboxes.at(0).processes == 0; });
  may_return = true;
  wait_until("the answer is out", [&] {
    settle();
    return replies_.size() == 1;
  });
  stop_and_check();
}

TEST_P(MailboxTest, AProcessMaySendFromItsOwnPortsAlone) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  push(numbered(0, 0, 53));
  portier_packet packet{};
  wait_until("it has come", [&] { return portier_receive_burst(client->get(), &packet, 1) == 1; });
  portier_flow flow;
  ASSERT_EQ(portier_flow_of(&packet, &flow), 0);
  const std::array<std::uint8_t, 4> payload{1, 2, 3, 4};
  EXPECT_TRUE(client->send(flow, payload));
  auto others = flow;
  others.local_port = 54;  // another service's
  EXPECT_TRUE(client->send(others, payload)) << "the ring takes it, the router does not";
  others.local_port = 55;  // nobody's
  EXPECT_TRUE(client->send(others, payload));
  auto frame = Frame(Mailbox::frame(packet).begin(), Mailbox::frame(packet).end());
  EXPECT_EQ(portier_send_frame(client->get(), packet.core, 0, frame.data(), frame.size()), 0) << "the sender's own";
  EXPECT_EQ(portier_send_frame(client->get(), packet.core, 0, frame.data(), 13), 0) << "no frame at all";
  EXPECT_EQ(portier_send_frame(client->get(), packet.core, 9, frame.data(), frame.size()), 0) << "no such device";
  EXPECT_EQ(portier_send_frame(client->get(), 999, 0, frame.data(), frame.size()), -EINVAL);
  client->receive();
  wait_until("the answers are judged", [&] { return router_->ledger().mailboxes.at(0).refused_answers == 5; });
  settle();
  wait_until("one is sent", [&] { return replies_.size() == 1; });
  stop_and_check();
  EXPECT_EQ(replies_.size(), 1U);
}

TEST_P(MailboxTest, AProcessThatLeavesIsReplacedByTheNextTarget) {
  start_with({mailbox("dns"), {"record", {}, {}}});
  auto client = connect();
  wait_for_charge("mailbox dns");
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return router_->ledger().in_flight == 20; });
  client.reset();
  wait_for_charge("record");
  settle();
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  wait_until("the standby takes them", [&] { return journal_.count() == 20; });
  client = connect();
  wait_for_charge("mailbox dns");
  stop_and_check();
  EXPECT_EQ(dropped(account("mail"), Reason::target_gone), 20U);
  EXPECT_EQ(account("mail").delivered, 20U);
}

TEST_P(MailboxTest, AProcessThatTakesNothingFillsItsOwnRingAlone) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  for (std::uint32_t i = 0; i < 3000; ++i) {
    push(numbered(i % 16, i, 53));
    push(numbered(i % 16, i, 54));
    wait_until("the other service is served", [&] { return router_->ledger().services.back().delivered + 100 > i; });
  }
  wait_until("the ring is full", [&] {
    const auto ledger = router_->ledger();
    return ledger.dropped_total() + ledger.in_flight + ledger.delivered == 6000;
  });
  stop_and_check();
  EXPECT_EQ(account("other").delivered, 3000U);
  EXPECT_GT(dropped(account("mail"), Reason::mailbox_full) + dropped(account("mail"), Reason::no_target), 900U);
  EXPECT_GT(dropped(account("mail"), Reason::shutdown), 0U);
}

TEST_P(MailboxTest, FlowsAreSpreadOverProcessesAndStay) {
  start_with({mailbox("dns")});
  std::vector<std::unique_ptr<Mailbox>> clients;
  for (int i = 0; i < 3; ++i) clients.push_back(connect());
  wait_for_charge("mailbox dns");
  const auto flows_of = [&](std::uint32_t round) {
    for (std::uint32_t flow = 0; flow < 96; ++flow) push(numbered(flow, round, 53));
    std::vector<std::set<std::uint32_t>> flows(clients.size());
    std::size_t count = 0;
    wait_until("all have come", [&] {
      for (std::size_t i = 0; i < clients.size(); ++i) {
        if (clients[i] == nullptr) continue;
        for (const auto& packet : clients[i]->receive()) {
          flows[i].insert(packet::load32(Mailbox::payload(packet).data() + 4));
          count += 1;
        }
      }
      return count == 96;
    });
    return flows;
  };
  const auto give_back = [&] {
    for (auto& client : clients) {
      if (client == nullptr) continue;
      EXPECT_TRUE(client->receive().empty());
    }
    settle();
  };
  const auto before = flows_of(0);
  for (const auto& of_client : before) EXPECT_GT(of_client.size(), 10U);
  EXPECT_EQ(flows_of(1), before);
  give_back();
  clients[1].reset();
  wait_until("the router has noticed", [&] { return router_->ledger().mailboxes.at(0).processes == 2; });
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const auto after = flows_of(2);
  for (const std::size_t i : {0, 2}) {
    EXPECT_TRUE(std::ranges::includes(after[i], before[i])) << "what stayed keeps its flows";
  }
  give_back();
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 3U * 96);
}

TEST_P(MailboxTest, ASleeperIsWoken) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  EXPECT_TRUE(client->wait(10)) << "the time is over";
  for (std::uint32_t i = 0; i < 20; ++i) {
    std::thread pusher([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      push(numbered(1, i, 53));
    });
    EXPECT_TRUE(client->wait(5000));
    pusher.join();
    EXPECT_EQ(client->receive().size(), 1U);
  }
  client->receive();
  settle();
  router_->stop(std::chrono::seconds(5));
  stop_and_check();
  router_.reset();
  EXPECT_FALSE(client->wait(1000)) << "the router is gone";
}

TEST_P(MailboxTest, WhoBreaksTheRingIsShownOutAndHarmsNobody) {
  start_with({mailbox("dns"), {"record", {}, {}}});
  auto hostile = client::Connection::open("dns", socket_);
  wait_for_charge("mailbox dns");
  for (std::uint32_t i = 0; i < 16; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return router_->ledger().in_flight == 16; });
  for (std::uint32_t core = 0; core < hostile.shape().cores; ++core) {
    towards_process(hostile.region(), hostile.shape(), core).positions->consumed = ~std::uint64_t{0} / 2;
  }
  wait_for_charge("record");
  for (std::uint32_t i = 0; i < 16; ++i) push(numbered(i, i, 53));
  wait_until("the standby takes them", [&] { return journal_.count() == 16; });
  stop_and_check();
  EXPECT_EQ(dropped(account("mail"), Reason::target_gone), 16U);
}

TEST_P(MailboxTest, ARandomWriterNeverBringsTheRouterDown) {
  start_with({mailbox("dns"), {"record", {}, {}}});
  Random random(11);
  for (int round = 0; round < 40; ++round) {
    auto hostile = client::Connection::open("dns", socket_);
    const auto bytes = hostile.shape().region_bytes();
    for (std::uint32_t i = 0; i < 30; ++i) push(numbered(i % 16, i, 53));
    for (int write = 0; write < 2000; ++write) {
      // Positions and the first slots are where it hurts.
      const auto at = random.below(2) == 0 ? random.below(static_cast<std::uint32_t>(2 * crosscore::mail_page))
                                           : random.below(static_cast<std::uint32_t>(bytes));
      hostile.region()[at] = static_cast<std::uint8_t>(random.below(256));
    }
    push(numbered(1, 1, 54));
  }
  wait_until("everything has ended", [&] { return router_->ledger().mailboxes.at(0).processes == 0; });
  settle();
  stop_and_check();
  EXPECT_EQ(account("other").delivered, 40U);
}

TEST_P(MailboxTest, WhoHasNoBusinessHereIsToldSo) {
  start_with({mailbox("dns")});
  EXPECT_THROW(connect("other"), std::runtime_error);
  EXPECT_THROW(connect(""), std::runtime_error);
  EXPECT_THROW(Mailbox("dns", socket_ + ".nowhere"), std::runtime_error);
  stop_and_check();
}

TEST_P(MailboxTest, AReloadKeepsTheProcessAndItsPackets) {
  start_with({mailbox("dns")});
  auto client = connect();
  wait_for_charge("mailbox dns");
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  wait_until("they wait", [&] { return router_->ledger().in_flight == 20; });
  auto changed = settings_;
  changed.services[0].deliver.push_back({"record", {}, {}});
  EXPECT_EQ(router_->reload(changed), std::nullopt);
  for (std::uint32_t i = 0; i < 20; ++i) push(numbered(i, i, 53));
  std::size_t count = 0;
  wait_until("both halves have come", [&] { return (count += client->receive().size()) == 40; });
  client->receive();
  settle();
  stop_and_check();
  EXPECT_EQ(account("mail").delivered, 40U);
}

INSTANTIATE_TEST_SUITE_P(Shapes, MailboxTest, all_shapes(), name_of);

}  // namespace
}  // namespace portier::test
