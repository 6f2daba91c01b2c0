/// Stage 2, parse: bytes -> facts, by packet/plain.hpp for all rows and by packet/parse.hpp for those it does not know.
#pragma once

#include "datapath/burst.hpp"
#include "datapath/drop.hpp"
#include "datapath/row_kernels.hpp"
#include "packet/parse.hpp"

namespace portier::datapath {

inline void stage2_parse(RxBurst& burst, CoreCounters& counters, const RowKernels& kernels = row_kernels()) {
  burst.live = first_rows(burst.count);
  burst.reason.fill(packet::Reason::none);
  kernels.parse(burst);
  for_each(burst.live & ~burst.plain, [&](std::size_t i) {
    const auto& facts = burst.facts[i] = packet::parse(burst.bytes(i), burst.wire_length[i]);
    burst.head[i] = slot_head(facts, burst.present[i], burst.device);
    if (facts.reason == packet::Reason::none) return;
    burst.reason[i] = facts.reason;
    burst.live &= ~row(i);
    burst.service[i] = table::no_service;
    counters.in[table::no_service].add(1);
    count_early_drop(counters, table::no_service, facts.reason);
  });
}

}  // namespace portier::datapath
