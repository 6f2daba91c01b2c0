/// Stages 2-7 over one burst in memory, one call a stage: what benchmarks and the instruction budget run. The only
/// place here that knows how the stages are called.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "crosscore/slot_ring.hpp"
#include "datapath/burst.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage6_handoff.hpp"
#include "datapath/stage7_deliver.hpp"
#include "frame_set.hpp"

namespace portier::bench {

/// What is bound, and to whom: `services` ports for UDP and TCP, on any address or on the first `addresses` ones.
struct RuleSpec {
  std::size_t services = 1000;
  std::size_t addresses = 0;  ///< 0: any. Otherwise rte_fib is asked, which needs DPDK's memory
  std::size_t workers = 1;
  friend bool operator==(const RuleSpec&, const RuleSpec&) = default;
};

/// Closed ports are dropped without an answer; every service counts.
std::unique_ptr<const datapath::Program> make_program(const RuleSpec& spec);

class StageChain {
 public:
  explicit StageChain(std::unique_ptr<const datapath::Program> program, std::size_t workers = 1);

  /// In place of stage 1: `burst_packets` rows of the set from `first` on, headers prefetched as stage 1 does, the
  /// mbufs of the burst behind as a device driver does.
  void receive(const FrameSet& frames, std::size_t first);

  // The stages, in this order.
  void parse();
  void look_up();
  void steer();
  /// Run-to-completion: instead of `steer`.
  void stay();
  void hand_off();
  /// Run-to-completion: instead of `hand_off`, from the frames as they are, to the counting handler.
  void deliver();

  /// Takes all that was handed off out of the rings, on this core.
  void drain();

  datapath::CoreCounters& counters() { return *counters_; }

 private:
  std::unique_ptr<const datapath::Program> program_;
  std::unique_ptr<datapath::CoreCounters> counters_;
  datapath::DemuxState demux_;
  datapath::RxBurst burst_;
  std::vector<std::unique_ptr<crosscore::SlotRing>> rings_;
  std::vector<crosscore::SlotRing*> ring_of_worker_;
  std::vector<datapath::RingShares> shares_;
  datapath::Unpublished unpublished_;
  datapath::Outbox outbox_;
  datapath::Delivery delivery_;
};

/// One pass through the stages up to `last` (1: only `receive`) over the next `pass_packets` frames; rings are emptied
/// by the caller.
void run_stages(StageChain& chain, FrameSet& frames, int last);

}  // namespace portier::bench
