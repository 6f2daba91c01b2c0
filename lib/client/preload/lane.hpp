/// One connection of this process to the mailbox, shared by sockets that are bound to different addresses or ports.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <span>

#include "client/portier_client.h"

namespace portier::preload {

struct BoundSocket;

using Clock = std::chrono::steady_clock;

/// What became of packets that were taken out of the mailbox.
struct LaneCounts {
  std::uint64_t received = 0;   ///< taken out
  std::uint64_t queued = 0;     ///< for a socket
  std::uint64_t sent = 0;       ///< datagrams
  std::uint64_t no_socket = 0;  ///< no socket of this process is bound to that address and port, or connected to others
  std::uint64_t queue_full = 0;
  std::uint64_t fragments = 0;
  std::uint64_t bad_checksum = 0;
  std::uint64_t not_udp = 0;  ///< TCP and the like, and errors of ICMP
};

/// Connects when it is first used, after a fork again, and again when a router has gone and come back. Sockets bound to
/// one address and port (SO_REUSEPORT) have a lane each, so the router spreads flows over them.
class Lane {
 public:
  /// A lane that somebody waits for; `generation` tells connections apart.
  struct Armed {
    Lane* lane;
    std::uint64_t generation;
    int event_fd;
    int hangup_fd;
  };
  enum class Arming { armed, has_mail, absent };

  /// Moves what has come into the queues of the sockets that it is for; ends early once `reader` has a burst.
  void fetch(BoundSocket& reader);

  /// 0, -EAGAIN, -EINVAL as of portier_send; -ENOTCONN: no router is there.
  int send(const portier_flow& flow, std::span<const std::uint8_t> payload);
  void flush();

  /// `has_mail`: fetch first. After `armed` comes `disarm`, always.
  Arming arm(Armed& armed);
  void disarm(const Armed& armed);
  /// Hangs up when the router has; for when the descriptor says so.
  void look_for_hangup(const Armed& armed);
  /// When the next attempt to connect is due.
  Clock::time_point retry_at();

  /// No socket uses it any more.
  void close();

  LaneCounts counts();

  /// The thread is connecting: its own calls of socket and close are the library's.
  static bool is_connecting();

  // ---- around fork: the child has a connection of its own ----
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void forget_parents();

 private:
  bool is_there();
  void hang_up();
  void take(std::span<const portier_packet> packets, const BoundSocket& reader, std::size_t& for_reader);
  /// Who stops looking while others sleep sees that they will be woken.
  void pass_on();
  void wake_others();

  std::mutex mutex_;
  portier_client* client_ = nullptr;
  std::uint64_t generation_ = 0;
  unsigned armed_ = 0;
  Clock::time_point retry_at_{};
  Clock::time_point looked_at_{};  ///< for a hangup
  Clock::duration pause_{};
  bool has_complained_ = false;
  LaneCounts counts_;
};

}  // namespace portier::preload
