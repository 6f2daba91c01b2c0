/// The worker core: stages 7-8. Rings -> bursts -> handlers -> replies.
#pragma once

#include "datapath/core_spec.hpp"
#include "datapath/stage7_deliver.hpp"

namespace portier::datapath {

class WorkerCore {
 public:
  WorkerCore(const CoreSpec& spec, SharedState shared);

  /// The loop; returns after `Phase::drain_workers`, when its rings are empty. What cannot be delivered within a
  /// second of draining is dropped as `shutdown`.
  void run();

  const CoreCounters& counters() const { return counters_; }
  const crosscore::DoneFlag& is_done() const { return done_; }

 private:
  bool turn();
  bool deliver_from(crosscore::SlotRing& ring);
  void drop_rest();

  CoreSpec spec_;
  CoreCounters counters_;
  SharedState shared_;
  Outbox outbox_;
  Delivery delivery_;
  crosscore::DoneFlag done_;
};

}  // namespace portier::datapath
