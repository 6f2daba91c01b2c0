/// Reading and writing, by every name that the C library has for it.
#include <cerrno>

#include "client/preload/calls.hpp"
#include "client/preload/receive.hpp"
#include "client/preload/send.hpp"

using portier::preload::kernel;
using portier::preload::Registry;
namespace preload = portier::preload;

namespace {

void check_room(size_t asked, size_t room) {
  if (asked > room) __chk_fail();
}

msghdr message_of(const iovec* parts, int count) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts);
  message.msg_iovlen = static_cast<size_t>(count);
  return message;
}

}  // namespace

PORTIER_CALL ssize_t read(int fd, void* buffer, size_t length) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().read(fd, buffer, length);
  return preload::receive_into(*socket, fd, buffer, length, 0, nullptr, nullptr);
}

PORTIER_CALL ssize_t readv(int fd, const iovec* parts, int count) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || count < 0) return kernel().readv(fd, parts, count);
  auto message = message_of(parts, count);
  return preload::receive(*socket, fd, message, 0);
}

PORTIER_CALL ssize_t recv(int fd, void* buffer, size_t length, int flags) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().recv(fd, buffer, length, flags);
  return preload::receive_into(*socket, fd, buffer, length, flags, nullptr, nullptr);
}

PORTIER_CALL ssize_t recvfrom(int fd, void* __restrict buffer, size_t length, int flags, sockaddr* __restrict name,
                              socklen_t* __restrict name_length) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().recvfrom(fd, buffer, length, flags, name, name_length);
  return preload::receive_into(*socket, fd, buffer, length, flags, name, name_length);
}

PORTIER_CALL ssize_t recvmsg(int fd, msghdr* message, int flags) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || message == nullptr) return kernel().recvmsg(fd, message, flags);
  return preload::receive(*socket, fd, *message, flags);
}

PORTIER_CALL int recvmmsg(int fd, mmsghdr* messages, unsigned count, int flags, timespec* timeout) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || messages == nullptr) return kernel().recvmmsg(fd, messages, count, flags, timeout);
  return preload::receive_many(*socket, fd, messages, count, flags, timeout);
}

PORTIER_CALL ssize_t write(int fd, const void* buffer, size_t length) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().write(fd, buffer, length);
  return preload::send_from(*socket, fd, buffer, length, 0, nullptr, 0);
}

PORTIER_CALL ssize_t writev(int fd, const iovec* parts, int count) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || count < 0) return kernel().writev(fd, parts, count);
  return preload::send(*socket, fd, message_of(parts, count), 0);
}

PORTIER_CALL ssize_t send(int fd, const void* buffer, size_t length, int flags) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().send(fd, buffer, length, flags);
  return preload::send_from(*socket, fd, buffer, length, flags, nullptr, 0);
}

PORTIER_CALL ssize_t sendto(int fd, const void* buffer, size_t length, int flags, const sockaddr* name,
                            socklen_t name_length) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr) return kernel().sendto(fd, buffer, length, flags, name, name_length);
  return preload::send_from(*socket, fd, buffer, length, flags, name, name_length);
}

PORTIER_CALL ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || message == nullptr) return kernel().sendmsg(fd, message, flags);
  return preload::send(*socket, fd, *message, flags);
}

PORTIER_CALL int sendmmsg(int fd, mmsghdr* messages, unsigned count, int flags) {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || messages == nullptr) return kernel().sendmmsg(fd, messages, count, flags);
  return preload::send_many(*socket, fd, messages, count, flags);
}

// What programs that were compiled with _FORTIFY_SOURCE call instead.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
PORTIER_CALL ssize_t __read_chk(int fd, void* buffer, size_t length, size_t room) {
  check_room(length, room);
  return read(fd, buffer, length);
}

PORTIER_CALL ssize_t __recv_chk(int fd, void* buffer, size_t length, size_t room, int flags) {
  check_room(length, room);
  return recv(fd, buffer, length, flags);
}

PORTIER_CALL ssize_t __recvfrom_chk(int fd, void* __restrict buffer, size_t length, size_t room, int flags,
                                    sockaddr* __restrict name, socklen_t* __restrict name_length) {
  check_room(length, room);
  return recvfrom(fd, buffer, length, flags, name, name_length);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
