/// A pointer that control publishes and the data path loads once a turn, and a flag of the same kind.
#pragma once

#include <atomic>

#include "crosscore/slot.hpp"

namespace portier::crosscore {

/// Written by control, read by every data path core. Alone on its line: the cores poll it.
template <typename T>
class alignas(cache_line) Published {
 public:
  const T* load() const { return pointer_.load(std::memory_order_acquire); }
  void publish(const T* pointer) { pointer_.store(pointer, std::memory_order_release); }

 private:
  std::atomic<const T*> pointer_{nullptr};
};

/// How the data path is brought to rest, in this order; each step waits for the cores it concerns.
enum class Phase : int {
  run,
  stop_receiving,  ///< rx cores take nothing more in; workers go on
  drain_workers,   ///< workers empty their rings and end; rx cores still transmit for them
  stop,            ///< rx cores end
};

/// Written by control, polled by every core.
class alignas(cache_line) PhaseFlag {
 public:
  void ask(Phase phase) { asked_.store(phase, std::memory_order_release); }
  Phase asked() const { return asked_.load(std::memory_order_acquire); }

 private:
  std::atomic<Phase> asked_{Phase::run};
};

/// A core's word to control: "I have done that". Written by the core.
class alignas(cache_line) DoneFlag {
 public:
  void set() { done_.store(true, std::memory_order_release); }
  bool is_set() const { return done_.load(std::memory_order_acquire); }

 private:
  std::atomic<bool> done_{false};
};

}  // namespace portier::crosscore
