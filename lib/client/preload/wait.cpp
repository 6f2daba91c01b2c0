/// The kernel watches the program's descriptors and the bells; nobody sleeps before the mailbox is known to be empty.
#include "client/preload/wait.hpp"

#include <algorithm>
#include <cerrno>

#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"

namespace portier::preload {

namespace {

constexpr short readable = POLLIN | POLLRDNORM;

struct Waited {
  nfds_t index;
  BoundSocket* socket;
};

/// Sockets that other threads should ring for, as long as this lives.
class Watching {
 public:
  explicit Watching(const std::vector<Waited>& sockets) : sockets_(sockets) {
    for (const auto& [index, socket] : sockets_) {
      const std::lock_guard lock(socket->mutex);
      socket->watch();
    }
  }
  ~Watching() {
    for (const auto& [index, socket] : sockets_) {
      const std::lock_guard lock(socket->mutex);
      if (socket->watchers != 0) socket->unwatch();
    }
  }
  Watching(const Watching&) = delete;
  Watching& operator=(const Watching&) = delete;

 private:
  const std::vector<Waited>& sockets_;
};

int kernel_poll(pollfd* entries, nfds_t count, Deadline end, const sigset_t* mask) {
  const auto left = end ? time_left(*end) : timespec{};
  return kernel().ppoll(entries, count, end ? &left : nullptr, mask);
}

/// What the kernel says now, and which sockets have mail.
int gather(pollfd* entries, nfds_t count, const std::vector<Waited>& sockets, const sigset_t* mask) {
  if (kernel_poll(entries, count, Clock::time_point{}, mask) < 0) return -1;
  for (const auto& [index, socket] : sockets) {
    if (has_mail(*socket))
      entries[index].revents = static_cast<short>(entries[index].revents | (entries[index].events & readable));
  }
  return static_cast<int>(
      std::count_if(entries, entries + count, [](const pollfd& entry) { return entry.revents != 0; }));
}

/// Sleeps on the program's entries, the lanes' events and the bells. Negative: the call failed, errno says why.
int sleep_once(const pollfd* entries, nfds_t count, const std::vector<Waited>& sockets, const ArmedLanes& lanes,
               Deadline end, const sigset_t* mask) {
  std::vector<pollfd> all(entries, entries + count);
  for (const auto& [index, socket] : sockets) {
    const std::lock_guard lock(socket->mutex);
    if (socket->queue.is_empty()) socket->tune_bell(false);
    all.push_back({socket->bell, POLLIN, 0});
  }
  const auto first_lane = all.size();
  for (const auto& armed : lanes.armed()) {
    all.push_back({armed.event_fd, POLLIN, 0});
    all.push_back({armed.hangup_fd, POLLIN, 0});
  }
  const int result = kernel_poll(all.data(), all.size(), lanes.end_of_sleep(end), mask);
  if (result <= 0) return result;
  for (std::size_t i = 0; i < lanes.armed().size(); ++i) {
    if (all[first_lane + 2 * i + 1].revents != 0) lanes.armed()[i].lane->look_for_hangup(lanes.armed()[i]);
  }
  return result;
}

}  // namespace

Deadline deadline_in(const timespec* timeout) {
  if (timeout == nullptr) return std::nullopt;
  constexpr time_t longest = 100L * 365 * 24 * 3600;
  return Clock::now() + std::chrono::seconds(std::clamp<time_t>(timeout->tv_sec, 0, longest)) +
         std::chrono::nanoseconds(timeout->tv_nsec);
}

Deadline deadline_in_ms(int timeout_ms) {
  if (timeout_ms < 0) return std::nullopt;
  return Clock::now() + std::chrono::milliseconds(timeout_ms);
}

timespec time_left(Clock::time_point end) {
  if (end == Clock::time_point{}) return {};
  const auto left = std::max<Clock::duration>(end - Clock::now(), Clock::duration::zero());
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(left);
  return {.tv_sec = seconds.count(), .tv_nsec = std::chrono::nanoseconds(left - seconds).count()};
}

ArmedLanes::~ArmedLanes() {
  const int error = errno;
  for (const auto& armed : armed_) armed.lane->disarm(armed);
  errno = error;
}

bool ArmedLanes::add(Lane& lane) {
  if (std::ranges::find(seen_, &lane) != seen_.end()) return true;
  Lane::Armed armed{};
  const auto arming = lane.arm(armed);
  if (arming == Lane::Arming::has_mail) return false;
  seen_.push_back(&lane);
  if (arming == Lane::Arming::armed) {
    armed_.push_back(armed);
  } else {
    const auto retry = lane.retry_at();
    retry_at_ = retry_at_ ? std::min(*retry_at_, retry) : retry;
  }
  return true;
}

Deadline ArmedLanes::end_of_sleep(Deadline end) const {
  if (!retry_at_) return end;
  return end ? std::min(*end, *retry_at_) : retry_at_;
}

bool has_mail(BoundSocket& socket) {
  {
    const std::lock_guard lock(socket.mutex);
    if (!socket.queue.is_empty()) return true;
  }
  if (socket.lane != nullptr) socket.lane->fetch(socket);
  const std::lock_guard lock(socket.mutex);
  return !socket.queue.is_empty();
}

bool has_sockets(pollfd* entries, nfds_t count) {
  if (entries == nullptr) return false;
  return std::any_of(entries, entries + count, [](const pollfd& entry) { return Registry::find(entry.fd) != nullptr; });
}

int wait_poll(pollfd* entries, nfds_t count, Deadline end, const sigset_t* mask) {
  std::vector<Waited> sockets;
  for (nfds_t i = 0; i < count; ++i) {
    if ((entries[i].events & readable) == 0) continue;
    if (auto* socket = Registry::find(entries[i].fd); socket != nullptr) sockets.push_back({i, socket});
  }
  if (sockets.empty()) return kernel_poll(entries, count, end, mask);
  const Watching watching(sockets);
  while (true) {
    if (const int ready = gather(entries, count, sockets, mask); ready != 0) return ready;
    if (end && Clock::now() >= *end) return 0;
    ArmedLanes lanes;
    const bool may_sleep =
        std::ranges::all_of(sockets, [&](const Waited& waited) { return lanes.add(*waited.socket->lane); });
    if (may_sleep && sleep_once(entries, count, sockets, lanes, end, mask) < 0) return -1;
  }
}

bool should_restart() {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action {};
    if (sigaction(signal, nullptr, &action) != 0) continue;
    const bool has_handler =
        (action.sa_flags & SA_SIGINFO) != 0 || (action.sa_handler != SIG_DFL && action.sa_handler != SIG_IGN);
    if (has_handler && (action.sa_flags & SA_RESTART) == 0) return false;
  }
  return true;
}

}  // namespace portier::preload
