/// What a sender sends: marked packets made of a plan, or the frames of a capture. Fills buffers, knows no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "endpoints.hpp"
#include "frame_template.hpp"
#include "traffic_plan.hpp"

struct rte_mbuf;
struct rte_mempool;

namespace portier::load {

/// Fills every buffer of a pool with filler, so that a packet only costs its head. The pool must be for sending alone.
void fill_pool(rte_mempool* pool);

/// When packets are meant to be sent, and when they are.
struct SendTimes {
  const std::uint64_t* intended_ticks = nullptr;  ///< since the start of the trial, one per packet
  std::uint64_t start_ticks = 0;                  ///< since the epoch
  std::uint64_t now_ticks = 0;                    ///< since the start
};

class MarkedSource {
 public:
  /// Borrows the plan. `tsc_hz` gives churn its time.
  MarkedSource(const TrafficPlan& plan, Endpoints endpoints, const MarkKey& key, double tsc_hz);

  /// Back to packet 0 of every service.
  void restart();
  void write(rte_mbuf** mbufs, std::size_t count, const SendTimes& times);
  /// The device did not take these yet: they get the time of the next attempt.
  void restamp(rte_mbuf** mbufs, std::size_t count, const SendTimes& times);
  /// These, the last that were written, will not be sent.
  void take_back(rte_mbuf** mbufs, std::size_t count);

  /// Packets of a service that were written and not taken back.
  std::uint64_t written(std::size_t service) const { return cursors_[service].next; }

 private:
  struct Cursor {
    std::uint64_t next = 0;   ///< sequence number
    std::uint32_t place = 0;  ///< next modulo flows
    std::uint32_t port = 0;   ///< of the service's range
    std::uint32_t ports = 1;
    std::uint16_t first_port = 0;
  };

  template <std::size_t HeadBytes>
  void write_all(rte_mbuf** mbufs, std::size_t count, const SendTimes& times);

  const TrafficPlan& plan_;
  Endpoints endpoints_;
  MarkKey key_;
  double tsc_hz_;
  std::vector<Cursor> cursors_;  ///< by service
  std::size_t position_ = 0;     ///< in the plan's order
};

/// Frames of a capture, in their order, again and again. They carry no marks.
class CaptureSource {
 public:
  /// Borrows the frames.
  explicit CaptureSource(const std::vector<traffic::Frame>& frames) : frames_(frames) {}

  void restart() { position_ = 0; }
  void write(rte_mbuf** mbufs, std::size_t count, const SendTimes& times);
  void restamp(rte_mbuf**, std::size_t, const SendTimes&) {}
  void take_back(rte_mbuf**, std::size_t) {}

 private:
  const std::vector<traffic::Frame>& frames_;
  std::size_t position_ = 0;
};

}  // namespace portier::load
