/// The front half of the pipeline on one core, stages 1-5 with the answers to closed ports: what rx cores and
/// run-to-completion cores share.
#pragma once

#include <cstdint>

#include "datapath/burst.hpp"
#include "datapath/core_spec.hpp"
#include "datapath/stage1_receive.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage5_steer.hpp"
#include "table/token_bucket.hpp"

namespace portier::datapath {

class Demux {
 public:
  Demux(const CoreSpec& spec, Outbox& outbox, CoreCounters& counters);

  /// Stages 1-5 for one queue. False: nothing came. `burst()` then holds rows that are dropped, waiting, or steered.
  bool receive(const RxQueue& queue, const table::Ruleset& rules, const BucketMove* moving);

  /// The same for fragments whose first one has come or will not come any more. False: there are none.
  bool receive_late(const table::Ruleset& rules, const BucketMove* moving);

  /// All fragments that wait are given up as `shutdown`; `receive_late` then counts them.
  void give_up_fragments() { state_.fragments.give_up(packet::Reason::shutdown); }

  RxBurst& burst() { return burst_; }
  DemuxState& state() { return state_; }

 private:
  void answer_closed_ports(const table::Ruleset& rules);
  void steer(const table::Ruleset& rules, const BucketMove* moving);

  std::uint16_t limit_;
  std::size_t workers_;  ///< 0: every flow stays on this core
  RxBurst burst_;
  FlatCopies flat_;
  DemuxState state_;
  Outbox& outbox_;
  table::TokenBucket reject_budget_;
};

}  // namespace portier::datapath
