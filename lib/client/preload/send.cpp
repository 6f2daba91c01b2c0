/// A message of the program as a datagram into the lane's ring.
#include "client/preload/send.hpp"

#include <time.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "client/preload/ancillary.hpp"
#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"
#include "client/preload/settings.hpp"
#include "client/preload/wait.hpp"
#include "packet/wire.hpp"

namespace portier::preload {

namespace {

constexpr auto longest_block = std::chrono::seconds(1);

ssize_t send_by_kernel(BoundSocket& socket, int fd, const msghdr& message, int flags) {
  const auto result = kernel().sendmsg(fd, &message, flags);
  const int error = errno;
  if (result >= 0) {
    const std::lock_guard lock(socket.mutex);
    socket.to_kernel += 1;
  }
  errno = error;
  return result;
}

/// Where the message goes: a flow that is known, with the local end that the program wants.
std::optional<portier_flow> flow_for(BoundSocket& socket, const msghdr& message) {
  const auto binding = registry().binding_of(socket);
  const auto remote = message.msg_name != nullptr ? endpoint_of(message.msg_name, message.msg_namelen) : binding.peer;
  if (!remote) return std::nullopt;
  portier_flow flow;
  {
    const std::lock_guard lock(socket.mutex);
    const auto* known = socket.peers.find(*remote);
    if (known == nullptr) return std::nullopt;
    flow = *known;
  }
  const auto set_local = [&](const Endpoint& local) {
    if (local.ip_version == flow.ip_version) std::ranges::copy(local.address, flow.local_address);
  };
  if (!binding.local.is_wildcard()) {
    set_local(binding.local);
  } else if (const auto from = departure_of(message)) {
    set_local(*from);
  }
  return flow;
}

/// The payload in one piece; `room` is used when it lies in several.
std::span<const std::uint8_t> gather(const msghdr& message, std::size_t length, std::span<std::uint8_t> room) {
  if (message.msg_iovlen == 1) return {static_cast<const std::uint8_t*>(message.msg_iov[0].iov_base), length};
  std::size_t at = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) {
    const auto& part = message.msg_iov[i];
    if (part.iov_len != 0) std::memcpy(room.data() + at, part.iov_base, part.iov_len);
    at += part.iov_len;
  }
  return room.first(length);
}

/// Waits for room in the ring where the socket may block: there is no descriptor that says so, but a router empties its
/// rings within microseconds.
int send_to_lane(Lane& lane, int fd, const portier_flow& flow, std::span<const std::uint8_t> payload, int flags) {
  int result = lane.send(flow, payload);
  if (result != -EAGAIN) return result;
  lane.flush();
  if ((flags & MSG_DONTWAIT) != 0 || (kernel().fcntl(fd, F_GETFL) & O_NONBLOCK) != 0) return result;
  const auto end = Clock::now() + longest_block;
  while (result == -EAGAIN && Clock::now() < end) {
    constexpr timespec nap{.tv_sec = 0, .tv_nsec = 50'000};
    nanosleep(&nap, nullptr);
    result = lane.send(flow, payload);
  }
  return result == -EAGAIN ? -ENOBUFS : result;
}

ssize_t send_unflushed(BoundSocket& socket, int fd, const msghdr& message, int flags) {
  const auto flow = flow_for(socket, message);
  if (!flow) return send_by_kernel(socket, fd, message, flags);
  std::size_t length = 0;
  for (std::size_t i = 0; i < message.msg_iovlen; ++i) length += message.msg_iov[i].iov_len;
  namespace wire = packet::wire;
  const std::size_t headers = (flow->ip_version == 4 ? wire::ipv4_size : wire::ipv6_size) + wire::udp_size;
  if (length > settings().mtu - headers) {
    errno = EMSGSIZE;
    return -1;
  }
  std::array<std::uint8_t, most_mtu> room;
  const int result = send_to_lane(*socket.lane, fd, *flow, gather(message, length, room), flags);
  // No router, or one with fewer cores than the flow knew: the kernel may know a way.
  if (result == -ENOTCONN || result == -EINVAL) return send_by_kernel(socket, fd, message, flags);
  if (result == 0) return static_cast<ssize_t>(length);
  errno = -result;
  return -1;
}

}  // namespace

ssize_t send(BoundSocket& socket, int fd, const msghdr& message, int flags) {
  const auto result = send_unflushed(socket, fd, message, flags);
  if (result >= 0) socket.lane->flush();
  return result;
}

int send_many(BoundSocket& socket, int fd, mmsghdr* messages, unsigned count, int flags) {
  unsigned done = 0;
  for (; done < count; ++done) {
    const auto result = send_unflushed(socket, fd, messages[done].msg_hdr, flags);
    if (result < 0) break;
    messages[done].msg_len = static_cast<unsigned>(result);
  }
  const int error = errno;
  if (done != 0) socket.lane->flush();
  errno = error;
  return done != 0 || count == 0 ? static_cast<int>(done) : -1;
}

ssize_t send_from(BoundSocket& socket, int fd, const void* buffer, std::size_t length, int flags, const sockaddr* name,
                  socklen_t name_length) {
  iovec part{const_cast<void*>(buffer), length};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_name = const_cast<sockaddr*>(name);
  message.msg_namelen = name_length;
  return send(socket, fd, message, flags);
}

}  // namespace portier::preload
