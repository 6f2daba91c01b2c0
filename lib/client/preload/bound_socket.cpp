/// The bell: an eventfd.
#include "client/preload/bound_socket.hpp"

#include <sys/eventfd.h>

#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"

namespace portier::preload {

void BoundSocket::ring() {
  is_fresh = true;
  if (watchers == 0 || bell < 0 || is_ringing) return;
  constexpr std::uint64_t once = 1;
  is_ringing = kernel().write(bell, &once, sizeof once) == sizeof once;
}

void BoundSocket::tune_bell(bool each_time) {
  if (bell < 0) return;
  std::uint64_t count = 1;
  if (queue.is_empty()) {
    if (is_ringing) [[maybe_unused]]
      const auto length = kernel().read(bell, &count, sizeof count);
    is_ringing = false;
  } else if (!is_ringing || (each_time && is_fresh)) {
    is_ringing = kernel().write(bell, &count, sizeof count) == sizeof count;
  }
  is_fresh = false;
}

void BoundSocket::watch() {
  watchers += 1;
  if (bell >= 0) return;
  bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  Registry::guard(bell);
}

void BoundSocket::reset() {
  queue.clear();
  peers.clear();
  close_bell();
  in_a_row = 0;
  wants_ipv4_info = wants_ipv6_info = false;
}

void BoundSocket::forget_parents() {
  queue.clear();
  close_bell();
  to_kernel = from_kernel = 0;
}

void BoundSocket::close_bell() {
  if (bell >= 0) {
    Registry::unguard(bell);
    kernel().close(bell);
  }
  bell = -1;
  watchers = 0;
  is_ringing = is_fresh = false;
}

}  // namespace portier::preload
