/// Stage 5, steer: flow hash -> bucket -> worker. A flow stays on its worker; when buckets move, their packets are held
/// off until the old worker has caught up, so that no flow is reordered.
#pragma once

#include <array>

#include "crosscore/slot.hpp"
#include "datapath/burst.hpp"
#include "datapath/drop.hpp"
#include "datapath/stage3_lookup.hpp"
#include "table/core_map.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

/// Old workers that still have packets of buckets which have moved away. Rare: only after a change of workers.
struct BucketMove {
  std::array<bool, table::max_workers> lags{};
};

/// `moving` null: nothing moves, the usual case.
inline void stage5_steer(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, const BucketMove* moving) {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.is_dropped(i) || burst.data[i] == nullptr) continue;
    if (burst.wire_length[i] > crosscore::max_frame_bytes) [[unlikely]] {
      detail::drop(state, burst, i, packet::Reason::frame_too_long);
      continue;
    }
    const auto& facts = burst.facts[i];
    if (facts.kind == packet::Kind::transport && facts.fragment == packet::Fragment::none) [[likely]] {
      burst.hash[i] = detail::hash_of_row(rules, burst, i);
    }
    const auto& map = rules.core_map(burst.service[i]);
    const auto bucket = table::bucket_of(burst.hash[i]);
    burst.worker[i] = map.worker[bucket];
    if (moving != nullptr && map.previous[bucket] != map.worker[bucket] && moving->lags[map.previous[bucket]]) {
      detail::drop(state, burst, i, packet::Reason::bucket_moving);
    }
  }
}

}  // namespace portier::datapath
