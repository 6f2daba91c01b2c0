/// Control messages that carry the local address: IP_PKTINFO and IPV6_PKTINFO, in and out.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "client/preload/bound_socket.hpp"

namespace portier::preload {

/// Into the message's control room, as far as the socket has asked for it. The interface is 0: the kernel has none.
void write_arrival(const BoundSocket& socket, const portier_flow& flow, msghdr& message);

/// The local address that a message is to leave from, if it says one.
std::optional<Endpoint> departure_of(const msghdr& message);

}  // namespace portier::preload
