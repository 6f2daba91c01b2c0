/// bind, connect, setsockopt, and how descriptors come and go.
#include <linux/close_range.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>

#include "client/preload/calls.hpp"
#include "client/preload/epolls.hpp"
#include "client/preload/receive.hpp"
#include "client/preload/settings.hpp"
#include "client/preload/wait.hpp"

using portier::preload::BoundSocket;
using portier::preload::Epolls;
using portier::preload::epolls;
using portier::preload::kernel;
using portier::preload::Registry;
using portier::preload::registry;

namespace {

/// The number is free, or about to be.
void let_go(int fd) {
  if (Registry::find(fd) != nullptr) {
    epolls().forget_socket(fd);
    registry().forget(fd);
  }
  epolls().forget_epoll(fd);
}

int as_copy(int fd, int copy) {
  if (copy >= 0 && copy != fd) {
    let_go(copy);
    if (auto* socket = Registry::find(fd); socket != nullptr) registry().duplicate(*socket, copy);
  }
  return copy;
}

/// The address may be the router's alone: then the kernel is asked to bind to what it does not own.
int bind_freely(int fd, const sockaddr* name, socklen_t length) {
  const auto endpoint = portier::preload::endpoint_of(name, length);
  int protocol = 0;
  socklen_t size = sizeof protocol;
  const bool is_udp = getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) == 0 && protocol == IPPROTO_UDP;
  if (!is_udp || !endpoint || !portier::preload::settings().takes(endpoint->port)) {
    errno = EADDRNOTAVAIL;
    return -1;
  }
  constexpr int on = 1;
  kernel().setsockopt(fd, IPPROTO_IP, IP_FREEBIND, &on, sizeof on);
  if (name->sa_family == AF_INET6) kernel().setsockopt(fd, IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on);
  return kernel().bind(fd, name, length);
}

}  // namespace

PORTIER_CALL int socket(int domain, int type, int protocol) noexcept {
  const int fd = kernel().socket(domain, type, protocol);
  // An old socket of that number was closed behind the library's back.
  if (fd >= 0 && Registry::find(fd) != nullptr && !portier::preload::Lane::is_connecting()) let_go(fd);
  return fd;
}

PORTIER_CALL int bind(int fd, const sockaddr* name, socklen_t length) noexcept {
  int result = kernel().bind(fd, name, length);
  if (result != 0 && errno == EADDRNOTAVAIL) result = bind_freely(fd, name, length);
  if (result == 0) registry().adopt(fd);
  return result;
}

PORTIER_CALL int connect(int fd, const sockaddr* name, socklen_t length) {
  auto* const socket = Registry::find(fd);
  int result = kernel().connect(fd, name, length);
  if (socket == nullptr) return result;
  const auto peer = portier::preload::endpoint_of(name, length);
  // The kernel may know no way to somebody whom the router talks to.
  const bool is_ours_alone =
      result != 0 && peer && (errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EADDRNOTAVAIL);
  if (result == 0 || is_ours_alone) registry().set_peer(*socket, peer ? &*peer : nullptr, is_ours_alone);
  return is_ours_alone ? 0 : result;
}

PORTIER_CALL int getpeername(int fd, sockaddr* name, socklen_t* length) noexcept {
  auto* const socket = Registry::find(fd);
  if (socket == nullptr || !registry().is_peer_ours_alone(*socket)) return kernel().getpeername(fd, name, length);
  const auto binding = registry().binding_of(*socket);
  portier::preload::write_name(*binding.peer, binding.family, name, length);
  return 0;
}

PORTIER_CALL int setsockopt(int fd, int level, int option, const void* value, socklen_t length) noexcept {
  auto* const socket = Registry::find(fd);
  // Nobody here would cut one long payload into datagrams; programs that ask for it can do without.
  if (socket != nullptr && level == IPPROTO_UDP && option == UDP_SEGMENT) {
    errno = ENOPROTOOPT;
    return -1;
  }
  const int result = kernel().setsockopt(fd, level, option, value, length);
  if (result == 0 && socket != nullptr && (level == IPPROTO_IP || level == IPPROTO_IPV6)) {
    Registry::read_options(*socket, fd);
  }
  return result;
}

PORTIER_CALL int close(int fd) {
  if (Registry::is_guarded(fd)) {
    errno = EBADF;
    return -1;
  }
  let_go(fd);
  return kernel().close(fd);
}

PORTIER_CALL int close_range(unsigned first, unsigned last, int flags) noexcept {
  if ((static_cast<unsigned>(flags) & CLOSE_RANGE_CLOEXEC) != 0) return kernel().close_range(first, last, flags);
  const unsigned end = std::min<unsigned>(last, Registry::most_descriptors - 1);
  int result = 0;
  unsigned from = first;
  for (unsigned fd = first; fd <= end; ++fd) {
    const int number = static_cast<int>(fd);
    if (!Registry::is_guarded(number)) {
      let_go(number);
      continue;
    }
    if (from < fd) result |= kernel().close_range(from, fd - 1, flags);
    from = fd + 1;
  }
  if (from <= last) result |= kernel().close_range(from, last, flags);
  return result;
}

PORTIER_CALL void closefrom(int first) noexcept { close_range(static_cast<unsigned>(std::max(first, 0)), ~0U, 0); }

PORTIER_CALL int dup(int fd) noexcept { return as_copy(fd, kernel().dup(fd)); }

PORTIER_CALL int dup2(int fd, int copy) noexcept {
  if (Registry::is_guarded(copy)) {
    errno = EBUSY;
    return -1;
  }
  return as_copy(fd, kernel().dup2(fd, copy));
}

PORTIER_CALL int dup3(int fd, int copy, int flags) noexcept {
  if (Registry::is_guarded(copy)) {
    errno = EBUSY;
    return -1;
  }
  return as_copy(fd, kernel().dup3(fd, copy, flags));
}

// Whatever the third argument is, it fits a long; a call without one passes on what nobody reads.
PORTIER_CALL int fcntl(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  const int result = kernel().fcntl(fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? as_copy(fd, result) : result;
}

PORTIER_CALL int fcntl64(int fd, int command, ...) {
  va_list list;
  va_start(list, command);
  const long argument = va_arg(list, long);
  va_end(list);
  const int result = kernel().fcntl64(fd, command, argument);
  return command == F_DUPFD || command == F_DUPFD_CLOEXEC ? as_copy(fd, result) : result;
}

PORTIER_CALL int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list list;
  va_start(list, request);
  void* const argument = va_arg(list, void*);
  va_end(list);
  if (request == FIONREAD) {
    if (auto* socket = Registry::find(fd); socket != nullptr && argument != nullptr) {
      const bool mail = portier::preload::has_mail(*socket);
      const int length = mail ? portier::preload::next_length(*socket) : -1;
      if (length >= 0) {
        *static_cast<int*>(argument) = length;
        return 0;
      }
    }
  }
  return kernel().ioctl(fd, request, argument);
}
