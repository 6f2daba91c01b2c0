/// Registrations and waits of one epoll instance.
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "client/preload/epolls.hpp"
#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"

namespace portier::preload {

namespace {

/// Data of what the library itself registers: addresses of its own, which the program cannot mean.
std::array<char, 3> own_data;
void* const event_data = &own_data[0];
void* const hangup_data = &own_data[1];
void* const kick_data = &own_data[2];

constexpr std::uint32_t readable = EPOLLIN | EPOLLRDNORM;
constexpr std::uint32_t manners = EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP;

void add_own(int epfd, int fd, void* data) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = data;
  kernel().epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event);
}

/// The registration of a bell.
epoll_event bell_event(const epoll_event& event) {
  auto bell = event;
  bell.events = event.events & manners;
  if ((event.events & readable) != 0) bell.events |= EPOLLIN;
  return bell;
}

}  // namespace

int Epoll::control(int epfd, int operation, int fd, BoundSocket& socket, epoll_event* event) {
  const std::lock_guard lock(mutex_);
  if (kernel().epoll_ctl(epfd, operation, fd, event) != 0) return -1;
  const auto found = std::ranges::find(watches_, fd, &Watch::fd);
  const std::lock_guard socket_lock(socket.mutex);
  if (operation == EPOLL_CTL_DEL) {
    if (found == watches_.end()) return 0;
    kernel().epoll_ctl(epfd, EPOLL_CTL_DEL, socket.bell, nullptr);
    if (socket.watchers != 0) socket.unwatch();
    watches_.erase(found);
    return 0;
  }
  const bool is_new = found == watches_.end();
  if (kick_ < 0) make_kick(epfd);
  if (is_new) {
    watches_.push_back({fd, &socket, *event, false});
    socket.watch();
  } else {
    found->event = *event;
    found->is_spent = false;
  }
  auto bell = bell_event(*event);
  kernel().epoll_ctl(epfd, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, socket.bell, &bell);
  kick();
  return 0;
}

/// Readable from the start: who sleeps in the kernel already, unaware of the library, comes back by it.
void Epoll::make_kick(int epfd) {
  kick_ = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
  Registry::guard(kick_);
  add_own(epfd, kick_, kick_data);
}

/// Others sleep without having armed what this registration needs.
void Epoll::kick() {
  if (sleepers_ == 0 || kick_ < 0) return;
  constexpr std::uint64_t once = 1;
  [[maybe_unused]] const auto length = kernel().write(kick_, &once, sizeof once);
}

/// Makes the bells say what is so, and arms the lanes where nothing is there.
Epoll::Look Epoll::look(int epfd, ArmedLanes& lanes) {
  const std::lock_guard lock(mutex_);
  bool is_level_ready = false;
  for (auto& [fd, socket, event, is_spent] : watches_) {
    if ((event.events & readable) == 0 || is_spent) continue;
    const bool is_edge = (event.events & EPOLLET) != 0;
    if (is_edge) socket->lane->fetch(*socket);
    const bool mail = has_mail(*socket);
    const std::lock_guard socket_lock(socket->mutex);
    socket->tune_bell(is_edge);
    is_level_ready |= mail && !is_edge;
  }
  if (is_level_ready) return Look::mail;
  for (const auto& watch : watches_) {
    if ((watch.event.events & readable) != 0 && !watch.is_spent && !lanes.add(*watch.socket->lane)) return Look::again;
  }
  register_lanes(epfd, lanes);
  sleepers_ += 1;
  return Look::sleep;
}

void Epoll::register_lanes(int epfd, const ArmedLanes& lanes) {
  for (const auto& armed : lanes.armed()) {
    const auto found = std::ranges::find(known_, armed.lane, &Known::lane);
    if (found != known_.end() && found->generation == armed.generation) continue;
    if (found == known_.end()) known_.push_back({armed.lane, armed.generation});
    else found->generation = armed.generation;
    add_own(epfd, armed.event_fd, event_data);
    add_own(epfd, armed.hangup_fd, hangup_data);
  }
}

int Epoll::wait(int epfd, epoll_event* events, int room, Deadline end, const sigset_t* mask) {
  while (true) {
    ArmedLanes lanes;
    const auto seen = look(epfd, lanes);
    if (seen == Look::again) continue;
    const auto until = seen == Look::mail ? Clock::time_point{} : lanes.end_of_sleep(end);
    const auto left = until ? time_left(*until) : timespec{};
    int count = kernel().epoll_pwait2(epfd, events, room, until ? &left : nullptr, mask);
    const int error = errno;
    count = sort_out(epfd, events, count, lanes);
    if (seen == Look::sleep) {
      const std::lock_guard lock(mutex_);
      if (sleepers_ != 0) sleepers_ -= 1;
    }
    errno = error;
    if (count != 0) return count;
    if (end && Clock::now() >= *end) return 0;
  }
}

int Epoll::wait_on(int epfd, epoll_event* events, int room, int count, Deadline end, const sigset_t* mask) {
  count = sort_out(epfd, events, count, ArmedLanes{});
  return count != 0 || (end && Clock::now() >= *end) ? count : wait(epfd, events, room, end, mask);
}

/// Takes out what is the library's own; returns how many are left.
int Epoll::sort_out(int epfd, epoll_event* events, int count, const ArmedLanes& lanes) {
  if (count <= 0) return count;
  bool has_hung_up = false;
  auto* const last = std::remove_if(events, events + count, [&](const epoll_event& event) {
    has_hung_up |= event.data.ptr == hangup_data;
    if (event.data.ptr == kick_data) {
      std::uint64_t ignored = 0;
      [[maybe_unused]] const auto length = kernel().read(kick_, &ignored, sizeof ignored);
    }
    return event.data.ptr == event_data || event.data.ptr == hangup_data || event.data.ptr == kick_data;
  });
  if (has_hung_up) {
    for (const auto& armed : lanes.armed()) armed.lane->look_for_hangup(armed);
  }
  count = static_cast<int>(last - events);
  const std::lock_guard lock(mutex_);
  merge(events, count);
  for (int i = 0; i < count; ++i) spend(epfd, events[i]);
  return count;
}

/// A socket and its bell may both have fired: one event for the program.
void Epoll::merge(epoll_event* events, int& count) const {
  for (const auto& watch : watches_) {
    epoll_event* first = nullptr;
    auto* const last = std::remove_if(events, events + count, [&](const epoll_event& event) {
      if (event.data.u64 != watch.event.data.u64) return false;
      if (first == nullptr) {
        first = const_cast<epoll_event*>(&event);
        return false;
      }
      first->events |= event.events;
      return true;
    });
    count = static_cast<int>(last - events);
  }
}

/// One of the two registrations of a one-shot has fired: neither may again.
void Epoll::spend(int epfd, const epoll_event& event) {
  for (auto& watch : watches_) {
    if ((watch.event.events & EPOLLONESHOT) == 0 || watch.event.data.u64 != event.data.u64) continue;
    watch.is_spent = true;
    epoll_event nothing = watch.event;
    nothing.events = 0;
    kernel().epoll_ctl(epfd, EPOLL_CTL_MOD, watch.fd, &nothing);
    kernel().epoll_ctl(epfd, EPOLL_CTL_MOD, watch.socket->bell, &nothing);
  }
}

void Epoll::forget(int epfd, int fd) {
  const std::lock_guard lock(mutex_);
  const auto found = std::ranges::find(watches_, fd, &Watch::fd);
  if (found == watches_.end()) return;
  auto& socket = *found->socket;
  watches_.erase(found);
  const std::lock_guard socket_lock(socket.mutex);
  kernel().epoll_ctl(epfd, EPOLL_CTL_DEL, socket.bell, nullptr);
  if (socket.watchers != 0) socket.unwatch();
}

bool Epoll::is_empty() {
  const std::lock_guard lock(mutex_);
  return watches_.empty();
}

void Epoll::clear() {
  const std::lock_guard lock(mutex_);
  for (const auto& watch : watches_) {
    const std::lock_guard socket_lock(watch.socket->mutex);
    if (watch.socket->watchers != 0) watch.socket->unwatch();
  }
  watches_.clear();
  known_.clear();
  if (kick_ >= 0) {
    Registry::unguard(kick_);
    kernel().close(kick_);
  }
  kick_ = -1;
  sleepers_ = 0;
}

/// The kernel's epoll is the parent's as well; the child adds bells of its own.
void Epoll::forget_parents(int epfd) {
  if (kick_ >= 0) {
    Registry::unguard(kick_);
    kernel().close(kick_);
  }
  kick_ = -1;
  sleepers_ = 0;
  known_.clear();
  if (!watches_.empty()) make_kick(epfd);
  for (auto& watch : watches_) {
    watch.socket->watch();
    auto bell = bell_event(watch.event);
    if (watch.is_spent) bell.events = 0;
    kernel().epoll_ctl(epfd, EPOLL_CTL_ADD, watch.socket->bell, &bell);
  }
}

}  // namespace portier::preload
