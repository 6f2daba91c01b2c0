/// Which call a core is inside of: written by that core around its calls of code that is not its own, read by control.
#pragma once

#include <atomic>
#include <cstdint>

#include "crosscore/slot.hpp"

namespace portier::crosscore {

/// Alone on its line: whoever reads it disturbs no other counter of the core. A call costs the core one store, a burst
/// of them two more.
class alignas(cache_line) CallMark {
 public:
  struct Call {
    std::uint64_t burst = 0;  ///< 0: the core is in its own code
    std::uint16_t service = 0;
    bool operator==(const Call&) const = default;
  };

  /// `number`: not 0, and never the same for two bursts of a core. Each of its calls is of another service.
  void begin_burst(std::uint64_t number) { burst_.store(number, std::memory_order_relaxed); }
  void enter(std::uint16_t service) { service_.store(service, std::memory_order_relaxed); }
  void end_burst() { burst_.store(0, std::memory_order_relaxed); }

  /// Of a core that goes on meanwhile, the two may belong to different calls; of one that is inside a call, they do
  /// not.
  Call call() const { return {burst_.load(std::memory_order_relaxed), service_.load(std::memory_order_relaxed)}; }

 private:
  std::atomic<std::uint64_t> burst_{0};
  std::atomic<std::uint16_t> service_{0};
};

static_assert(sizeof(CallMark) == cache_line);

}  // namespace portier::crosscore
