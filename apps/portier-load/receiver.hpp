/// The receiving loop: knows every packet by its mark, and keeps loss, order and latency of each service.
#pragma once

#include <cstdint>
#include <vector>

#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "frame_reader.hpp"
#include "latency_recorder.hpp"
#include "nic/device.hpp"
#include "sequence_window.hpp"
#include "trial_clock.hpp"

struct rte_mbuf;

namespace portier::load {

/// What one service has seen.
struct ServiceAccount {
  ServiceAccount(std::size_t window_bits, std::size_t flows) : window(window_bits), order(flows) {}

  SequenceWindow window;
  FlowOrder order;
  LatencyRecorder latency;  ///< from the intended send time
  std::uint64_t received = 0;
  std::uint64_t duplicated = 0;
  std::uint64_t reordered = 0;
  std::uint64_t late = 0;
  std::uint64_t syn_acks = 0;
  std::uint64_t resets = 0;
  std::uint64_t unreachables = 0;
};

struct IntervalAccount {
  LatencyRecorder latency;
  std::uint64_t received = 0;
};

/// Written by the receiving core; control reads it when that core has ended.
struct ReceiveAccount {
  std::vector<ServiceAccount> services;
  std::vector<IntervalAccount> intervals;  ///< by intended send time
  LatencyRecorder from_send;
  LatencyRecorder delay_variation;  ///< of neighbours: how far their distance in time differs from the intended one
  std::uint64_t frames = 0;         ///< everything that came
  std::uint64_t bytes = 0;
  std::uint64_t foreign = 0;
  std::uint64_t damaged = 0;
  std::uint64_t stale = 0;        ///< of an earlier trial
  std::uint64_t first_ticks = 0;  ///< receive time of our first and last packet, since the start
  std::uint64_t last_ticks = 0;
};

struct ReceiveOrder {
  std::uint64_t start_ticks = 0;  ///< since the epoch
  std::uint64_t interval_ticks = 1;
  std::size_t intervals = 1;
  std::size_t flows = 1;
  bool is_marked = true;  ///< false: a capture is being sent, so whatever comes counts as received
};

struct ReceivePort {
  nic::Queue queue;
  const crosscore::DoneFlag* stop = nullptr;  ///< set by control
  const crosscore::Counter* sent = nullptr;   ///< what has left so far, but for the last burst
  crosscore::Counter* received = nullptr;     ///< for progress: ours, without duplicates
  crosscore::Counter* frames = nullptr;       ///< everything, for the end of the waiting
};

class Receiver {
 public:
  /// Bursts taken after the stop: those of a device's largest receive queue, and traffic that never ends is left.
  static constexpr unsigned last_polls = 256;

  /// Borrows the reader.
  Receiver(const ReceiveOrder& order, const ReceivePort& port, const FrameReader& reader,
           const std::vector<LoadService>& services, const TrialClock& clock);

  /// Before the first poll.
  void start_at(std::uint64_t start_ticks) { order_.start_ticks = start_ticks; }

  /// One burst. True: there was something.
  bool poll();
  /// Until control says stop; then what had arrived by then, one queue's worth at most.
  void run() {
    while (!port_.stop->is_set()) poll();
    for (unsigned i = 0; i < last_polls && poll(); ++i) {
    }
  }
  const ReceiveAccount& account() const { return account_; }

 private:
  void take(packet::Bytes frame, std::uint64_t now);
  void take_ours(const Mark& mark, std::uint64_t now);
  void take_syn(const Mark& mark, std::uint64_t now);
  void note_times(const Mark& mark, std::uint64_t now);
  void count_answer(const ReadFrame& read);

  ReceiveOrder order_;
  ReceivePort port_;
  const FrameReader& reader_;
  const TrialClock& clock_;
  TickClock to_ns_;
  IntervalFinder interval_;
  ReceiveAccount account_;
  std::uint64_t taken_ = 0;          ///< ours in this burst
  std::uint64_t last_intended_ = 0;  ///< of our last packet in order, since the start
  std::uint64_t last_received_ = 0;
  bool has_last_ = false;
};

}  // namespace portier::load
