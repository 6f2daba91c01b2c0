/// Which descriptors of the program are sockets on the mailbox, and which socket a datagram is for.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "client/preload/bound_socket.hpp"
#include "client/preload/lane.hpp"
#include "crosscore/pointer_table.hpp"

namespace portier::preload {

/// The order of mutexes: an epoll's, a lane's, the registry's, a socket's.
class Registry {
 public:
  static constexpr std::size_t most_descriptors = 65536;  ///< higher ones are the kernel's alone
  static constexpr std::size_t lanes = 64;                ///< as many processes as a mailbox has places for

  /// Null: the kernel's. Takes no lock, as it is asked before every read and write of the program.
  static BoundSocket* find(int fd);

  /// Descriptors of the library's own, which the program did not open and must not close.
  static void guard(int fd);
  static void unguard(int fd);
  static bool is_guarded(int fd);

  /// A socket that was just bound, or came with the program: takes it when it is UDP and its port is one to take.
  void adopt(int fd);
  /// Another descriptor for it.
  void duplicate(BoundSocket& socket, int fd);
  /// The descriptor is, or is about to be, closed.
  void forget(int fd);
  /// What the program asked for by setsockopt; the kernel keeps it.
  static void read_options(BoundSocket& socket, int fd);
  /// Null: connected to nobody any more.
  void set_peer(BoundSocket& socket, const Endpoint* peer, bool is_ours_alone);

  /// The socket for a datagram that came by `lane`, or null. Under `mutex()`, shared.
  BoundSocket* choose(const portier_flow& flow, const Lane& lane) const;
  std::shared_mutex& mutex() { return mutex_; }
  /// What it is bound to at this moment.
  Binding binding_of(const BoundSocket& socket);
  bool is_peer_ours_alone(const BoundSocket& socket);

  /// "received 12, ..." of all lanes and sockets; empty when there has never been one.
  std::string report();

  // ---- around fork ----
  void lock_all();
  void unlock_all(bool is_child);
  void forget_parents();

 private:
  Lane& free_lane(const Binding& binding);

  std::shared_mutex mutex_;
  std::array<Lane, lanes> lanes_;
  std::unordered_map<std::uint16_t, std::vector<BoundSocket*>> by_port_;
  std::vector<std::unique_ptr<BoundSocket>> all_;
  std::vector<BoundSocket*> unused_;
};

Registry& registry();

}  // namespace portier::preload
