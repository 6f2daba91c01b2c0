/// One life of portier's pipeline: an rx core and its workers, started, watched and stopped.
#pragma once

#include <memory>
#include <vector>

#include "crosscore/slot_ring.hpp"
#include "datapath/rx_core.hpp"
#include "datapath/worker_core.hpp"
#include "router_parts.hpp"

namespace portier::bench {

class PipelineRun {
 public:
  /// Workers on lcores 2 and up; one may nap where several share a CPU.
  PipelineRun(const Match& match, const control::Settings& settings, const handlers::Registry& registry,
              unsigned workers, datapath::Idle worker_idle = datapath::Idle::spin);

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
