/// Instructions that this thread retires in user mode, by perf_event_open: where the machine has no such counter, or
/// does not give it to us, there is a sentence instead of a number.
#pragma once

#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

namespace portier::bench {

class Instructions {
 public:
  Instructions() {
    perf_event_attr wanted{};
    wanted.size = sizeof wanted;
    wanted.type = PERF_TYPE_HARDWARE;
    wanted.config = PERF_COUNT_HW_INSTRUCTIONS;
    wanted.exclude_kernel = 1;
    wanted.exclude_hv = 1;
    counter_ = static_cast<int>(syscall(SYS_perf_event_open, &wanted, 0, -1, -1, 0));
    if (counter_ < 0) error_ = errno;
  }
  ~Instructions() {
    if (counter_ >= 0) close(counter_);
  }
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;

  bool are_counted() const { return counter_ >= 0; }

  /// Since construction; 0 where nothing is counted. A system call: around thousands of packets, not around one.
  std::uint64_t now() const {
    std::uint64_t value = 0;
    if (counter_ < 0 || read(counter_, &value, sizeof value) != sizeof value) return 0;
    return value;
  }

  /// For the head of a report.
  std::string said() const {
    if (are_counted()) return "counted, user mode";
    const bool is_refused = error_ == EACCES || error_ == EPERM;
    return std::string("not counted: ") +
           (is_refused ? "perf_event_open refuses; lower kernel.perf_event_paranoid, or run as root"
                       : "this machine has no instruction counter for us") +
           " (" + std::strerror(error_) + "); scripts/instruction-budget counts them under valgrind";
  }

 private:
  int counter_ = -1;
  int error_ = 0;
};

}  // namespace portier::bench
