/// Stage 7, deliver: a burst grouped by service, one call of the target in charge per group.
#pragma once

#include <rte_prefetch.h>

#include <array>
#include <cstdint>
#include <vector>

#include "datapath/counters.hpp"
#include "datapath/outbox.hpp"
#include "datapath/packet_view.hpp"
#include "datapath/program.hpp"
#include "datapath/service_groups.hpp"

namespace portier::datapath {

class Delivery {
 public:
  Delivery(std::size_t worker, Outbox& outbox, CoreCounters& counters)
      : worker_(worker), outbox_(outbox), counters_(counters) {}

  /// `arrivals`: as in arrivals.hpp; at most 64 packets, in order of arrival, whose bytes are used only within. Order
  /// within a service is kept.
  template <typename Arrivals>
  void deliver(const Program& program, const Arrivals& arrivals, std::uint64_t now_tsc) {
    if (program.generation != generation_) [[unlikely]] {
      look_up_targets(program);
    }
    groups_.find(kernels_, arrivals.services(), arrivals.rows());
    call_groups(program, arrivals.services(), arrivals.packets(), count_latency(arrivals, time_of(now_tsc)), now_tsc);
  }

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

  void look_up_targets(const Program& program);

  using Services = std::array<table::ServiceId, max_burst>;
  void call_groups(const Program& program, const Services& service, const PacketRows& packets, Counter* latency,
                   std::uint64_t now_tsc);
  struct Amount {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
  };
  static bool call(Handler& target, Burst& burst);
  Amount count_refused(const Burst& burst, table::ServiceId service, Amount amount);
  void count_faulty(const Program& program, table::ServiceId service, std::size_t packets);

  const RowKernels& kernels_ = row_kernels();
  std::size_t worker_;
  Outbox& outbox_;
  CoreCounters& counters_;
  ServiceGroups groups_;
  /// By service, what the lanes of program `generation_` say, side by side: lanes themselves lie all over the memory.
  std::vector<Handler*> targets_ = std::vector<Handler*>(table::max_services);
  std::uint64_t generation_ = 0;
};

}  // namespace portier::datapath
