/// Receiving on a socket that is on the mailbox: what is queued first, then what the kernel has.
#pragma once

#include <sys/socket.h>

#include <cstddef>

namespace portier::preload {

struct BoundSocket;

/// recvmsg(2). A blocking socket waits for either.
ssize_t receive(BoundSocket& socket, int fd, msghdr& message, int flags);
/// recvmmsg(2).
int receive_many(BoundSocket& socket, int fd, mmsghdr* messages, unsigned count, int flags, const timespec* timeout);
/// recv(2), recvfrom(2), read(2).
ssize_t receive_into(BoundSocket& socket, int fd, void* buffer, std::size_t room, int flags, sockaddr* name,
                     socklen_t* name_length);
/// Of the next datagram, as FIONREAD has it; -1: nothing is queued here.
int next_length(BoundSocket& socket);

}  // namespace portier::preload
