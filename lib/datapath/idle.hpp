/// What a core does when it found no work: spin, or step back in two bounded steps.
#pragma once

#include <sched.h>
#include <time.h>

#include <rte_pause.h>

namespace portier::datapath {

enum class Idle { spin, adaptive };

/// `adaptive`: pause for 256 empty turns, then yield the CPU each turn, and after 2,048 empty turns sleep 50 us a turn.
/// A sleeping core is awake again after at most 50 us plus the kernel's timer slack (about 60 to 150 us in all on an
/// ordinary kernel); the first packet after a pause waits that long. `spin` never makes a system call.
class IdleSteps {
 public:
  explicit IdleSteps(Idle idle) : idle_(idle) {}

  void after_turn(bool worked) {
    if (worked) {
      empty_turns_ = 0;
      return;
    }
    empty_turns_ += 1;
    if (idle_ == Idle::spin || empty_turns_ < yield_after) return rte_pause();
    if (empty_turns_ < sleep_after) {
      sched_yield();
      return;
    }
    const timespec nap{.tv_sec = 0, .tv_nsec = 50'000};
    nanosleep(&nap, nullptr);
  }

 private:
  static constexpr unsigned yield_after = 256;
  static constexpr unsigned sleep_after = 2048;
  Idle idle_;
  unsigned empty_turns_ = 0;
};

}  // namespace portier::datapath
