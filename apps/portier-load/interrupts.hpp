/// Ctrl-C and SIGTERM as something to wait for. To be made before any thread, which inherits what is blocked here.
#pragma once

#include <signal.h>

#include <algorithm>
#include <chrono>

namespace portier::load {

class Interrupts {
 public:
  Interrupts() {
    sigemptyset(&set_);
    for (const int number : {SIGINT, SIGTERM}) sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }

  /// Waits at most so long. True from the first signal on.
  bool wait(std::chrono::nanoseconds time) {
    time = std::max(time, std::chrono::nanoseconds(0));
    const timespec limit{.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
    if (sigtimedwait(&set_, nullptr, &limit) > 0) asked_ = true;
    return asked_;
  }
  bool asked() const { return asked_; }

 private:
  sigset_t set_;
  bool asked_ = false;
};

}  // namespace portier::load
