/// Replay over frames built by words: what becomes of each, in which order, and the account of all.
#include "control/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include "control/checks.hpp"
#include "control/explain.hpp"
#include "traffic/frame.hpp"
#include "traffic/mix.hpp"

namespace portier::control {
namespace {

using packet::Reason;
using testing::ElementsAre;
using traffic::frame;
using traffic::Frame;
using traffic::v4;
using traffic::v6;

constexpr std::uint64_t ms = 1'000'000;
const auto client = v4(198, 51, 100, 7);
const auto server = v4(192, 0, 2, 1);
const auto client6 = v6(0x20010db8'00000000, 7);
const auto server6 = v6(0x20010db8'00000000, 1);

const std::string device = "[[device]]\nname = \"d\"\nvdev = \"net_null0\"\n";
const std::string town = device + R"toml(
[[service]]
name = "dns"
bindings = ["udp/50-60", "udp/53", "tcp/domain"]
deliver = ["echo", "count"]
[[service]]
name = "rest"
bindings = ["udp/*"]
deliver = ["count"]
[[service]]
name = "no"
bindings = ["tcp/22"]
deliver = ["reject"]
[[service]]
name = "hole"
bindings = ["tcp/23"]
deliver = ["drop"]
)toml";

Settings settings_of(const std::string& text) {
  auto loaded = parse_checked(text, "test.toml", {built_in_handlers(), {}});
  for (const auto& fault : loaded.faults) ADD_FAILURE() << to_text(fault);
  return loaded.settings.value_or(Settings{});
}

const std::vector<unsigned> four_workers{2, 3, 4, 5};

/// A replay with its verdicts as they come.
class Town {
 public:
  explicit Town(const std::string& text = town, const std::vector<unsigned>& workers = four_workers)
      : settings_(settings_of(text)),
        replay_(settings_, workers, [this](const FrameVerdict& verdict) { said_.push_back(verdict); }) {}

  Town& add(const Frame& bytes, std::uint64_t time_ns = 0, std::uint16_t link = 1) {
    replay_.add({.bytes = bytes,
                 .wire_length = static_cast<std::uint32_t>(bytes.size()),
                 .time_ns = time_ns,
                 .link_type = link});
    added_ += 1;
    return *this;
  }

  /// Verdicts so far.
  const std::vector<FrameVerdict>& said() const { return said_; }

  /// All verdicts, after what holds for every capture was checked.
  const std::vector<FrameVerdict>& finish() {
    replay_.finish();
    EXPECT_EQ(said_.size(), added_);
    std::map<std::string, std::uint64_t> delivered;
    std::uint64_t dropped = 0;
    for (std::size_t i = 0; i < said_.size(); ++i) {
      const auto& verdict = said_[i];
      EXPECT_EQ(verdict.frame, i + 1) << "verdicts come in the order of frames";
      EXPECT_EQ(verdict.reason == Reason::none, verdict.outcome == Outcome::delivered) << verdict.frame;
      if (verdict.outcome == Outcome::delivered) {
        delivered[verdict.service_name] += 1;
        EXPECT_TRUE(verdict.worker.has_value()) << verdict.frame;
      } else {
        dropped += 1;
      }
    }
    const auto ledger = replay_.ledger();
    EXPECT_TRUE(ledger.adds_up());
    EXPECT_EQ(ledger.received, added_);
    EXPECT_EQ(ledger.dropped_total(), dropped);
    EXPECT_EQ(ledger.in_flight, 0U);
    std::uint64_t in = 0;
    for (const auto& account : ledger.services) {
      EXPECT_EQ(account.delivered, delivered[account.name]) << account.name;
      EXPECT_EQ(account.in, account.delivered + account.dropped_total()) << account.name;
      in += account.in;
    }
    EXPECT_EQ(in, ledger.received) << "each packet is counted in once";
    return said_;
  }
  Ledger ledger() const { return replay_.ledger(); }
  const Settings& settings() const { return settings_; }

 private:
  Settings settings_;
  std::vector<FrameVerdict> said_;
  Replay replay_;
  std::uint64_t added_ = 0;
};

Frame udp_to(std::uint16_t port, std::uint16_t from = 4242) {
  return frame().ipv4(client, server).udp(from, port).payload(40).build();
}
Frame tcp_to(std::uint16_t port) { return frame().ipv4(client, server).tcp(4242, port).build(); }

/// What one frame becomes.
FrameVerdict verdict_of(const Frame& bytes, const std::string& text = town) {
  Town one(text);
  one.add(bytes);
  return one.finish().at(0);
}

// ---- bindings ----------------------------------------------------------------------------------------------------

TEST(ReplayBindings, NamesServiceAndBindingAsWritten) {
  const auto verdict = verdict_of(frame().ipv4(client, server).tcp(4242, 53).build());
  EXPECT_EQ(verdict.outcome, Outcome::delivered);
  EXPECT_EQ(verdict.service_name, "dns");
  EXPECT_EQ(verdict.binding, "tcp/domain");
  EXPECT_EQ(verdict.src, client);
  EXPECT_EQ(verdict.dst, server);
  EXPECT_EQ(verdict.facts.dst_port, 53);
}

TEST(ReplayBindings, TheNarrowestRangeWins) {
  const std::map<std::uint16_t, std::string> expected{
      {49, "udp/*"}, {50, "udp/50-60"}, {52, "udp/50-60"}, {53, "udp/53"},   {54, "udp/50-60"}, {60, "udp/50-60"},
      {61, "udp/*"}, {0, "udp/*"},      {1, "udp/*"},      {65534, "udp/*"}, {65535, "udp/*"}};
  for (const auto& [port, binding] : expected) {
    const auto verdict = verdict_of(udp_to(port));
    EXPECT_EQ(verdict.binding, binding) << port;
    EXPECT_EQ(verdict.service_name, binding == "udp/*" ? "rest" : "dns") << port;
  }
}

TEST(ReplayBindings, AgreesWithExplainAboutEveryPort) {
  Town one;
  const packet::Address sources[] = {client, client6};
  std::vector<packet::FlowKey> flows;
  std::mt19937 random(11);
  for (int i = 0; i < 500; ++i) {
    const auto& src = sources[i % 2];
    const auto& dst = src.version == 4 ? server : server6;
    const auto from = static_cast<std::uint16_t>(random());
    const auto to = static_cast<std::uint16_t>(random() % 70);
    const bool is_udp = random() % 2 == 0;
    auto builder = frame().addresses(src, dst);
    one.add(is_udp ? builder.udp(from, to).build() : builder.tcp(from, to).build());
    flows.push_back({.src = src,
                     .dst = dst,
                     .src_port = from,
                     .dst_port = to,
                     .proto = is_udp ? packet::wire::proto_udp : packet::wire::proto_tcp});
  }
  const auto& said = one.finish();
  std::set<unsigned> workers;
  for (std::size_t i = 0; i < flows.size(); ++i) {
    const auto explanation = explain(one.settings(), flows[i], four_workers);
    if (explanation.candidates.empty()) {
      EXPECT_EQ(said[i].reason, Reason::closed_port) << i;
      continue;
    }
    EXPECT_EQ(said[i].binding, explanation.candidates.front().binding->text) << i;
    EXPECT_EQ(said[i].service_name, explanation.candidates.front().service->name) << i;
    EXPECT_EQ(said[i].worker, explanation.worker) << i;
    workers.insert(explanation.worker);
  }
  EXPECT_EQ(workers.size(), 4U);
}

TEST(ReplayBindings, AServiceKeepsToItsWorkers) {
  const auto text =
      device + "[[service]]\nname = \"s\"\nbindings = [\"udp/*\"]\ndeliver = \"count\"\nworkers = [3, 5]\n";
  Town one(text);
  for (std::uint16_t from = 1; from <= 100; ++from) one.add(udp_to(53, from));
  std::set<unsigned> workers;
  for (const auto& verdict : one.finish()) workers.insert(verdict.worker.value());
  EXPECT_THAT(workers, ElementsAre(1, 3));
}

TEST(ReplayBindings, AServiceWhoseWorkersAreNotThereCannotBeReplayed) {
  const auto text = device + "[[service]]\nname = \"s\"\nbindings = [\"udp/*\"]\ndeliver = \"count\"\nworkers = [9]\n";
  EXPECT_THROW(Town(text, {2, 3}), std::runtime_error);
}

TEST(ReplayBindings, OnlyPrefixesNeedEal) {
  EXPECT_FALSE(Replay::needs_eal(settings_of(town)));
  EXPECT_FALSE(Replay::needs_eal(Settings{}));
  const auto with = [](const std::string& binding) {
    return settings_of(device + "[[service]]\nname = \"s\"\ndeliver = \"count\"\nbindings = [\"udp/1\", \"" + binding +
                       "\"]\n");
  };
  EXPECT_TRUE(Replay::needs_eal(with("udp/192.0.2.0/24:53")));
  EXPECT_TRUE(Replay::needs_eal(with("udp/[2001:db8::]:53")));
}

// ---- targets and closed ports ------------------------------------------------------------------------------------

TEST(ReplayTargets, RejectAndDropAreNamedAfterTheService) {
  const auto rejected = verdict_of(tcp_to(22));
  EXPECT_EQ(rejected.outcome, Outcome::rejected);
  EXPECT_EQ(rejected.reason, Reason::service_reject);
  EXPECT_EQ(rejected.service_name, "no");
  EXPECT_EQ(rejected.binding, "tcp/22");
  EXPECT_TRUE(rejected.worker.has_value());
  const auto dropped = verdict_of(tcp_to(23));
  EXPECT_EQ(dropped.outcome, Outcome::dropped);
  EXPECT_EQ(dropped.reason, Reason::service_drop);
  EXPECT_EQ(dropped.service_name, "hole");
}

TEST(ReplayTargets, AClosedPortIsRejectedWhereTheSenderMayBeTold) {
  const auto closed = verdict_of(tcp_to(80));
  EXPECT_EQ(closed.outcome, Outcome::rejected);
  EXPECT_EQ(closed.reason, Reason::closed_port);
  EXPECT_EQ(closed.service_name, "");
  EXPECT_EQ(closed.binding, "");
  EXPECT_FALSE(closed.worker.has_value());

  const auto reset = verdict_of(frame().ipv4(client, server).tcp(4242, 80, packet::wire::tcp_rst).build());
  EXPECT_EQ(reset.outcome, Outcome::dropped) << "a reset is not answered (RFC 9293)";
  EXPECT_EQ(reset.reason, Reason::closed_port);
  const auto all = device + "[[service]]\nname = \"s\"\nbindings = [\"tcp/1\"]\ndeliver = \"count\"\n";
  const auto group = verdict_of(frame().ipv4(client, v4(224, 0, 0, 1)).udp(4242, 80).build(), all);
  EXPECT_EQ(group.outcome, Outcome::dropped) << "a group is not answered for (RFC 1122)";
  EXPECT_EQ(group.reason, Reason::closed_port);
}

TEST(ReplayTargets, ActionDropTellsNobody) {
  const auto closed = verdict_of(tcp_to(80), town + "[closed_ports]\naction = \"drop\"\n");
  EXPECT_EQ(closed.outcome, Outcome::dropped);
  EXPECT_EQ(closed.reason, Reason::closed_port);
}

TEST(ReplayTargets, ActionKernelLeavesThePacketThere) {
  auto text = town + "[closed_ports]\naction = \"kernel\"\n";
  text.replace(text.find("vdev = \"net_null0\""), 18, "interface = \"eth0\"\ndriver = \"af_packet\"");
  Town one(text);
  one.add(tcp_to(80)).add(udp_to(53));
  const auto& said = one.finish();
  EXPECT_EQ(said[0].outcome, Outcome::kernel);
  EXPECT_EQ(said[0].reason, Reason::left_to_kernel);
  EXPECT_EQ(said[1].outcome, Outcome::delivered);
  EXPECT_EQ(one.ledger().dropped[static_cast<std::size_t>(Reason::left_to_kernel)], 1U);
}

TEST(ReplayTargets, OutcomesHaveNames) {
  EXPECT_EQ(to_text(Outcome::delivered), "delivered");
  EXPECT_EQ(to_text(Outcome::dropped), "dropped");
  EXPECT_EQ(to_text(Outcome::rejected), "rejected");
  EXPECT_EQ(to_text(Outcome::kernel), "kernel");
}

// ---- addresses of ours -------------------------------------------------------------------------------------------

const std::string with_addresses = [] {
  auto text = town;
  text.replace(text.find("vdev"), 4, "addresses = [\"192.0.2.1/24\", \"2001:db8::1/64\"]\nvdev");
  return text;
}();

TEST(ReplayAddresses, ClosedPortsOfOthersAreNotForUs) {
  const auto other = verdict_of(frame().ipv4(client, v4(192, 0, 2, 2)).tcp(1, 80).build(), with_addresses);
  EXPECT_EQ(other.reason, Reason::not_for_us);
  EXPECT_EQ(other.outcome, Outcome::dropped) << "others' ports are not ours to refuse";
  EXPECT_EQ(verdict_of(tcp_to(80), with_addresses).reason, Reason::closed_port);
  EXPECT_EQ(verdict_of(tcp_to(80), with_addresses).outcome, Outcome::rejected);
  const auto bound = verdict_of(frame().ipv4(client, v4(192, 0, 2, 2)).udp(1, 53).build(), with_addresses);
  EXPECT_EQ(bound.outcome, Outcome::delivered) << "a binding for any address takes it all the same";
}

TEST(ReplayAddresses, LivenessGoesToTheAnswerService) {
  const Frame asked[] = {frame().arp_request(client, server).build(),
                         frame().neighbor_solicitation(client6, server6).build(),
                         frame().ipv4(client, server).icmp_echo(1, 1).payload(8).build(),
                         frame().ipv6(client6, server6).icmp_echo(1, 1).payload(8).build()};
  for (const auto& question : asked) {
    const auto verdict = verdict_of(question, with_addresses);
    EXPECT_EQ(verdict.outcome, Outcome::delivered);
    EXPECT_EQ(verdict.service_name, "answer");
    EXPECT_EQ(verdict.binding, "");
  }
  EXPECT_EQ(verdict_of(asked[0]).reason, Reason::not_ip) << "without addresses nobody answers";
  EXPECT_EQ(verdict_of(asked[2]).reason, Reason::no_ports);
}

// ---- ICMP errors -------------------------------------------------------------------------------------------------

TEST(ReplayErrors, GoToTheOwnerOfTheQuotedFlowOnItsWorker) {
  Town one;
  for (std::uint16_t from = 1000; from < 1064; ++from) {
    one.add(udp_to(53, from));
    const auto ours = frame().ipv4(server, client).udp(53, from).payload(20).build();
    one.add(frame().ipv4(v4(203, 0, 113, 9), server).icmp_error(3, 1, ours, 28).build());
  }
  const auto& said = one.finish();
  std::set<unsigned> workers;
  for (std::size_t i = 0; i < said.size(); i += 2) {
    const auto& packet = said[i];
    const auto& error = said[i + 1];
    EXPECT_EQ(error.outcome, Outcome::delivered) << error.frame;
    EXPECT_EQ(error.service_name, "dns");
    EXPECT_EQ(error.binding, "udp/53");
    EXPECT_EQ(error.worker, packet.worker) << error.frame;
    ASSERT_TRUE(error.inner.has_value());
    EXPECT_EQ(error.inner->src, server);
    EXPECT_EQ(error.inner->dst, client);
    EXPECT_EQ(error.inner->src_port, 53);
    EXPECT_FALSE(error.facts.ports_known) << "ports of the quote are not the error's";
    workers.insert(packet.worker.value());
  }
  EXPECT_EQ(workers.size(), 4U);
}

TEST(ReplayErrors, OfIPv6GoThereToo) {
  Town one;
  one.add(frame().ipv6(client6, server6).udp(4242, 53).build());
  const auto ours = frame().ipv6(server6, client6).udp(53, 4242).payload(20).build();
  one.add(frame().ipv6(v6(0x20010db8'00000000, 9), server6).icmp_error(1, 4, ours, 48).build());
  const auto& said = one.finish();
  EXPECT_EQ(said[1].service_name, "dns");
  EXPECT_EQ(said[1].binding, "udp/53");
  EXPECT_EQ(said[1].worker, said[0].worker);
}

TEST(ReplayErrors, WithoutAnOwnerAreDroppedQuietly) {
  const auto closed = frame().ipv4(server, client).tcp(80, 4242).build();
  const auto error = verdict_of(frame().ipv4(client, server).icmp_error(3, 3, closed).build());
  EXPECT_EQ(error.reason, Reason::icmp_unowned);
  EXPECT_EQ(error.outcome, Outcome::dropped) << "an error is never answered with an error";
  EXPECT_TRUE(error.inner.has_value());
  const auto cut = verdict_of(frame().ipv4(client, server).icmp_error(3, 3, closed, 6).build());
  EXPECT_EQ(cut.reason, Reason::bad_quote);
  EXPECT_FALSE(cut.inner.has_value());
}

// ---- fragments ---------------------------------------------------------------------------------------------------

const std::string patient = town + "[fragments]\ntimeout_ms = 100\nwaiting = 4\n";

std::vector<Frame> datagram(std::uint32_t id, std::uint16_t port = 53, std::uint16_t from = 4242) {
  return traffic::fragments_of(frame().ipv4(client, server).udp(from, port).payload(200).build(), 64, id);
}

TEST(ReplayFragments, LaterOnesFollowTheirFirst) {
  Town one(patient);
  for (const auto& part : datagram(1)) one.add(part, 5 * ms);
  one.add(udp_to(53), 5 * ms);
  const auto& said = one.finish();
  ASSERT_GE(said.size(), 4U);
  for (const auto& verdict : said) {
    EXPECT_EQ(verdict.outcome, Outcome::delivered);
    EXPECT_EQ(verdict.service_name, "dns");
    EXPECT_EQ(verdict.binding, "udp/53");
    EXPECT_EQ(verdict.worker, said.back().worker) << "as the whole packets of the flow";
  }
}

TEST(ReplayFragments, OneThatComesEarlyHoldsBackVerdictsNotPackets) {
  Town one(patient);
  const auto parts = datagram(2);
  one.add(parts[1], 0).add(udp_to(1000), 1 * ms).add(tcp_to(80), 2 * ms);
  EXPECT_TRUE(one.said().empty()) << "frame 1 is not decided yet";
  one.add(parts[0], 3 * ms);
  EXPECT_EQ(one.said().size(), 4U);
  one.add(parts[2], 4 * ms);
  const auto& said = one.finish();
  EXPECT_EQ(said[0].facts.fragment, packet::Fragment::later);
  EXPECT_EQ(said[3].facts.fragment, packet::Fragment::first);
  EXPECT_EQ(said[0].outcome, Outcome::delivered);
  EXPECT_EQ(said[0].service_name, said[3].service_name);
  EXPECT_EQ(said[0].binding, "udp/53");
  EXPECT_EQ(said[0].worker, said[3].worker);
  EXPECT_EQ(said[1].binding, "udp/*");
  EXPECT_EQ(said[2].reason, Reason::closed_port);
  EXPECT_EQ(said[4].worker, said[3].worker);
}

TEST(ReplayFragments, ManyDatagramsBackwardsAllFindTheirFirst) {
  Town one(town);
  std::vector<std::pair<std::size_t, std::size_t>> groups;  // frames of a datagram
  std::size_t frames = 0;
  for (std::uint32_t id = 0; id < 200; ++id) {
    const auto parts = datagram(id, static_cast<std::uint16_t>(50 + id % 20), static_cast<std::uint16_t>(2000 + id));
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) one.add(*part, id * 1000);
    groups.emplace_back(frames, frames + parts.size());
    frames += parts.size();
  }
  const auto& said = one.finish();
  ASSERT_EQ(said.size(), frames);
  for (const auto& [begin, end] : groups) {
    const auto& first = said[end - 1];
    EXPECT_EQ(first.facts.fragment, packet::Fragment::first);
    for (auto i = begin; i < end; ++i) {
      EXPECT_EQ(said[i].outcome, Outcome::delivered) << i;
      EXPECT_EQ(said[i].service, first.service) << i;
      EXPECT_EQ(said[i].binding, first.binding) << i;
      EXPECT_EQ(said[i].worker, first.worker) << i;
    }
  }
}

TEST(ReplayFragments, WaitAsLongAsTheCapturesTimeSays) {
  Town one(patient);
  const auto parts = datagram(3);
  one.add(parts[1], 1000 * ms).add(udp_to(53), 1100 * ms - 1);
  EXPECT_TRUE(one.said().empty()) << "its deadline has not come";
  one.add(udp_to(53), 1100 * ms);
  EXPECT_EQ(one.said().size(), 3U) << "its deadline has";
  one.add(parts[0], 1101 * ms).add(parts[2], 1102 * ms);
  const auto& said = one.finish();
  EXPECT_EQ(said[0].reason, Reason::fragment_timeout);
  EXPECT_EQ(said[0].outcome, Outcome::dropped);
  EXPECT_FALSE(said[0].worker.has_value());
  EXPECT_EQ(said[3].outcome, Outcome::delivered);
  EXPECT_EQ(said[4].outcome, Outcome::delivered);
}

TEST(ReplayFragments, AFirstOneIsForgottenAtItsDeadline) {
  Town one(patient);
  const auto parts = datagram(4);
  one.add(parts[0], 0).add(parts[1], 100 * ms - 1).add(parts[2], 100 * ms);
  const auto& said = one.finish();
  EXPECT_EQ(said[1].outcome, Outcome::delivered);
  EXPECT_EQ(said[2].reason, Reason::fragment_timeout) << "waits for another first one until the capture ends";
}

TEST(ReplayFragments, AreGivenUpWhenTheCaptureEnds) {
  Town one(patient);
  one.add(datagram(5)[1], 0).add(udp_to(53), 1);
  EXPECT_TRUE(one.said().empty());
  const auto& said = one.finish();
  EXPECT_EQ(said[0].reason, Reason::fragment_timeout);
  EXPECT_EQ(said[1].outcome, Outcome::delivered);
}

TEST(ReplayFragments, FindTheWaitingRoomFull) {
  Town one(patient);
  for (std::uint32_t id = 0; id < 5; ++id) one.add(datagram(10 + id)[1], 0);
  const auto& said = one.finish();
  std::vector<Reason> reasons;
  for (const auto& verdict : said) reasons.push_back(verdict.reason);
  EXPECT_THAT(reasons, ElementsAre(Reason::fragment_timeout, Reason::fragment_timeout, Reason::fragment_timeout,
                                   Reason::fragment_timeout, Reason::fragment_no_room));
}

TEST(ReplayFragments, FirstOnesThatContradictEachOtherDoNotCount) {
  Town one(patient);
  one.add(datagram(6, 53)[0], 0).add(datagram(6, 1000)[0], 1).add(datagram(6, 53)[1], 2);
  const auto& said = one.finish();
  EXPECT_EQ(said[0].outcome, Outcome::delivered);
  EXPECT_EQ(said[1].reason, Reason::fragment_conflict);
  EXPECT_EQ(said[2].service_name, "dns");
}

TEST(ReplayFragments, OfAClosedPortAreClosedToo) {
  const auto all = device + "[[service]]\nname = \"s\"\nbindings = [\"tcp/1\"]\ndeliver = \"count\"\n";
  for (const bool is_early : {false, true}) {
    Town one(all);
    const auto parts = datagram(7);
    one.add(parts[is_early ? 1 : 0]).add(parts[is_early ? 0 : 1]);
    for (const auto& verdict : one.finish()) {
      EXPECT_EQ(verdict.reason, Reason::closed_port) << verdict.frame << (is_early ? " early" : "");
      EXPECT_EQ(verdict.service_name, "");
    }
  }
}

// ---- whole captures ----------------------------------------------------------------------------------------------

TEST(ReplayCapture, OfAnotherLinkTypeIsUnsupportedNotParsed) {
  Town one;
  one.add(udp_to(53), 0, 101).add(udp_to(53), 0, 1);
  const auto& said = one.finish();
  EXPECT_EQ(said[0].reason, Reason::unsupported_link);
  EXPECT_EQ(said[0].facts.ip_version, 0);
  EXPECT_EQ(said[0].src.version, 0);
  EXPECT_EQ(said[0].service_name, "");
  EXPECT_EQ(said[1].outcome, Outcome::delivered);
}

TEST(ReplayCapture, TakesEmptyAndBrokenFrames) {
  Town one;
  one.add({}).add({0}).add(frame().ipv4(client, server).udp(1, 53).ihl(4).build());
  const auto& said = one.finish();
  EXPECT_EQ(said[0].reason, Reason::truncated_ethernet);
  EXPECT_EQ(said[1].reason, Reason::truncated_ethernet);
  EXPECT_EQ(said[2].reason, Reason::bad_ihl);
  EXPECT_EQ(said[2].facts.reason, Reason::bad_ihl);
}

TEST(ReplayCapture, AFrameThatNoRingTakesIsDroppedAsSuch) {
  const auto settings = settings_of(town);
  std::vector<FrameVerdict> said;
  Replay replay(settings, four_workers, [&](const FrameVerdict& verdict) { said.push_back(verdict); });
  const auto jumbo = frame().ipv4(client, server).udp(1, 53).payload(9700).build();
  replay.add({.bytes = jumbo, .wire_length = static_cast<std::uint32_t>(jumbo.size()), .time_ns = 0, .link_type = 1});
  replay.finish();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].reason, Reason::frame_too_long);
  EXPECT_EQ(said[0].service_name, "dns");
  EXPECT_TRUE(replay.ledger().adds_up());
}

TEST(ReplayCapture, WithoutSettingsEveryPortIsClosed) {
  std::vector<FrameVerdict> said;
  Replay replay({}, {0}, [&](const FrameVerdict& verdict) { said.push_back(verdict); });
  const auto bytes = udp_to(53);
  replay.add({.bytes = bytes, .wire_length = static_cast<std::uint32_t>(bytes.size()), .time_ns = 0, .link_type = 1});
  replay.finish();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].reason, Reason::closed_port);
  EXPECT_EQ(said[0].outcome, Outcome::rejected);
}

TEST(ReplayCapture, AMixOfEverythingIsAccountedFor) {
  traffic::MixSettings mix_settings;
  mix_settings.seed = 5;
  mix_settings.closed_share = 0.2;
  mix_settings.fragment_share = 0.2;
  mix_settings.malformed_share = 0.2;
  mix_settings.pool_frames = 4000;
  const std::vector<traffic::Destination> destinations{
      {.dst4 = server, .dst6 = server6, .proto = packet::wire::proto_udp, .port = 53},
      {.dst4 = server, .dst6 = server6, .proto = packet::wire::proto_tcp, .port = 53},
      {.dst4 = server, .dst6 = server6, .proto = packet::wire::proto_tcp, .port = 22},
      {.dst4 = server, .dst6 = server6, .proto = packet::wire::proto_tcp, .port = 23}};
  const traffic::Mix mix(mix_settings, destinations, traffic::closed_ports_except(destinations));
  Town one;
  std::uint64_t time = 0;
  for (const auto& made : mix.pool()) one.add(made.bytes, time += 1000);
  const auto& said = one.finish();

  std::array<std::uint64_t, packet::reason_count> by_reason{};
  for (std::size_t i = 0; i < said.size(); ++i) {
    by_reason[static_cast<std::size_t>(said[i].reason)] += 1;
    if (mix.pool()[i].content != traffic::Content::open) continue;
    EXPECT_FALSE(said[i].service_name.empty()) << "frame " << said[i].frame << " is bound";
  }
  const auto ledger = one.ledger();
  by_reason[0] = 0;  // delivered
  EXPECT_EQ(ledger.dropped, by_reason) << "the ledger counts what the verdicts say";
  for (const auto reason : {Reason::closed_port, Reason::service_drop, Reason::service_reject, Reason::bad_length}) {
    EXPECT_NE(by_reason[static_cast<std::size_t>(reason)], 0U) << packet::text_of(reason).name;
  }
}

}  // namespace
}  // namespace portier::control
