/// What the data path runs: a ruleset and the delivery chains of its services. Published as one pointer.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "datapath/handler.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

/// The delivery chain of one service on one worker: that worker alone reads and changes it.
class Lane {
 public:
  Lane(std::vector<std::unique_ptr<Handler>> chain, unsigned max_faults)
      : chain_(std::move(chain)), max_faults_(max_faults) {
    take_charge();
  }

  /// The target in charge, or null when every one is out of order.
  Handler* target() const { return target_; }

  /// The target in charge threw. After `max_faults` of them the next one takes over.
  void note_fault() {
    faults_ += 1;
    if (faults_ < max_faults_) return;
    faults_ = 0;
    at_ += 1;
    take_charge();
  }

 private:
  void take_charge() { target_ = at_ < chain_.size() ? chain_[at_].get() : nullptr; }

  Handler* target_ = nullptr;
  std::vector<std::unique_ptr<Handler>> chain_;
  unsigned max_faults_;
  unsigned faults_ = 0;
  std::size_t at_ = 0;
};

/// Immutable once published, but for the lanes, each of which belongs to its worker.
struct Program {
  std::uint64_t generation = 1;  ///< never the same for two programs of a router
  std::unique_ptr<const table::Ruleset> rules;
  /// [worker][service]; null where the service does not exist or does not use the worker. Shared with the program
  /// before, so that an unchanged service keeps its handlers over a reload.
  std::vector<std::vector<std::shared_ptr<Lane>>> lanes;

  Lane* lane(std::size_t worker, table::ServiceId service) const {
    const auto& of_worker = lanes[worker];
    return service < of_worker.size() ? of_worker[service].get() : nullptr;
  }
};

}  // namespace portier::datapath
