/// Sending from a socket that is on the mailbox: to whom it has heard from by the mailbox, to others by the kernel.
#pragma once

#include <sys/socket.h>

#include <cstddef>

namespace portier::preload {

struct BoundSocket;

/// sendmsg(2).
ssize_t send(BoundSocket& socket, int fd, const msghdr& message, int flags);
/// sendmmsg(2).
int send_many(BoundSocket& socket, int fd, mmsghdr* messages, unsigned count, int flags);
/// send(2), sendto(2), write(2).
ssize_t send_from(BoundSocket& socket, int fd, const void* buffer, std::size_t length, int flags, const sockaddr* name,
                  socklen_t name_length);

}  // namespace portier::preload
