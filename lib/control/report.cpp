/// Lays out tables and JSON.
#include "control/report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace portier::control {

namespace {

using Json = nlohmann::ordered_json;

Json drops_json(const DropCounts& dropped) {
  Json object = Json::object();
  for (std::size_t r = 1; r < dropped.size(); ++r) {
    if (dropped[r] != 0) object[std::string(packet::reason_texts[r].name)] = dropped[r];
  }
  return object;
}

Json latency_json(const LatencyNs& latency) {
  return {{"p50", latency.p50}, {"p99", latency.p99}, {"p99.9", latency.p999}};
}

/// What both the table and the ledger say of a service.
Json account_json(const ServiceAccount& account) {
  return {{"service", account.name},
          {"ports", account.ports},
          {"category", account.category},
          {"in", account.in},
          {"delivered", account.delivered}};
}

Json chains_json(const Ledger& ledger) {
  Json chains = Json::array();
  for (const auto& chain : ledger.chains) {
    chains.push_back({{"service", chain.service},
                      {"in_charge", chain.in_charge.empty() ? Json(nullptr) : Json(chain.in_charge)},
                      {"changes", chain.changes}});
  }
  return chains;
}

Json mailboxes_json(const Ledger& ledger) {
  Json mailboxes = Json::array();
  for (const auto& mailbox : ledger.mailboxes) {
    mailboxes.push_back({{"mailbox", mailbox.name},
                         {"processes", mailbox.processes},
                         {"waiting", mailbox.waiting},
                         {"taken", mailbox.taken},
                         {"refused_answers", mailbox.refused_answers}});
  }
  return mailboxes;
}

Json cores_json(const std::vector<CoreAccount>& cores) {
  Json list = Json::array();
  for (const auto& core : cores) {
    list.push_back(
        {{"cpu", core.cpu}, {"role", core.role}, {"longest_turn_us", static_cast<double>(core.longest_turn_ns) / 1e3}});
  }
  return list;
}

std::string time_text(std::uint64_t ns) {
  if (ns == 0) return "-";
  if (ns < 10'000) return fmt::format("{:.2f} us", static_cast<double>(ns) / 1e3);
  if (ns < 1'000'000) return fmt::format("{:.0f} us", static_cast<double>(ns) / 1e3);
  return fmt::format("{:.1f} ms", static_cast<double>(ns) / 1e6);
}

std::string grouped(std::uint64_t value) {
  std::string digits = std::to_string(value);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string shortened(const std::string& text, std::size_t width) {
  return text.size() <= width ? text : text.substr(0, width - 1) + "~";
}

/// What is worth a row: named services, and the built-in ones once something came for them.
bool has_row(const ServiceAccount& account) { return !account.ports.empty() || account.in != 0; }

const ServiceAccount* earlier(const Interval& interval, std::size_t id) {
  return id < interval.before.services.size() ? &interval.before.services[id] : nullptr;
}

LatencyNs latency_in(const Interval& interval, std::size_t id) {
  const auto* before = earlier(interval, id);
  const auto& now = interval.now.services[id].latency_counts;
  return latency_between(before == nullptr ? std::vector<std::uint64_t>{} : before->latency_counts, now,
                         interval.tsc_hz);
}

double mpps(std::uint64_t packets, double seconds) {
  return seconds > 0 ? static_cast<double>(packets) / seconds / 1e6 : 0;
}

double mpps_in(const Interval& interval, std::size_t id) {
  const auto* before = earlier(interval, id);
  const auto delivered = interval.now.services[id].delivered - (before == nullptr ? 0 : before->delivered);
  return mpps(delivered, interval.seconds);
}

}  // namespace

std::string table_text(const Interval& interval) {
  const auto& now = interval.now;
  auto text = fmt::format("{:>6.0f} s   received {:.3f} Mpps   delivered {:.3f} Mpps   dropped {}   in flight {}\n",
                          interval.since_start, mpps(now.received - interval.before.received, interval.seconds),
                          mpps(now.delivered - interval.before.delivered, interval.seconds),
                          grouped(now.dropped_total()), grouped(now.in_flight));
  text += fmt::format("{:<14} {:<26} {:<10} {:>13} {:>13} {:>10} {:>7} {:>9} {:>9} {:>9}\n", "service", "ports",
                      "category", "in", "delivered", "dropped", "Mpps", "p50", "p99", "p99.9");
  for (std::size_t id = 0; id < now.services.size(); ++id) {
    const auto& account = now.services[id];
    if (!has_row(account)) continue;
    const auto latency = latency_in(interval, id);
    text +=
        fmt::format("{:<14} {:<26} {:<10} {:>13} {:>13} {:>10} {:>7.3f} {:>9} {:>9} {:>9}\n",
                    shortened(id == 0 ? "(no service)" : account.name, 14), shortened(account.ports, 26),
                    account.category, grouped(account.in), grouped(account.delivered), grouped(account.dropped_total()),
                    mpps_in(interval, id), time_text(latency.p50), time_text(latency.p99), time_text(latency.p999));
  }
  return text;
}

std::string table_json(const Interval& interval) {
  const auto& now = interval.now;
  Json services = Json::array();
  for (std::size_t id = 0; id < now.services.size(); ++id) {
    const auto& account = now.services[id];
    if (!has_row(account)) continue;
    auto service = account_json(account);
    service["dropped"] = account.dropped_total();
    service["mpps"] = mpps_in(interval, id);
    service["latency_ns"] = latency_json(latency_in(interval, id));
    services.push_back(std::move(service));
  }
  const Json line = {{"seconds", interval.since_start},
                     {"received", now.received},
                     {"delivered", now.delivered},
                     {"dropped", now.dropped_total()},
                     {"in_flight", now.in_flight},
                     {"mpps", mpps(now.received - interval.before.received, interval.seconds)},
                     {"services", services}};
  return line.dump();
}

std::string ledger_summary_text(const Ledger& ledger) {
  auto text =
      fmt::format("ledger\n{:>16}  received\n{:>16}  delivered\n", grouped(ledger.received), grouped(ledger.delivered));
  for (std::size_t r = 1; r < ledger.dropped.size(); ++r) {
    if (ledger.dropped[r] == 0) continue;
    const auto& reason = packet::reason_texts[r];
    text += fmt::format("{:>16}  dropped, {}: {}\n", grouped(ledger.dropped[r]), reason.name, reason.sentence);
  }
  text += fmt::format("{:>16}  in flight\n", grouped(ledger.in_flight));
  const auto accounted = ledger.delivered + ledger.dropped_total() + ledger.in_flight;
  text += ledger.adds_up()
              ? "                  adds up: received = delivered + dropped + in flight\n"
              : fmt::format("                  DOES NOT ADD UP: {} are accounted for\n", grouped(accounted));
  text += fmt::format("{:>16}  answers sent", grouped(ledger.replied));
  if (ledger.tx_full != 0) text += fmt::format("; {} not taken by a device", grouped(ledger.tx_full));
  if (ledger.no_buffer != 0) text += fmt::format("; {} not made for want of a buffer", grouped(ledger.no_buffer));
  text += "\n";
  for (const auto& core : ledger.cores) {
    text += fmt::format("{:>16}  longest turn of CPU {}, {}\n", time_text(core.longest_turn_ns), core.cpu, core.role);
  }
  if (ledger.stuck_calls != 0) {
    text += fmt::format("{:>16}  handler calls took longer than router.watchdog_ms\n", grouped(ledger.stuck_calls));
  }
  return text;
}

std::string mailboxes_text(const Ledger& ledger) {
  if (ledger.mailboxes.empty()) return "";
  auto text = fmt::format("\n{:<20} {:>9} {:>13} {:>10} {:>16}\n", "mailbox", "processes", "taken", "waiting",
                          "refused answers");
  for (const auto& mailbox : ledger.mailboxes) {
    text += fmt::format("{:<20} {:>9} {:>13} {:>10} {:>16}\n", shortened(mailbox.name, 20), mailbox.processes,
                        grouped(mailbox.taken), grouped(mailbox.waiting), grouped(mailbox.refused_answers));
  }
  return text;
}

std::string ledger_text(const Ledger& ledger, double seconds, double tsc_hz) {
  const Ledger nothing;
  const auto table =
      table_text({.before = nothing, .now = ledger, .seconds = seconds, .since_start = seconds, .tsc_hz = tsc_hz});
  return ledger_summary_text(ledger) + "\nthe whole run\n" + table.substr(table.find('\n') + 1) +
         mailboxes_text(ledger);
}

std::string ledger_json(const Ledger& ledger, const MbufCensus* mbufs, double tsc_hz) {
  Json services = Json::array();
  for (std::size_t id = 0; id < ledger.services.size(); ++id) {
    const auto& account = ledger.services[id];
    if (!has_row(account)) continue;
    auto service = account_json(account);
    service["delivered_bytes"] = account.delivered_bytes;
    service["dropped"] = drops_json(account.dropped);
    service["latency_ns"] = latency_json(latency_between({}, account.latency_counts, tsc_hz));
    services.push_back(std::move(service));
  }
  Json line;
  line["ledger"] = {{"received", ledger.received},
                    {"delivered", ledger.delivered},
                    {"replied", ledger.replied},
                    {"dropped", drops_json(ledger.dropped)},
                    {"in_flight", ledger.in_flight}};
  line["services"] = services;
  line["adds_up"] = ledger.adds_up();
  line["unsent"] = {{"tx_full", ledger.tx_full}, {"no_buffer", ledger.no_buffer}};
  line["handler_faults"] = ledger.handler_faults;
  line["stuck_calls"] = ledger.stuck_calls;
  line["cores"] = cores_json(ledger.cores);
  if (!ledger.chains.empty()) line["chains"] = chains_json(ledger);
  if (!ledger.mailboxes.empty()) line["mailboxes"] = mailboxes_json(ledger);
  if (mbufs != nullptr)
    line["mbufs"] = {{"total", mbufs->total}, {"leaked", mbufs->leaked()}, {"uncounted", mbufs->uncounted}};
  return line.dump();
}

}  // namespace portier::control
