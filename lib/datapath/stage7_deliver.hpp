/// Stage 7, deliver: a burst grouped by service, one call of the target in charge per group.
#pragma once

#include <rte_prefetch.h>

#include <array>
#include <bit>
#include <cstdint>
#include <vector>

#include "datapath/counters.hpp"
#include "datapath/outbox.hpp"
#include "datapath/packet_view.hpp"
#include "datapath/program.hpp"
#include "datapath/service_groups.hpp"
#include "datapath/turn.hpp"

namespace portier::datapath {

class Delivery {
 public:
  /// `core`: as in `Program::lanes`.
  Delivery(std::size_t core, Outbox& outbox, CoreCounters& counters)
      : core_(core), outbox_(outbox), counters_(counters) {}

  /// `arrivals`: as in arrivals.hpp; at most 64 packets, in order of arrival, whose bytes are used only within. Order
  /// within a service is kept. Returns how many have ended: the others are postponed.
  template <typename Arrivals>
  std::size_t deliver(const Program& program, const Arrivals& arrivals, std::uint64_t now_tsc) {
    look_at(program);
    groups_.find(kernels_, arrivals.services(), arrivals.rows());
    postponed_ = 0;
    call_groups(program, arrivals.services(), arrivals.packets(), count_latency(arrivals, time_of(now_tsc)), now_tsc);
    return static_cast<std::size_t>(std::popcount(arrivals.rows())) - postponed_;
  }

  /// Of `rows`, those whose service has its target in charge on this core.
  Rows mine(const Program& program, const std::array<table::ServiceId, max_burst>& services, Rows rows) {
    look_at(program);
    Rows found = 0;
    for_each(rows, [&](std::size_t i) {
      if (targets_[services[i]] != nullptr) found |= row(i);
    });
    return found;
  }

  /// A share of the turn for targets that want one: for `takers_per_turn` of them after one another, so that a turn
  /// does not grow with their number, or at the end for all. True: something was done.
  bool take_turns(const Program& program, Turn::Kind kind) {
    look_at(program);
    if (takers_.empty()) [[likely]]
      return false;
    return call_takers(program, kind);
  }

  /// Packets that targets of this core have postponed and not settled.
  std::uint64_t waiting() const;

 private:
  /// Returns where all packets are still to be counted by service, if they were received together.
  template <typename Arrivals>
  Counter* count_latency(const Arrivals& arrivals, std::uint32_t now) {
    auto latency = counters_.latency.writer();
    if constexpr (Arrivals::has_one_time) return latency.bucket_of(now - arrivals.receive_time(0));
    const auto& service = arrivals.services();
    for_each(arrivals.rows(), [&](std::size_t i) { latency.add(service[i], now - arrivals.receive_time(i)); });
    return nullptr;
  }

  /// Programs come rarely; their targets are looked up anew with the first turn or packet.
  void look_at(const Program& program) {
    if (program.generation != generation_) [[unlikely]] {
      look_up_targets(program);
    }
  }
  void look_up_targets(const Program& program);
  bool call_takers(const Program& program, Turn::Kind kind);

  using Services = std::array<table::ServiceId, max_burst>;
  void call_groups(const Program& program, const Services& service, const PacketRows& packets, Counter* latency,
                   std::uint64_t now_tsc);
  struct Amount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  static bool call(Handler& target, Burst& burst);
  Amount count_exceptions(const Burst& burst, table::ServiceId service, Amount amount);
  void count_faulty(const Program& program, table::ServiceId service, std::size_t packets);

  const RowKernels& kernels_ = row_kernels();
  std::size_t core_;
  Outbox& outbox_;
  CoreCounters& counters_;
  ServiceGroups groups_;
  /// By service, what the lanes of program `generation_` say, side by side: lanes themselves lie all over the memory.
  std::vector<Handler*> targets_ = std::vector<Handler*>(table::max_services);
  static constexpr std::size_t takers_per_turn = 64;
  std::vector<TurnTaker*> takers_;
  std::size_t next_taker_ = 0;
  std::uint64_t generation_ = 0;
  std::size_t postponed_ = 0;  ///< of the arrivals in hand
};

}  // namespace portier::datapath
