/// Which epoll instances there are.
#include "client/preload/epolls.hpp"

#include <algorithm>

#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"

namespace portier::preload {

namespace {

constinit crosscore::PointerTable<Epoll, Registry::most_descriptors> by_descriptor;

}  // namespace

Epolls& epolls() {
  static auto& one = *new Epolls;
  return one;
}

Epoll* Epolls::find(int epfd) { return by_descriptor.at(epfd); }

Epoll& Epolls::make(int epfd) {
  const std::lock_guard lock(mutex_);
  if (auto* known = by_descriptor.at(epfd); known != nullptr) return *known;
  auto unused = std::ranges::find(all_, -1, &Place::epfd);
  if (unused == all_.end()) unused = all_.insert(all_.end(), Place{-1, std::make_unique<Epoll>()});
  unused->epfd = epfd;
  by_descriptor.set(epfd, unused->epoll.get());
  return *unused->epoll;
}

void Epolls::forget_epoll(int epfd) {
  if (find(epfd) == nullptr) return;
  const std::lock_guard lock(mutex_);
  const auto place = std::ranges::find(all_, epfd, &Place::epfd);
  if (place == all_.end()) return;
  by_descriptor.set(epfd, nullptr);
  place->epoll->clear();
  place->epfd = -1;
}

void Epolls::forget_socket(int fd) {
  const std::lock_guard lock(mutex_);
  for (auto& place : all_) {
    if (place.epfd >= 0) place.epoll->forget(place.epfd, fd);
  }
}

void Epolls::lock_all() {
  mutex_.lock();
  for (auto& place : all_) place.epoll->lock();
}

void Epolls::unlock_all() {
  for (auto& place : all_) place.epoll->unlock();
  mutex_.unlock();
}

void Epolls::forget_parents() {
  for (auto& place : all_) {
    if (place.epfd >= 0) place.epoll->forget_parents(place.epfd);
  }
}

}  // namespace portier::preload
