/// Stage 5, steer: flow hash -> bucket -> worker. A flow stays on its worker; when buckets move, their packets are held
/// off until the old worker has caught up, so that no flow is reordered.
#pragma once

#include <array>

#include "crosscore/slot.hpp"
#include "datapath/burst.hpp"
#include "datapath/row_kernels.hpp"
#include "datapath/stage3_others.hpp"
#include "table/core_map.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

/// Old workers that still have packets of buckets which have moved away. Rare: only after a change of workers.
struct BucketMove {
  std::array<bool, table::max_workers> lags{};
};

namespace detail {

inline void drop_too_long(DemuxState& state, RxBurst& burst) {
  for_each(burst.live & ~burst.plain, [&](std::size_t i) {
    if (burst.wire_length[i] > crosscore::max_frame_bytes) drop(state, burst, i, packet::Reason::frame_too_long);
  });
}

inline void hold_off_moving(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, const BucketMove& moving) {
  for_each(burst.live, [&](std::size_t i) {
    const auto& map = rules.core_map(burst.service[i]);
    const auto bucket = table::bucket_of(burst.hash[i]);
    if (map.previous[bucket] == map.worker[bucket] || !moving.lags[map.previous[bucket]]) return;
    drop(state, burst, i, packet::Reason::bucket_moving);
  });
}

}  // namespace detail

/// For run-to-completion: every flow stays, and is hashed when a handler asks (PacketRows).
inline void stage5_stay(DemuxState& state, RxBurst& burst) { detail::drop_too_long(state, burst); }

/// Where there is one worker: the flow's hash alone.
inline void stage5_hash(const table::Ruleset& rules, DemuxState& state, RxBurst& burst,
                        const RowKernels& kernels = row_kernels()) {
  detail::drop_too_long(state, burst);
  kernels.hash(rules.hash_key(), burst, burst.live & burst.plain);
}

/// `moving` null: nothing moves, the usual case.
inline void stage5_steer(const table::Ruleset& rules, DemuxState& state, RxBurst& burst, const BucketMove* moving,
                         const RowKernels& kernels = row_kernels()) {
  stage5_hash(rules, state, burst, kernels);
  const auto maps = rules.core_maps();
  for_each(burst.live, [&](std::size_t i) { burst.worker[i] = maps.worker(burst.service[i], burst.hash[i]); });
  if (moving != nullptr) [[unlikely]] {
    detail::hold_off_moving(rules, state, burst, *moving);
  }
}

}  // namespace portier::datapath
