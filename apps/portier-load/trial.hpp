/// One trial: what is asked of the traffic engine, and what it measured. Searches and reports know nothing else of it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace portier::load {

/// Latencies of one trial: log-linear buckets of nanoseconds, see `crosscore::histogram_bucket`. Latency counts from
/// the moment a packet was *meant* to be sent, so that a sender that is held up does not hide the wait.
struct LatencySample {
  std::vector<std::uint64_t> buckets;  ///< index: crosscore::histogram_bucket(nanoseconds)
  std::uint64_t count = 0;
  std::uint64_t min_ns = 0;
  std::uint64_t max_ns = 0;
};

/// What one service (a destination port and transport) saw in one trial.
struct ServiceResult {
  std::string name;  ///< e.g. "udp/53"
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;     ///< came after a packet of the same flow that was sent later (RFC 4737)
  std::uint64_t syn_acks = 0;      ///< answers of these kinds, to SYN packets
  std::uint64_t resets = 0;        ///< likewise
  std::uint64_t unreachables = 0;  ///< ICMP errors that quote a packet of the service
  LatencySample latency;
};

/// One interval of a trial, for plots over time.
struct IntervalResult {
  double start_s = 0;
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t max_ns = 0;
};

struct TrialRequest {
  double rate_pps = 0;              ///< intended; above 0; infinity: unpaced, what the device takes
  double duration_s = 1;            ///< of sending; the engine then waits `drain_s` for what is under way
  std::uint64_t burst_packets = 0;  ///< not 0: send this many back to back at the device's limit, then stop (RFC 9004)
};

struct TrialResult {
  TrialRequest request;
  double sending_s = 0;        ///< how long sending took in fact
  std::uint64_t intended = 0;  ///< packets that should have been sent
  std::uint64_t sent = 0;      ///< handed to the device
  std::uint64_t received = 0;  ///< ours, come back, without duplicates
  std::uint64_t lost = 0;      ///< sent - received
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t foreign = 0;        ///< received, but not ours
  std::uint64_t damaged = 0;        ///< ours by its mark, but with a wrong length or content
  std::uint64_t late = 0;           ///< so far behind the newest that nobody remembers whether it is a duplicate; lost
  std::uint64_t stale = 0;          ///< ours, of an earlier trial
  std::uint64_t device_full = 0;    ///< attempts to send in which the device did not take everything
  std::uint64_t no_buffers = 0;     ///< turns without free packet buffers: all of them were under way
  double received_pps = 0;          ///< between the first and the last of ours that came
  double bytes_per_packet = 0;      ///< mean frame length without FCS
  LatencySample latency;            ///< from intended send time to receive
  LatencySample latency_from_send;  ///< from actual send time: the difference is the sender's own delay
  LatencySample pacing_error;       ///< actual minus intended send time; empty for unpaced sending
  LatencySample delay_variation;    ///< at the receiver: how much the distance of neighbours differs from the intended
  std::vector<ServiceResult> services;
  std::vector<IntervalResult> intervals;
  bool is_interrupted = false;  ///< Ctrl-C: the figures are of the part that was sent

  double loss_ratio() const { return sent == 0 ? 0.0 : static_cast<double>(lost) / static_cast<double>(sent); }
};

/// Runs one trial to its end and returns what was seen. Searches call it once per step.
using TrialRunner = std::function<TrialResult(const TrialRequest&)>;

}  // namespace portier::load
