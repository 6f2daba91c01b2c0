/// Waiting for the kernel and the mailbox at once: what poll, select and a blocking receive come down to.
#pragma once

#include <poll.h>

#include <csignal>
#include <optional>
#include <vector>

#include "client/preload/bound_socket.hpp"
#include "client/preload/lane.hpp"

namespace portier::preload {

/// Until when; nothing: for ever.
using Deadline = std::optional<Clock::time_point>;

Deadline deadline_in(const timespec* timeout);
Deadline deadline_in_ms(int timeout_ms);
/// Not negative.
timespec time_left(Clock::time_point end);

/// The lanes of some sockets, armed; disarmed at the end.
class ArmedLanes {
 public:
  ArmedLanes() = default;
  ~ArmedLanes();
  ArmedLanes(const ArmedLanes&) = delete;
  ArmedLanes& operator=(const ArmedLanes&) = delete;

  /// False: there is mail to fetch first.
  bool add(Lane& lane);
  const std::vector<Lane::Armed>& armed() const { return armed_; }
  /// The earlier of `end` and when a lane without a router should be tried again.
  Deadline end_of_sleep(Deadline end) const;

 private:
  std::vector<const Lane*> seen_;
  std::vector<Lane::Armed> armed_;
  Deadline retry_at_;
};

/// Something is queued for the program; fetches when nothing is.
bool has_mail(BoundSocket& socket);

/// One of them is a socket on the mailbox. Not const, as the C library's headers say of poll that it only writes.
bool has_sockets(pollfd* entries, nfds_t count);

/// poll(2), where entries may be sockets on the mailbox.
int wait_poll(pollfd* entries, nfds_t count, Deadline end, const sigset_t* mask);

/// A signal came, and every handler of the program asks for calls to be restarted (SA_RESTART).
bool should_restart();

}  // namespace portier::preload
