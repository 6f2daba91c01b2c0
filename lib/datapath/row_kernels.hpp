/// The loops over rows that are worth writing for vectors, in each form that this program has: chosen once, by what the
/// processor can do. The scalar form is the specification of the others.
#pragma once

#include <string_view>

#include "datapath/burst.hpp"
#include "packet/flow_hash.hpp"

namespace portier::datapath {

struct RowKernels {
  std::string_view name;
  /// Stage 2: `plain`, `ipv6` of the burst, and `head`, `ports` and `addresses` of its plain rows, from `data`,
  /// `present` and `wire_length`.
  void (*parse)(RxBurst& burst);
  /// Stage 5: `hash` of all `rows`, which are plain.
  void (*hash)(const packet::HashKey& key, RxBurst& burst, Rows rows);
  /// Stage 7: for each of `rows`, those of them that have the same service. Returns the first row of each service.
  Rows (*match)(const std::array<table::ServiceId, max_burst>& service, Rows rows, std::array<Rows, max_burst>& same);
};

extern const RowKernels scalar_kernels;
/// 8 rows at a time. Only where `can_run_avx512`.
extern const RowKernels avx512_kernels;

/// AVX-512 of the generations that do not lower their clock for it (Ice Lake, Zen 4 and later).
bool can_run_avx512();

/// The best that this processor has, or the scalar ones if the environment says `PORTIER_VECTORS=scalar`; looked up at
/// the first call.
const RowKernels& row_kernels();

}  // namespace portier::datapath
