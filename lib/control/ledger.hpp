/// The account that must add up: received = delivered + every named drop + in flight, in all and for every service.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/chain_watch.hpp"
#include "control/core_plan.hpp"
#include "datapath/counters.hpp"
#include "handlers/mailroom.hpp"
#include "packet/reason.hpp"

namespace portier::control {

using DropCounts = std::array<std::uint64_t, packet::reason_count>;  ///< by Reason

/// Receive to handler, in nanoseconds; 0 where nothing was delivered.
struct LatencyNs {
  std::uint64_t p50 = 0;
  std::uint64_t p99 = 0;
  std::uint64_t p999 = 0;
};

/// One service's share. `in` counts packets that were looked up to it.
struct ServiceAccount {
  std::string name;
  std::string ports;     ///< its bindings, as written
  std::string category;  ///< well-known, registered, dynamic, mixed; empty: built in
  std::uint64_t in = 0;
  std::uint64_t delivered = 0;
  std::uint64_t delivered_bytes = 0;
  DropCounts dropped{};
  std::vector<std::uint64_t> latency_counts;  ///< by histogram bucket, units of 16 ticks; empty: nothing came

  std::uint64_t dropped_total() const;
};

/// Percentiles of what was counted since `before` (may be empty).
LatencyNs latency_between(std::span<const std::uint64_t> before, std::span<const std::uint64_t> now, double tsc_hz);

/// What is worth knowing of a core besides its packets.
struct CoreAccount {
  unsigned cpu = 0;
  std::string_view role;              ///< rx, worker, run-to-completion
  std::uint64_t longest_turn_ns = 0;  ///< of turns, or of a worker's bursts, that brought packets
};

struct Ledger {
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t delivered = 0;
  std::uint64_t replied = 0;
  DropCounts dropped{};
  std::uint64_t in_flight = 0;  ///< in rings, in hands or waiting: counted on its own, not as the difference
  std::uint64_t tx_full = 0;    ///< answers that a device did not take
  std::uint64_t no_buffer = 0;  ///< answers for which no buffer was free
  std::uint64_t handler_faults = 0;
  std::uint64_t stuck_calls = 0;   ///< calls of handlers that took longer than the watchdog's limit
  std::vector<CoreAccount> cores;  ///< of a running router
  std::vector<ServiceAccount> services;
  std::vector<handlers::MailboxStatus> mailboxes;
  std::vector<ChainStatus> chains;

  std::uint64_t dropped_total() const;
  bool adds_up() const { return received == delivered + dropped_total() + in_flight; }
};

/// What the report knows about a service besides its counters; index = ServiceId.
struct ServiceLabel {
  std::string name;
  std::string ports;
  std::string category;
};

/// Sums the cores' counters. At rest exact; under load within what moves while it reads.
Ledger take_ledger(std::span<const datapath::CoreCounters* const> cores, std::span<const ServiceLabel> labels);

/// Of all cores, in the order of the plan.
std::vector<CoreAccount> take_core_accounts(std::span<const datapath::CoreCounters* const> cores, const CorePlan& plan,
                                            double tsc_hz);

}  // namespace portier::control
