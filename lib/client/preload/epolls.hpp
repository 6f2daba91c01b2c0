/// epoll instances of the program that watch sockets on the mailbox.
#pragma once

#include <sys/epoll.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "client/preload/wait.hpp"

namespace portier::preload {

/// A registered socket is in the kernel's epoll twice, with the program's data both times: itself, for what the kernel
/// has, and its bell. So edges, one-shots and exclusive waits are the kernel's own.
class Epoll {
 public:
  /// epoll_ctl(2) for a socket on the mailbox.
  int control(int epfd, int operation, int fd, BoundSocket& socket, epoll_event* event);
  /// epoll_pwait2(2).
  int wait(int epfd, epoll_event* events, int room, Deadline end, const sigset_t* mask);
  /// The rest of a wait that began before the epoll watched anything of ours, and has come back with `count` events.
  int wait_on(int epfd, epoll_event* events, int room, int count, Deadline end, const sigset_t* mask);
  void forget(int epfd, int fd);
  bool is_empty();
  void clear();

  // ---- around fork ----
  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }
  void forget_parents(int epfd);

 private:
  struct Watch {
    int fd;
    BoundSocket* socket;
    epoll_event event;
    bool is_spent;  ///< a one-shot that has fired
  };
  struct Known {
    const Lane* lane;
    std::uint64_t generation;
  };
  enum class Look { sleep, mail, again };

  Look look(int epfd, ArmedLanes& lanes);
  void register_lanes(int epfd, const ArmedLanes& lanes);
  int sort_out(int epfd, epoll_event* events, int count, const ArmedLanes& lanes);
  void spend(int epfd, const epoll_event& event);
  void merge(epoll_event* events, int& count) const;
  void make_kick(int epfd);
  void kick();

  std::mutex mutex_;
  std::vector<Watch> watches_;
  std::vector<Known> known_;  ///< lanes whose descriptors the kernel's epoll has
  int kick_ = -1;             ///< for registrations that change while another thread sleeps
  unsigned sleepers_ = 0;
};

/// By descriptor. Instances are never freed, but used again.
class Epolls {
 public:
  /// Null: this epoll watches no socket of ours.
  static Epoll* find(int epfd);
  Epoll& make(int epfd);
  /// A descriptor of the program is closed: an epoll, or a socket that some watch.
  void forget_epoll(int epfd);
  void forget_socket(int fd);

  // ---- around fork ----
  void lock_all();
  void unlock_all();
  void forget_parents();

 private:
  struct Place {
    int epfd = -1;  ///< -1: unused
    std::unique_ptr<Epoll> epoll;
  };
  std::mutex mutex_;  ///< before an epoll's
  std::vector<Place> all_;
};

Epolls& epolls();

}  // namespace portier::preload
