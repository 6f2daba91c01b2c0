/// What a core does when it found no work: spin, or spin for a while and then sleep in short bounded naps.
#pragma once

#include <rte_pause.h>
#include <sys/prctl.h>
#include <time.h>

namespace portier::datapath {

enum class Idle { spin, adaptive };

/// `adaptive`: after 1,024 empty turns (some tens of microseconds) a core naps 50 us after each further empty turn. The
/// first packet after a pause waits for the end of the nap: 50 us and the kernel's wake-up, about 60 to 150 us in all
/// on an ordinary kernel. `spin` never makes a system call. Yielding is no step in between: kernels with EEVDF
/// scheduling take the rest of its time slice from a thread that yields, which costs milliseconds on a busy CPU.
class IdleSteps {
 public:
  /// Made by the core's own thread.
  explicit IdleSteps(Idle idle) : idle_(idle) {
    if (idle == Idle::adaptive) prctl(PR_SET_TIMERSLACK, 1'000UL);  // naps end on time, not up to 50 us later
  }

  void after_turn(bool worked) {
    if (worked) {
      empty_turns_ = 0;
      return;
    }
    empty_turns_ += 1;
    if (idle_ == Idle::spin || empty_turns_ < nap_after) return rte_pause();
    empty_turns_ = nap_after;
    const timespec nap{.tv_sec = 0, .tv_nsec = 50'000};
    nanosleep(&nap, nullptr);
  }

 private:
  static constexpr unsigned nap_after = 1024;
  Idle idle_;
  unsigned empty_turns_ = 0;
};

}  // namespace portier::datapath
