/// One life of portier's pipeline: an rx core and its workers, started, watched and stopped.
#pragma once

#include <memory>
#include <vector>

#include "crosscore/slot_ring.hpp"
#include "datapath/rx_core.hpp"
#include "datapath/worker_core.hpp"
#include "router_parts.hpp"

namespace portier::bench {

/// How the workers of a run get a CPU.
enum class WorkerThreads {
  own,     ///< each has one
  shared,  ///< several have one between them, and nap when they are idle
  one,     ///< a single thread empties all rings: the rx core's side of many workers, without the scheduler's
};

class PipelineRun {
 public:
  /// Workers on lcores 2 and up.
  PipelineRun(const Match& match, const control::Settings& settings, const handlers::Registry& registry,
              unsigned workers, WorkerThreads threads = WorkerThreads::own);

  void start();
  /// Returns when every core has ended, with the account of the whole life.
  Tally stop();

  std::uint64_t received() const { return rx_core_->counters().received.packets.value(); }
  std::uint64_t delivered() const;

 private:
  Match match_;
  RouterParts parts_;
  std::vector<std::unique_ptr<crosscore::SlotRing>> rings_;  ///< by worker
  std::unique_ptr<datapath::RxCore> rx_core_;
  std::vector<std::unique_ptr<datapath::WorkerCore>> worker_cores_;
  LcoreJob rx_job_;
  std::vector<LcoreJob> worker_jobs_;
};

}  // namespace portier::bench
