/// Stage 2, parse: bytes -> facts, by packet/parse.hpp for each row.
#pragma once

#include "datapath/burst.hpp"
#include "datapath/drop.hpp"
#include "packet/parse.hpp"

namespace portier::datapath {

inline void stage2_parse(RxBurst& burst, CoreCounters& counters) {
  for (std::size_t i = 0; i < burst.count; ++i) {
    burst.facts[i] = packet::parse(burst.bytes(i), burst.wire_length[i]);
    burst.service[i] = table::no_service;
    if (burst.is_dropped(i)) [[unlikely]] {
      counters.in[table::no_service].packets.add(1);
      count_early_drop(counters, table::no_service, burst.facts[i].reason);
    }
  }
}

}  // namespace portier::datapath
