/// Run-to-completion: stages 1-8 on one core, without rings, by the same stage files.
#pragma once

#include "datapath/core_spec.hpp"
#include "datapath/demux.hpp"
#include "datapath/stage7_deliver.hpp"

namespace portier::datapath {

class LocalCore {
 public:
  LocalCore(const CoreSpec& spec, SharedState shared);

  /// The loop; returns after `Phase::stop`.
  void run();

  const CoreCounters& counters() const { return counters_; }
  const crosscore::DoneFlag& is_quiet() const { return quiet_; }

 private:
  bool turn(const Program& program, bool is_receiving);
  void deliver(const Program& program);

  CoreSpec spec_;
  SharedState shared_;
  CoreCounters counters_;
  Outbox outbox_;
  Demux demux_;
  Delivery delivery_;
  crosscore::DoneFlag quiet_;
};

}  // namespace portier::datapath
