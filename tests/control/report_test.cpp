/// Reports: the table's columns, and the keys that scripts rely on.
#include "control/report.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace portier::control {
namespace {

using Json = nlohmann::ordered_json;
using packet::Reason;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::size_t at(Reason reason) { return static_cast<std::size_t>(reason); }

ServiceAccount account(const std::string& name, const std::string& ports, std::uint64_t delivered) {
  ServiceAccount made;
  made.name = name;
  made.ports = ports;
  made.category = ports.empty() ? "" : "well-known";
  made.in = made.delivered = delivered;
  made.delivered_bytes = 60 * delivered;
  if (delivered != 0) {
    made.latency_counts.assign(crosscore::histogram_buckets, 0);
    made.latency_counts[crosscore::histogram_bucket(100)] = delivered;  // 1600 ticks
  }
  return made;
}

/// Two services, a closed port, a ledger that adds up.
Ledger sample() {
  Ledger ledger;
  ledger.services = {account("closed", "", 0), account("answer", "", 0), account("dns", "udp/53", 1'234'567),
                     account("web", "tcp/80 tcp/443 tcp/8080-8089 tcp/8443", 0)};
  auto& closed = ledger.services[0];
  closed.in = 7;
  closed.dropped[at(Reason::closed_port)] = 5;
  closed.dropped[at(Reason::bad_ihl)] = 2;
  auto& dns = ledger.services[2];
  dns.in += 3;
  dns.dropped[at(Reason::ring_full)] = 3;
  ledger.delivered = 1'234'567;
  ledger.dropped[at(Reason::closed_port)] = 5;
  ledger.dropped[at(Reason::bad_ihl)] = 2;
  ledger.dropped[at(Reason::ring_full)] = 3;
  ledger.received = ledger.delivered + 10;
  ledger.replied = 4;
  return ledger;
}

std::string table_of(const Ledger& before, const Ledger& now) {
  return table_text({.before = before, .now = now, .seconds = 2, .since_start = 12, .tsc_hz = 1e9});
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

std::vector<std::string> words_of(const std::string& line) {
  std::istringstream in(line);
  return {std::istream_iterator<std::string>(in), {}};
}

TEST(Table, HasAHeadAColumnLineAndARowForEachService) {
  const auto lines = lines_of(table_of({}, sample()));
  ASSERT_EQ(lines.size(), 5U);
  EXPECT_THAT(lines[0], HasSubstr("12 s"));
  EXPECT_THAT(lines[0], HasSubstr("received 0.617 Mpps"));
  EXPECT_THAT(lines[0], HasSubstr("delivered 0.617 Mpps"));
  EXPECT_THAT(lines[0], HasSubstr("dropped 10"));
  EXPECT_THAT(lines[0], HasSubstr("in flight 0"));
  EXPECT_THAT(words_of(lines[1]),
              ElementsAre("service", "ports", "category", "in", "delivered", "dropped", "Mpps", "p50", "p99", "p99.9"));
  EXPECT_THAT(lines[2], testing::StartsWith("("));
  EXPECT_THAT(lines[3], testing::StartsWith("dns"));
  EXPECT_THAT(lines[4], testing::StartsWith("web"));
}

TEST(Table, EndsEachColumnWhereItsHeadDoes) {
  const auto lines = lines_of(table_of({}, sample()));
  ASSERT_EQ(lines.size(), 5U);
  const auto end_of = [&](const std::string& head) { return lines[1].find(" " + head) + 1 + head.size(); };
  const auto cell = [&](const std::string& line, const std::string& head) {
    const auto text = line.substr(0, end_of(head));
    return text.substr(text.rfind(' ', text.size() - 1) + 1);
  };
  EXPECT_EQ(cell(lines[3], "in"), "1,234,570");
  EXPECT_EQ(cell(lines[3], "delivered"), "1,234,567");
  EXPECT_EQ(cell(lines[3], "dropped"), "3");
  EXPECT_EQ(cell(lines[3], "Mpps"), "0.617");
  EXPECT_EQ(cell(lines[2], "in"), "7");
  EXPECT_EQ(cell(lines[2], "dropped"), "7");
  EXPECT_EQ(cell(lines[4], "p50"), "-");
  EXPECT_EQ(cell(lines[4], "p99.9"), "-");
  const auto ports = lines[1].find("ports");
  EXPECT_EQ(lines[3].substr(ports, 7), "udp/53 ");
  const auto category = lines[1].find("category");
  EXPECT_EQ(lines[4].substr(category - 2, 2), "~ ") << "too many ports to show are cut, and say so";
  EXPECT_EQ(lines[4].substr(category, 10), "well-known");
  for (const auto& line : lines) EXPECT_LE(line.size(), lines[1].size());
}

TEST(Table, ShowsTheIntervalsRateAndTheRunsCounts) {
  const auto before = sample();
  auto now = sample();
  now.received += 2'000'000;
  now.delivered += 2'000'000;
  now.services[2].delivered += 2'000'000;
  now.services[2].in += 2'000'000;
  now.services[2].latency_counts[crosscore::histogram_bucket(1000)] += 2'000'000;  // 16,000 ticks
  const auto lines = lines_of(table_of(before, now));
  EXPECT_THAT(lines[0], HasSubstr("received 1.000 Mpps"));
  EXPECT_THAT(lines[3], HasSubstr("3,234,567"));
  EXPECT_THAT(lines[3], HasSubstr(" 1.000 "));
  EXPECT_THAT(lines[3], HasSubstr("16 us")) << "the old, shorter latencies are not in it";
  EXPECT_THAT(lines[3], Not(HasSubstr("1.6")));
}

TEST(Table, HasNoRowForBuiltInServicesThatGotNothing) {
  auto ledger = sample();
  ledger.services[0] = account("closed", "", 0);
  const auto text = table_of({}, ledger);
  EXPECT_THAT(text, Not(HasSubstr("answer")));
  EXPECT_EQ(lines_of(text).size(), 4U);
  ledger.services[1].in = 1;
  EXPECT_THAT(table_of({}, ledger), HasSubstr("answer"));
}

TEST(Table, TimesHaveAUnitThatFits) {
  const auto row = [](std::uint32_t units) {
    Ledger ledger;
    ledger.services = {account("closed", "", 0), account("answer", "", 0), account("dns", "udp/53", 1)};
    auto& counts = ledger.services[2].latency_counts;
    counts.assign(crosscore::histogram_buckets, 0);
    counts[crosscore::histogram_bucket(units)] = 1;
    return lines_of(table_of({}, ledger)).back();
  };
  EXPECT_THAT(row(20), HasSubstr(" 0.3"));
  EXPECT_THAT(row(20), HasSubstr(" us"));
  EXPECT_THAT(row(10'000), testing::ContainsRegex(" 16[0-9] us"));
  EXPECT_THAT(row(10'000'000), testing::ContainsRegex(" 16[0-9]\\.[0-9] ms"));
}

TEST(TableJson, IsOneLineWithItsKeys) {
  const Ledger nothing;
  const auto now = sample();
  const auto text = table_json({.before = nothing, .now = now, .seconds = 2, .since_start = 12, .tsc_hz = 1e9});
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = Json::parse(text);
  EXPECT_THAT(keys_of(json),
              ElementsAre("seconds", "received", "delivered", "dropped", "in_flight", "mpps", "services"));
  EXPECT_EQ(json["seconds"], 12);
  EXPECT_EQ(json["received"], now.received);
  EXPECT_EQ(json["dropped"], 10);
  ASSERT_EQ(json["services"].size(), 3U);
  for (const auto& service : json["services"]) {
    EXPECT_THAT(keys_of(service),
                ElementsAre("service", "ports", "category", "in", "delivered", "dropped", "mpps", "latency_ns"));
    EXPECT_THAT(keys_of(service["latency_ns"]), ElementsAre("p50", "p99", "p99.9"));
  }
  EXPECT_NEAR(json["services"][1]["mpps"].get<double>(), 0.617, 0.001);
  EXPECT_GE(json["services"][1]["latency_ns"]["p50"], 1600);
}

TEST(LedgerJson, KeepsItsContract) {
  const MbufCensus mbufs{.total = 4096, .available = 4095, .uncounted = 12};
  const auto text = ledger_json(sample(), &mbufs, 1e9);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = Json::parse(text);
  EXPECT_THAT(keys_of(json), ElementsAre("ledger", "services", "adds_up", "unsent", "handler_faults", "stuck_calls",
                                         "cores", "mbufs"));
  EXPECT_THAT(keys_of(json["ledger"]), ElementsAre("received", "delivered", "replied", "dropped", "in_flight"));
  EXPECT_EQ(json["ledger"]["received"], 1'234'577);
  EXPECT_EQ(json["ledger"]["delivered"], 1'234'567);
  EXPECT_EQ(json["ledger"]["replied"], 4);
  EXPECT_EQ(json["ledger"]["in_flight"], 0);
  EXPECT_THAT(keys_of(json["ledger"]["dropped"]), ElementsAre("bad_ihl", "closed_port", "ring_full"))
      << "reasons that occurred, no others, in the order of the packet's way";
  EXPECT_EQ(json["adds_up"], true);
  EXPECT_THAT(keys_of(json["unsent"]), ElementsAre("tx_full", "no_buffer"));
  EXPECT_EQ(json["mbufs"]["leaked"], 1);
  EXPECT_EQ(json["mbufs"]["uncounted"], 12);
}

TEST(LedgerJson, HasTheLongestTurnOfEachCore) {
  auto ledger = sample();
  ledger.stuck_calls = 2;
  ledger.cores = {{.cpu = 4, .role = "rx", .longest_turn_ns = 1500}, {.cpu = 5, .role = "worker"}};
  const auto json = Json::parse(ledger_json(ledger, nullptr, 1e9));
  EXPECT_EQ(json["stuck_calls"], 2);
  ASSERT_EQ(json["cores"].size(), 2U);
  EXPECT_THAT(keys_of(json["cores"][0]), ElementsAre("cpu", "role", "longest_turn_us"));
  EXPECT_EQ(json["cores"][0]["cpu"], 4);
  EXPECT_EQ(json["cores"][0]["role"], "rx");
  EXPECT_DOUBLE_EQ(json["cores"][0]["longest_turn_us"].get<double>(), 1.5);
  EXPECT_EQ(json["cores"][1]["role"], "worker");
}

TEST(LedgerJson, ServicesAddUpToTheWhole) {
  const auto json = Json::parse(ledger_json(sample(), nullptr, 1e9));
  EXPECT_FALSE(json.contains("mbufs")) << "not counted";
  std::uint64_t in = 0;
  std::uint64_t delivered = 0;
  std::map<std::string, std::uint64_t> dropped;
  for (const auto& service : json["services"]) {
    EXPECT_THAT(keys_of(service), ElementsAre("service", "ports", "category", "in", "delivered", "delivered_bytes",
                                              "dropped", "latency_ns"));
    in += service["in"].get<std::uint64_t>();
    delivered += service["delivered"].get<std::uint64_t>();
    for (const auto& [reason, count] : service["dropped"].items()) dropped[reason] += count.get<std::uint64_t>();
  }
  EXPECT_EQ(in, json["ledger"]["received"]);
  EXPECT_EQ(delivered, json["ledger"]["delivered"]);
  EXPECT_EQ(Json(dropped), Json(json["ledger"]["dropped"].get<std::map<std::string, std::uint64_t>>()));
}

TEST(LedgerJson, SaysWhenItDoesNotAddUp) {
  auto ledger = sample();
  ledger.received += 1;
  EXPECT_EQ(Json::parse(ledger_json(ledger, nullptr, 1e9))["adds_up"], false);
  EXPECT_THAT(ledger_summary_text(ledger), HasSubstr("DOES NOT ADD UP: 1,234,577 are accounted for"));
}

TEST(LedgerText, HasASentenceForEachReasonThatOccurred) {
  const auto text = ledger_summary_text(sample());
  EXPECT_THAT(text, HasSubstr("1,234,577  received\n"));
  EXPECT_THAT(text, HasSubstr("1,234,567  delivered\n"));
  for (const auto reason : {Reason::closed_port, Reason::bad_ihl, Reason::ring_full}) {
    const auto& words = packet::text_of(reason);
    EXPECT_THAT(text, HasSubstr("dropped, " + std::string(words.name) + ": " + std::string(words.sentence)));
  }
  EXPECT_THAT(text, Not(HasSubstr("not_ip")));
  EXPECT_THAT(text, HasSubstr("adds up"));
  EXPECT_THAT(text, Not(HasSubstr("DOES NOT")));
  EXPECT_THAT(text, HasSubstr("4  answers sent\n"));
}

TEST(LedgerText, NamesAnswersThatWereLost) {
  auto ledger = sample();
  ledger.tx_full = 11;
  ledger.no_buffer = 12;
  const auto text = ledger_summary_text(ledger);
  EXPECT_THAT(text, HasSubstr("11 not taken by a device"));
  EXPECT_THAT(text, HasSubstr("12 not made for want of a buffer"));
}

TEST(LedgerText, NamesLongTurnsAndCallsThatWereStuck) {
  auto ledger = sample();
  EXPECT_THAT(ledger_summary_text(ledger), Not(HasSubstr("longe")));
  ledger.cores = {{.cpu = 4, .role = "rx", .longest_turn_ns = 1500},
                  {.cpu = 5, .role = "worker", .longest_turn_ns = 2'300'000'000}};
  ledger.stuck_calls = 1;
  const auto text = ledger_summary_text(ledger);
  EXPECT_THAT(text, HasSubstr(" 1.50 us  longest turn of CPU 4, rx\n"));
  EXPECT_THAT(text, HasSubstr(" 2300.0 ms  longest turn of CPU 5, worker\n"));
  EXPECT_THAT(text, HasSubstr(" 1  handler calls took longer than router.watchdog_ms\n"));
}

TEST(LedgerText, OfARunHasTheServicesToo) {
  const auto text = ledger_text(sample(), 10, 1e9);
  EXPECT_THAT(text, HasSubstr("the whole run\nservice "));
  EXPECT_THAT(text, HasSubstr("\ndns "));
  EXPECT_THAT(text, HasSubstr("\nweb "));
}

}  // namespace
}  // namespace portier::control
