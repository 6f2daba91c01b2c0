/// The sending loop: takes packets when they are due, hands them to the device, and keeps account of both times.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "latency_recorder.hpp"
#include "nic/device.hpp"
#include "schedule.hpp"
#include "trial_clock.hpp"

struct rte_mbuf;
struct rte_mempool;

namespace portier::load {

inline constexpr unsigned most_burst_packets = 64;

/// One trial, as the sending core sees it.
struct SendOrder {
  std::optional<Schedule> schedule;    ///< none: as fast as the device takes them
  std::uint64_t start_ticks = 0;       ///< since the epoch; the loop waits for it
  std::uint64_t duration_ticks = 0;    ///< without a schedule: sending ends here
  std::uint64_t expected_packets = 0;  ///< what the schedule has in all, if its end is not reached
  std::uint64_t packet_limit = 0;      ///< without a schedule: sending ends after so many; 0: no limit
  std::uint64_t interval_ticks = 1;
  std::size_t intervals = 1;
};

/// Written by the sending core while it runs, read by control behind `done`.
struct SendAccount {
  std::uint64_t intended = 0;
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t sending_ticks = 0;  ///< from the start to the last packet that the device took, or to the end
  std::uint64_t full_turns = 0;     ///< attempts in which the device did not take everything
  std::uint64_t starved_turns = 0;  ///< attempts without buffers: too many were under way
  LatencyRecorder pacing_error;
  std::vector<std::uint64_t> sent_by_interval;
  bool is_interrupted = false;
};

/// Where to send, and what control and the sending core say to each other.
struct SendPort {
  nic::Queue queue;
  rte_mempool* pool = nullptr;
  unsigned burst = 32;                        ///< packets at a time, at most
  const crosscore::DoneFlag* stop = nullptr;  ///< set by control: end now
  crosscore::DoneFlag* done = nullptr;        ///< set by the sending core at its end
  crosscore::Counter* sent = nullptr;         ///< for progress
};

/// Sends until the order is done. `meanwhile` is called once a turn: where one core does everything, it receives.
template <class Source, class Meanwhile>
SendAccount send(const SendOrder& order, const SendPort& port, const TrialClock& clock, Source& source,
                 Meanwhile& meanwhile);

}  // namespace portier::load
