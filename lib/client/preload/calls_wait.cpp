/// poll, select and epoll.
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "client/preload/calls.hpp"
#include "client/preload/epolls.hpp"
#include "client/preload/settings.hpp"
#include "client/preload/wait.hpp"

using portier::preload::Deadline;
using portier::preload::Epolls;
using portier::preload::epolls;
using portier::preload::kernel;
using portier::preload::Registry;
namespace preload = portier::preload;

namespace {

bool is_in(const fd_set* set, int fd) {
  return set != nullptr && (set->fds_bits[fd / NFDBITS] & static_cast<fd_mask>(1UL << (fd % NFDBITS))) != 0;
}

bool has_ours(int limit, const fd_set* set) {
  for (int fd = 0; set != nullptr && fd < limit; ++fd) {
    if (is_in(set, fd) && Registry::find(fd) != nullptr) return true;
  }
  return false;
}

/// Keeps in `set` what `entry` says, and counts it.
int keep(fd_set* set, const pollfd& entry, short meant) {
  if (!is_in(set, entry.fd)) return 0;
  if ((entry.revents & meant) != 0) return 1;
  set->fds_bits[entry.fd / NFDBITS] &= ~static_cast<fd_mask>(1UL << (entry.fd % NFDBITS));
  return 0;
}

int select_by_poll(int limit, fd_set* in, fd_set* out, fd_set* odd, Deadline end, const sigset_t* mask) {
  std::vector<pollfd> entries;
  for (int fd = 0; fd < limit; ++fd) {
    const short events = static_cast<short>((is_in(in, fd) ? POLLIN : 0) | (is_in(out, fd) ? POLLOUT : 0) |
                                            (is_in(odd, fd) ? POLLPRI : 0));
    if (events != 0) entries.push_back({fd, events, 0});
  }
  if (preload::wait_poll(entries.data(), entries.size(), end, mask) < 0) return -1;
  const bool is_bad = std::ranges::any_of(entries, [](const pollfd& entry) { return (entry.revents & POLLNVAL) != 0; });
  if (is_bad) {
    errno = EBADF;
    return -1;
  }
  int count = 0;
  for (const auto& entry : entries) {
    count += keep(in, entry, POLLIN | POLLRDNORM | POLLRDBAND | POLLHUP | POLLERR);
    count += keep(out, entry, POLLOUT | POLLWRNORM | POLLWRBAND | POLLERR);
    count += keep(odd, entry, POLLPRI);
  }
  return count;
}

/// `wait` is the C library's call, for an epoll that watches nothing of ours: as far as is known before.
int epoll_by(const auto& wait, int epfd, epoll_event* events, int room, const auto& deadline, const sigset_t* mask) {
  auto* epoll = Epolls::find(epfd);
  if (epoll != nullptr && !epoll->is_empty()) return epoll->wait(epfd, events, room, deadline(), mask);
  if (portier::preload::settings().mailbox.empty()) return wait();
  const auto end = deadline();
  const int count = wait();
  if (count <= 0) return count;
  epoll = Epolls::find(epfd);
  return epoll == nullptr ? count : epoll->wait_on(epfd, events, room, count, end, mask);
}

}  // namespace

PORTIER_CALL int poll(pollfd* entries, nfds_t count, int timeout_ms) {
  if (!preload::has_sockets(entries, count)) return kernel().poll(entries, count, timeout_ms);
  return preload::wait_poll(entries, count, preload::deadline_in_ms(timeout_ms), nullptr);
}

PORTIER_CALL int ppoll(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask) {
  if (!preload::has_sockets(entries, count)) return kernel().ppoll(entries, count, timeout, mask);
  return preload::wait_poll(entries, count, preload::deadline_in(timeout), mask);
}

PORTIER_CALL int select(int limit, fd_set* __restrict in, fd_set* __restrict out, fd_set* __restrict odd,
                        timeval* __restrict timeout) {
  if (!has_ours(limit, in)) return kernel().select(limit, in, out, odd, timeout);
  Deadline end;
  if (timeout != nullptr) {
    if (timeout->tv_sec < 0 || timeout->tv_usec < 0) {
      errno = EINVAL;
      return -1;
    }
    const timespec length{.tv_sec = timeout->tv_sec, .tv_nsec = timeout->tv_usec * 1000};
    end = preload::deadline_in(&length);
  }
  const int result = select_by_poll(limit, in, out, odd, end, nullptr);
  if (end) {  // Linux says what is left
    const auto left = preload::time_left(*end);
    *timeout = {.tv_sec = left.tv_sec, .tv_usec = left.tv_nsec / 1000};
  }
  return result;
}

PORTIER_CALL int pselect(int limit, fd_set* __restrict in, fd_set* __restrict out, fd_set* __restrict odd,
                         const timespec* __restrict timeout, const sigset_t* __restrict mask) {
  if (!has_ours(limit, in)) return kernel().pselect(limit, in, out, odd, timeout, mask);
  return select_by_poll(limit, in, out, odd, preload::deadline_in(timeout), mask);
}

PORTIER_CALL int epoll_ctl(int epfd, int operation, int fd, epoll_event* event) noexcept {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().epoll_ctl(epfd, operation, fd, event);
  if (event == nullptr && operation != EPOLL_CTL_DEL) return kernel().epoll_ctl(epfd, operation, fd, event);
  return epolls().make(epfd).control(epfd, operation, fd, *socket, event);
}

PORTIER_CALL int epoll_wait(int epfd, epoll_event* events, int room, int timeout_ms) {
  const auto wait = [&] { return kernel().epoll_wait(epfd, events, room, timeout_ms); };
  return epoll_by(
      wait, epfd, events, room, [&] { return preload::deadline_in_ms(timeout_ms); }, nullptr);
}

PORTIER_CALL int epoll_pwait(int epfd, epoll_event* events, int room, int timeout_ms, const sigset_t* mask) {
  const auto wait = [&] { return kernel().epoll_pwait(epfd, events, room, timeout_ms, mask); };
  return epoll_by(
      wait, epfd, events, room, [&] { return preload::deadline_in_ms(timeout_ms); }, mask);
}

PORTIER_CALL int epoll_pwait2(int epfd, epoll_event* events, int room, const timespec* timeout, const sigset_t* mask) {
  const auto wait = [&] { return kernel().epoll_pwait2(epfd, events, room, timeout, mask); };
  return epoll_by(
      wait, epfd, events, room, [&] { return preload::deadline_in(timeout); }, mask);
}

// What programs that were compiled with _FORTIFY_SOURCE call instead.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
PORTIER_CALL int __poll_chk(pollfd* entries, nfds_t count, int timeout_ms, size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return poll(entries, count, timeout_ms);
}

PORTIER_CALL int __ppoll_chk(pollfd* entries, nfds_t count, const timespec* timeout, const sigset_t* mask,
                             size_t room) {
  if (room / sizeof(pollfd) < count) __chk_fail();
  return ppoll(entries, count, timeout, mask);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
