/// What the data path runs: a ruleset and the delivery chains of its services. Published as one pointer.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "datapath/lane.hpp"
#include "datapath/turn.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

/// Immutable once published, but for the lanes, each of which belongs to its core.
///
/// Cores are counted here as those that call handlers: first the workers (or run-to-completion cores), then, in a
/// pipeline, the rx cores, which call targets that need no worker.
struct Program {
  std::uint64_t generation = 1;  ///< never the same for two programs of a router
  std::shared_ptr<const table::Ruleset> rules;
  /// [core][service]; null where the service does not exist or does not use the core. Shared with the program before,
  /// so that an unchanged service keeps its handlers over a reload.
  std::vector<std::vector<std::shared_ptr<Lane>>> lanes;
  /// [core]: what wants a share of each turn, be it of a chain's target or of one that has gone and is not done yet.
  std::vector<std::vector<std::shared_ptr<TurnTaker>>> turn_takers;
  /// Some of these belong to no lane any more.
  bool has_strays = false;
  /// Some service has a target that an rx core of a pipeline calls itself.
  bool has_direct = false;

  Lane* lane(std::size_t core, table::ServiceId service) const {
    const auto& of_core = lanes[core];
    return service < of_core.size() ? of_core[service].get() : nullptr;
  }
};

}  // namespace portier::datapath
