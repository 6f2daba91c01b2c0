/// The calls that the preload library stands in front of, as the C library has them.
#pragma once

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <fcntl.h>

// Every name here is one symbol that the library defines, too.
#define PORTIER_KERNEL_CALLS(X) \
  X(socket)                     \
  X(bind)                       \
  X(connect)                    \
  X(getpeername)                \
  X(setsockopt)                 \
  X(close)                      \
  X(close_range)                \
  X(closefrom)                  \
  X(dup)                        \
  X(dup2)                       \
  X(dup3)                       \
  X(fcntl)                      \
  X(fcntl64)                    \
  X(ioctl)                      \
  X(read)                       \
  X(readv)                      \
  X(recv)                       \
  X(recvfrom)                   \
  X(recvmsg)                    \
  X(recvmmsg)                   \
  X(write)                      \
  X(writev)                     \
  X(send)                       \
  X(sendto)                     \
  X(sendmsg)                    \
  X(sendmmsg)                   \
  X(poll)                       \
  X(ppoll)                      \
  X(select)                     \
  X(pselect)                    \
  X(epoll_ctl)                  \
  X(epoll_wait)                 \
  X(epoll_pwait)                \
  X(epoll_pwait2)

namespace portier::preload {

struct Kernel {
#define PORTIER_MEMBER(name) decltype(&::name) name = nullptr;
  PORTIER_KERNEL_CALLS(PORTIER_MEMBER)
#undef PORTIER_MEMBER
};

/// Looked up when it is first asked for, which may be before any constructor has run.
const Kernel& kernel();

}  // namespace portier::preload
