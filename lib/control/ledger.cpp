/// Reads every core's counters once and adds them.
#include "control/ledger.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "table/binding.hpp"

namespace portier::control {

namespace {

std::uint64_t sum(const DropCounts& counts) { return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}); }

std::vector<std::uint64_t> latency_counts(std::span<const datapath::CoreCounters* const> cores, std::size_t service) {
  std::vector<std::uint64_t> counts(crosscore::histogram_buckets);
  for (const auto* core : cores) {
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
      counts[bucket] += core->latency.count(service, bucket);
    }
  }
  return counts;
}

/// Packets of a service that have ended on a core.
std::uint64_t ended(const datapath::CoreCounters& core, std::size_t service) {
  auto packets = core.delivered[service].packets.value();
  for (const auto& count : core.dropped[service]) packets += count.value();
  return packets;
}

}  // namespace

std::uint64_t ServiceAccount::dropped_total() const { return sum(dropped); }
std::uint64_t Ledger::dropped_total() const { return sum(dropped); }

/// A bucket is 6 % wide and stands for its upper end.
LatencyNs latency_between(std::span<const std::uint64_t> before, std::span<const std::uint64_t> now, double tsc_hz) {
  std::vector<std::uint64_t> counts(now.begin(), now.end());
  for (std::size_t bucket = 0; bucket < before.size() && bucket < counts.size(); ++bucket)
    counts[bucket] -= before[bucket];
  const auto total = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  const auto percentile = [&](double share) -> std::uint64_t {
    const auto rank = static_cast<std::uint64_t>(share * static_cast<double>(total));
    std::uint64_t seen = 0;
    for (std::size_t bucket = 0; bucket < counts.size(); ++bucket) {
      seen += counts[bucket];
      if (seen > rank) {
        const auto last_tick = (crosscore::histogram_upper(bucket) + 1) * 16 - 1;
        return static_cast<std::uint64_t>(std::ceil(static_cast<double>(last_tick) * 1e9 / tsc_hz));
      }
    }
    return 0;
  };
  return {.p50 = percentile(0.5), .p99 = percentile(0.99), .p999 = percentile(0.999)};
}

Ledger take_ledger(std::span<const datapath::CoreCounters* const> cores, std::span<const ServiceLabel> labels) {
  Ledger ledger;
  std::uint64_t handed = 0;
  std::uint64_t taken = 0;
  std::uint64_t dropped_before = 0;
  // Consumers before producers: a packet that moves while we read is seen too late rather than too early.
  for (const auto* core : cores) taken += core->taken.value();
  ledger.services.resize(labels.size());
  for (std::size_t id = 0; id < labels.size(); ++id) {
    auto& account = ledger.services[id];
    account.name = labels[id].name;
    account.ports = labels[id].ports;
    account.category = labels[id].category;
    for (const auto* core : cores) {
      if (!core->ends_packets) account.in += core->in[id].value();
      account.delivered += core->delivered[id].packets.value();
      account.delivered_bytes += core->delivered[id].bytes.value();
      for (std::size_t r = 0; r < packet::reason_count; ++r) account.dropped[r] += core->dropped[id][r].value();
      if (core->ends_packets) account.in += ended(*core, id);
    }
    ledger.delivered += account.delivered;
    for (std::size_t r = 0; r < packet::reason_count; ++r) ledger.dropped[r] += account.dropped[r];
    if (account.in != 0) account.latency_counts = latency_counts(cores, id);
  }
  for (const auto* core : cores) {
    dropped_before += core->dropped_before_rings.value();
    handed += core->handed_off.value();
    ledger.received += core->received.packets.value();
    ledger.received_bytes += core->received.bytes.value();
    ledger.replied += core->replied.value();
    ledger.tx_full += core->tx_full.value();
    ledger.no_buffer += core->no_buffer.value();
    ledger.handler_faults += core->faults.value();
  }
  // In flight on its own account: taken in and neither dropped nor handed off yet, and handed off but not taken out.
  const auto waiting = ledger.received - std::min(ledger.received, dropped_before + handed);
  ledger.in_flight = waiting + (handed - std::min(handed, taken));
  return ledger;
}

std::vector<CoreAccount> take_core_accounts(std::span<const datapath::CoreCounters* const> cores, const CorePlan& plan,
                                            double tsc_hz) {
  std::vector<CoreAccount> accounts;
  for (const auto* core : cores) {
    const auto ticks = static_cast<double>(core->longest_turn_ticks.value());
    accounts.push_back({.cpu = plan.cpu_of(accounts.size()),
                        .role = plan.role_of(accounts.size()),
                        .longest_turn_ns = static_cast<std::uint64_t>(ticks * 1e9 / tsc_hz)});
  }
  return accounts;
}

}  // namespace portier::control
