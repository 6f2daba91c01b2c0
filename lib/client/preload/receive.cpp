/// A datagram into the program's message, as the kernel would have put it there.
#include "client/preload/receive.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "client/preload/ancillary.hpp"
#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"
#include "client/preload/wait.hpp"

namespace portier::preload {

namespace {

constexpr unsigned most_in_a_row = 64;  // then the kernel's socket gets a look

/// The front of the queue. The socket's mutex is held.
ssize_t take_front(BoundSocket& socket, msghdr& message, int flags) {
  const auto& datagram = socket.queue.front();
  const auto& payload = datagram.payload;
  std::size_t copied = 0;
  for (std::size_t i = 0; i < message.msg_iovlen && copied < payload.size(); ++i) {
    const auto& part = message.msg_iov[i];
    const auto length = std::min(part.iov_len, payload.size() - copied);
    if (length != 0) std::memcpy(part.iov_base, payload.data() + copied, length);
    copied += length;
  }
  message.msg_flags = copied < payload.size() ? MSG_TRUNC : 0;
  write_name(remote_of(datagram.flow), socket.binding.family, message.msg_name, &message.msg_namelen);
  write_arrival(socket, datagram.flow, message);
  const auto result = static_cast<ssize_t>((flags & MSG_TRUNC) != 0 ? payload.size() : copied);
  socket.peers.remember(datagram.flow);
  if ((flags & MSG_PEEK) == 0) {
    socket.queue.pop();
    socket.in_a_row += 1;
  }
  return result;
}

/// -1 with EAGAIN: nothing is queued, or it is the kernel's turn.
ssize_t take(BoundSocket& socket, msghdr& message, int flags, bool is_kernels_turn_too) {
  const std::lock_guard lock(socket.mutex);
  if (socket.queue.is_empty() || (is_kernels_turn_too && socket.in_a_row >= most_in_a_row)) {
    errno = EAGAIN;
    return -1;
  }
  return take_front(socket, message, flags);
}

ssize_t take_from_kernel(BoundSocket& socket, int fd, msghdr& message, int flags) {
  const auto result = kernel().recvmsg(fd, &message, flags | MSG_DONTWAIT);
  const int error = errno;
  {
    const std::lock_guard lock(socket.mutex);
    socket.in_a_row = 0;
    if (result >= 0 && (flags & MSG_PEEK) == 0) socket.from_kernel += 1;
  }
  // Closed behind the library's back, and the number used for something else.
  if (result < 0 && (error == EBADF || error == ENOTSOCK)) registry().forget(fd);
  errno = error;
  return result;
}

Deadline receive_deadline(int fd) {
  timeval limit{};
  socklen_t size = sizeof limit;
  if (getsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, &size) != 0) return std::nullopt;
  if (limit.tv_sec == 0 && limit.tv_usec == 0) return std::nullopt;
  return Clock::now() + std::chrono::seconds(limit.tv_sec) + std::chrono::microseconds(limit.tv_usec);
}

/// Neither has anything: false with errno, or something may have come.
bool wait_for_any(int fd, Deadline end) {
  pollfd entry{fd, POLLIN, 0};
  while (true) {
    const int ready = wait_poll(&entry, 1, end, nullptr);
    if (ready > 0) return true;
    if (ready == 0) errno = EAGAIN;
    if (ready == 0 || errno != EINTR || end || !should_restart()) return false;
  }
}

}  // namespace

ssize_t receive(BoundSocket& socket, int fd, msghdr& message, int flags) {
  if ((flags & (MSG_ERRQUEUE | MSG_OOB)) != 0) return kernel().recvmsg(fd, &message, flags);
  auto result = take(socket, message, flags, true);
  if (result >= 0) return result;
  bool may_block = (flags & MSG_DONTWAIT) == 0;
  Deadline end;
  for (bool is_first = true;; is_first = false) {
    const bool mail = has_mail(socket);
    result = take(socket, message, flags, true);
    if (result >= 0) return result;
    result = take_from_kernel(socket, fd, message, flags);
    if (result >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) return result;
    if (mail) {  // the kernel had its turn
      result = take(socket, message, flags, false);
      if (result >= 0) return result;
    }
    if (is_first) {
      // The flag is the kernel's, whoever sets it: asked for only when it matters.
      may_block = may_block && (kernel().fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
      end = may_block ? receive_deadline(fd) : std::nullopt;
    }
    errno = EAGAIN;
    if (!may_block || !wait_for_any(fd, end)) return -1;
  }
}

ssize_t receive_into(BoundSocket& socket, int fd, void* buffer, std::size_t room, int flags, sockaddr* name,
                     socklen_t* name_length) {
  iovec part{buffer, room};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = name;
  message.msg_namelen = name_length == nullptr ? 0 : *name_length;
  const auto result = receive(socket, fd, message, flags);
  if (result >= 0 && name_length != nullptr) *name_length = message.msg_namelen;
  return result;
}

int receive_many(BoundSocket& socket, int fd, mmsghdr* messages, unsigned count, int flags, const timespec* timeout) {
  const auto end = deadline_in(timeout);
  const bool is_one_enough = (flags & MSG_WAITFORONE) != 0;
  flags &= ~MSG_WAITFORONE;
  unsigned done = 0;
  for (; done < count; ++done) {
    auto& message = messages[done].msg_hdr;
    // Behind the first one, the kernel's socket is not looked at for every message: it has its turn at the next call.
    auto result = done == 0 ? -1 : take(socket, message, flags, false);
    if (result < 0 && done != 0 && has_mail(socket)) result = take(socket, message, flags, false);
    if (result < 0) {
      if (done != 0 && is_one_enough) break;
      result = receive(socket, fd, message, flags);
    }
    if (result < 0) break;
    messages[done].msg_len = static_cast<unsigned>(result);
    if (end && Clock::now() >= *end) {
      done += 1;
      break;
    }
  }
  return done != 0 || count == 0 ? static_cast<int>(done) : -1;
}

int next_length(BoundSocket& socket) {
  const std::lock_guard lock(socket.mutex);
  return socket.queue.is_empty() ? -1 : static_cast<int>(socket.queue.front().payload.size());
}

}  // namespace portier::preload
