/// What the peers that pass mbufs from an rx core to one worker share: two loops, two counters, and their end.
#pragma once

#include <rte_mbuf.h>

#include <array>

#include "contenders.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "lean_demux.hpp"

namespace portier::bench {

class MbufPeer : public Contender {
 public:
  explicit MbufPeer(const Match& match)
      : match_(match),
        demux_(std::make_unique<LeanDemux>(match.capture.ports)),
        burst_(static_cast<std::uint16_t>(match.options.burst)) {}

  void start() override {
    received_before_ = received_.value();
    delivered_before_ = delivered_.value();
    unowned_before_ = unowned_.value();
    phase_.ask(crosscore::Phase::run);
    auto& eal = match_.arena.eal;
    worker_.start(eal, Arena::worker_lcore(0), [this] { work(); });
    rx_.start(eal, Arena::rx_lcore, [this] { receive(); });
  }
  std::uint64_t delivered() override { return delivered_.value(); }
  Tally stop() override {
    phase_.ask(crosscore::Phase::stop_receiving);
    rx_.join(match_.arena.eal);
    phase_.ask(crosscore::Phase::drain_workers);
    worker_.join(match_.arena.eal);
    return {.received = received_.value() - received_before_,
            .delivered = delivered_.value() - delivered_before_,
            .dropped = {{"unowned", unowned_.value() - unowned_before_}}};
  }

 protected:
  /// On the rx core, while `is_receiving`; returns when everything received is on its way.
  virtual void receive() = 0;
  /// On the worker core, until `is_draining` and nothing is left.
  virtual void work() = 0;

  bool is_receiving() const { return phase_.asked() == crosscore::Phase::run; }
  bool is_draining() const { return phase_.asked() >= crosscore::Phase::drain_workers; }

  /// Receives a burst, looks it up, and frees what nobody owns. Returns how many go on.
  std::uint16_t take_in(std::array<rte_mbuf*, 64>& mbufs);

  Match match_;
  std::unique_ptr<const LeanDemux> demux_;
  std::uint16_t burst_;
  // Each core's counters on lines of their own.
  alignas(crosscore::cache_line) crosscore::Counter delivered_;  ///< written by the worker
  alignas(crosscore::cache_line) crosscore::Counter received_;   ///< written by the rx core
  crosscore::Counter unowned_;                                   ///< written by the rx core

 private:
  LcoreJob rx_;
  LcoreJob worker_;
  crosscore::PhaseFlag phase_;
  std::uint64_t received_before_ = 0;
  std::uint64_t delivered_before_ = 0;
  std::uint64_t unowned_before_ = 0;
};

}  // namespace portier::bench
