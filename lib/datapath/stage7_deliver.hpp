/// Stage 7, deliver: a burst grouped by service, one call of the target in charge per group.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "datapath/counters.hpp"
#include "datapath/outbox.hpp"
#include "datapath/packet_view.hpp"
#include "datapath/program.hpp"

namespace portier::datapath {

class Delivery {
 public:
  Delivery(std::size_t worker, Outbox& outbox, CoreCounters& counters);

  /// `packets`: at most 64, in order of arrival; order within a service is kept. Their bytes are used only within.
  void deliver(const Program& program, std::span<const PacketView> packets, std::uint64_t now_tsc);

 private:
  void deliver_group(Lane* lane, table::ServiceId service, std::span<const PacketView> group, std::uint64_t now_tsc);
  void call(Lane& lane, table::ServiceId service, std::span<const PacketView> group, std::uint64_t now_tsc);

  std::size_t worker_;
  Outbox& outbox_;
  CoreCounters& counters_;
  std::vector<std::uint64_t> seen_in_burst_;  ///< by service: number of the burst and group, see deliver()
  std::uint64_t burst_number_ = 0;
};

}  // namespace portier::datapath
