/// The rx core: stages 1-6, one call a line; stage 7 for targets that need no worker; and stage 8 for what it sends
/// itself or for others.
#pragma once

#include "datapath/core_spec.hpp"
#include "datapath/demux.hpp"
#include "datapath/stage6_handoff.hpp"
#include "datapath/stage7_deliver.hpp"

namespace portier::datapath {

class RxCore {
 public:
  RxCore(const CoreSpec& spec, SharedState shared);

  /// The loop; returns after `Phase::stop`.
  void run();

  const CoreCounters& counters() const { return counters_; }
  /// Set when nothing more is taken in and everything taken in is in a ring or accounted for.
  const crosscore::DoneFlag& is_quiet() const { return quiet_; }
  /// The last generation whose change of workers is over: no packet waits at a worker that its flow has left.
  std::uint64_t settled_generation() const { return settled_generation_.value(); }

 private:
  bool turn(const Program& program, bool is_receiving);
  void look_for_moves(const table::Ruleset& rules);
  /// `is_full`: as stage 6 wants to know it.
  void hand_off(const Program& program, bool is_full);
  void deliver_direct(const Program& program);

  CoreSpec spec_;
  SharedState shared_;
  CoreCounters counters_;
  Outbox outbox_;
  Demux demux_;
  Delivery delivery_;
  std::vector<RingShares> shares_;  ///< by worker
  Unpublished unpublished_;
  crosscore::DoneFlag quiet_;

  // After a change of workers: how far each old worker must have come before its buckets go elsewhere.
  std::uint64_t generation_ = 0;
  Counter settled_generation_;  ///< read by control
  bool has_moves_ = false;
  std::uint64_t moves_deadline_tsc_ = 0;
  BucketMove moves_;
  std::vector<std::uint64_t> marks_;
};

}  // namespace portier::datapath
