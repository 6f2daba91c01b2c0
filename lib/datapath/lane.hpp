/// The delivery chain of one service on one core, and which of its targets is in charge.
#pragma once

#include <bit>
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "crosscore/target_mask.hpp"
#include "datapath/handler.hpp"

namespace portier::datapath {

/// Bit t stands for target t of the chain. `usable_` is written by control, `broken_` and the count of faults by the
/// core; a change of either is seen by the core when the next program comes, or at once where it made it itself.
class Lane {
 public:
  /// A target is null where another kind of core calls it: those that may run on the core that receives are made there
  /// only, all others on workers only (`Handler::is_direct`). At most `crosscore::max_targets`.
  Lane(std::vector<std::unique_ptr<Handler>> chain, unsigned max_faults, bool is_receiving = false)
      : chain_(std::move(chain)), max_faults_(max_faults), is_receiving_(is_receiving) {}

  std::size_t size() const { return chain_.size(); }
  Handler* at(std::size_t target) const { return chain_[target].get(); }

  // ---- the core ----

  /// The target that takes packets on this core. Null: every one is out of order, or, on a core that receives, the one
  /// in charge is a worker's.
  Handler* target() const {
    const auto at = position();
    return at < chain_.size() ? chain_[at].get() : nullptr;
  }

  /// The target in charge threw. After `max_faults` of them the next one takes over.
  void note_fault() {
    faults_ += 1;
    if (faults_ < max_faults_) return;
    faults_ = 0;
    if (const auto at = position(); at < chain_.size()) broken_.put(broken_.bits() | 1U << at);
  }

  // ---- control ----

  void set_usable(std::uint32_t targets) { usable_.put(targets); }
  std::uint32_t usable() const { return usable_.bits(); }
  std::uint32_t broken() const { return broken_.bits(); }

  /// The first target in order, whoever calls it; `size()`: there is none.
  std::size_t in_charge() const { return first_of(usable_.bits() & ~broken_.bits()); }

 private:
  /// A worker steps over what it cannot call: packets that are on their way to it were steered to one of its own.
  std::size_t position() const {
    auto candidates = usable_.bits() & ~broken_.bits();
    if (is_receiving_) return first_of(candidates);
    for (std::size_t at = 0; at < chain_.size(); ++at) {
      if (chain_[at] == nullptr) candidates &= ~(1U << at);
    }
    return first_of(candidates);
  }
  std::size_t first_of(std::uint32_t candidates) const {
    const auto at = static_cast<std::size_t>(std::countr_zero(candidates | 1U << crosscore::max_targets));
    return at < chain_.size() ? at : chain_.size();
  }

  std::vector<std::unique_ptr<Handler>> chain_;
  unsigned max_faults_;
  bool is_receiving_;
  unsigned faults_ = 0;
  crosscore::TargetMask usable_{crosscore::all_targets};  ///< written by control
  crosscore::TargetMask broken_{0};                       ///< written by the core
};

}  // namespace portier::datapath
