/// A UDP socket of the program that is on the mailbox: its descriptors stay real sockets, bound in the kernel as well.
#pragma once

#include <cstdint>
#include <mutex>

#include "client/preload/datagram_queue.hpp"
#include "client/preload/endpoint.hpp"
#include "client/preload/peer_table.hpp"

namespace portier::preload {

class Lane;

/// Never freed, but used again for another socket: a thread may still hold the address of one that was just closed.
struct BoundSocket {
  // ---- written under the registry's mutex ----
  Binding binding;
  Lane* lane = nullptr;
  unsigned descriptors = 0;  ///< dup makes more
  /// The kernel knows no way to the peer of connect(), so it is only known here.
  bool is_peer_ours_alone = false;

  // ---- under its own mutex, the innermost one ----
  std::mutex mutex;
  DatagramQueue queue;
  PeerTable peers;
  bool wants_ipv4_info = false;  ///< IP_PKTINFO
  bool wants_ipv6_info = false;  ///< IPV6_RECVPKTINFO
  unsigned in_a_row = 0;         ///< datagrams since the kernel's socket was last looked at
  std::uint64_t to_kernel = 0;   ///< datagrams to peers that were never heard of, and back
  std::uint64_t from_kernel = 0;

  /// Readable while the queue is not empty, as far as somebody watches: for threads that wait while another one
  /// fetches.
  int bell = -1;
  unsigned watchers = 0;  ///< waiting calls and registrations in epolls
  bool is_ringing = false;
  bool is_fresh = false;  ///< something was queued since the bell was last looked after

  /// Something was queued by another thread's fetching.
  void ring();
  /// Makes the bell say what is so. `each_time`: edges are counted, so that every new datagram rings again.
  void tune_bell(bool each_time);
  void watch();  ///< makes the bell if need be
  void unwatch() { watchers -= 1; }
  /// As new; what the queue held is lost.
  void reset();
  /// In the child of a fork: the queue stays the parent's, and so does the bell.
  void forget_parents();

 private:
  void close_bell();
};

}  // namespace portier::preload
