/// Sockets come by bind, go by close, and are looked up by every call in between.
#include "client/preload/registry.hpp"

#include <algorithm>
#include <mutex>
#include <new>
#include <set>
#include <string>

#include "client/preload/kernel.hpp"
#include "client/preload/settings.hpp"

namespace portier::preload {

namespace {

constinit crosscore::PointerTable<BoundSocket, Registry::most_descriptors> by_descriptor;

/// Stands for the library's own descriptors.
BoundSocket& own() {
  static auto& one = *new BoundSocket;
  return one;
}

int option(int fd, int level, int name, int missing) {
  int value = missing;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, name, &value, &size) == 0 ? value : missing;
}

std::optional<Endpoint> name_of(int fd, decltype(&::getsockname) ask) {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  if (ask(fd, reinterpret_cast<sockaddr*>(&name), &length) != 0) return std::nullopt;
  return endpoint_of(&name, length);
}

}  // namespace

Registry& registry() {
  static auto& one = *new Registry;  // other threads may outlive the end of main
  return one;
}

BoundSocket* Registry::find(int fd) {
  auto* const socket = by_descriptor.at(fd);
  return socket == nullptr || socket == &own() ? nullptr : socket;
}

void Registry::guard(int fd) { by_descriptor.set(fd, &own()); }
void Registry::unguard(int fd) { by_descriptor.set(fd, nullptr); }
bool Registry::is_guarded(int fd) {
  auto* const socket = by_descriptor.at(fd);
  return socket != nullptr && socket == &own();
}

void Registry::adopt(int fd) {
  if (settings().mailbox.empty() || find(fd) != nullptr || is_guarded(fd)) return;
  if (static_cast<std::size_t>(fd) >= most_descriptors) return;
  Binding binding;
  binding.family = option(fd, SOL_SOCKET, SO_DOMAIN, -1);
  if (binding.family != AF_INET && binding.family != AF_INET6) return;
  if (option(fd, SOL_SOCKET, SO_PROTOCOL, -1) != IPPROTO_UDP) return;
  const auto local = name_of(fd, &::getsockname);
  if (!local || !settings().takes(local->port)) return;
  binding.local = *local;
  binding.is_v6_only = binding.family == AF_INET6 && option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) != 0;
  binding.peer = name_of(fd, kernel().getpeername);

  const std::unique_lock lock(mutex_);
  if (unused_.empty()) unused_.push_back(all_.emplace_back(std::make_unique<BoundSocket>()).get());
  auto* const socket = unused_.back();
  unused_.pop_back();
  socket->lane = &free_lane(binding);
  socket->binding = binding;
  socket->descriptors = 1;
  socket->is_peer_ours_alone = false;
  read_options(*socket, fd);
  by_port_[binding.local.port].push_back(socket);
  by_descriptor.set(fd, socket);
}

/// The first that no socket of the same address and port has.
Lane& Registry::free_lane(const Binding& binding) {
  std::set<const Lane*> taken;
  for (const auto* other : by_port_[binding.local.port]) {
    if (other->binding.local == binding.local && other->binding.family == binding.family) taken.insert(other->lane);
  }
  const auto free = std::ranges::find_if(lanes_, [&](const Lane& lane) { return !taken.contains(&lane); });
  return free == lanes_.end() ? lanes_[taken.size() % lanes] : *free;
}

void Registry::duplicate(BoundSocket& socket, int fd) {
  const std::unique_lock lock(mutex_);
  if (socket.descriptors != 0 && by_descriptor.set(fd, &socket)) socket.descriptors += 1;
}

void Registry::forget(int fd) {
  auto* const socket = find(fd);
  if (socket == nullptr) return;
  bool is_lane_in_use = true;
  {
    const std::unique_lock lock(mutex_);
    if (by_descriptor.at(fd) != socket) return;
    by_descriptor.set(fd, nullptr);
    if (--socket->descriptors != 0) return;
    auto& same_port = by_port_[socket->binding.local.port];
    std::erase(same_port, socket);
    if (same_port.empty()) by_port_.erase(socket->binding.local.port);
    const std::lock_guard socket_lock(socket->mutex);
    socket->reset();
    unused_.push_back(socket);
    is_lane_in_use = std::ranges::any_of(
        all_, [&](const auto& other) { return other->descriptors != 0 && other->lane == socket->lane; });
  }
  if (!is_lane_in_use) socket->lane->close();
}

void Registry::read_options(BoundSocket& socket, int fd) {
  const bool ipv4 = option(fd, IPPROTO_IP, IP_PKTINFO, 0) != 0;
  const bool ipv6 = option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 0) != 0;
  const std::lock_guard lock(socket.mutex);
  socket.wants_ipv4_info = ipv4;
  socket.wants_ipv6_info = ipv6;
}

void Registry::set_peer(BoundSocket& socket, const Endpoint* peer, bool is_ours_alone) {
  const std::unique_lock lock(mutex_);
  socket.binding.peer.reset();
  if (peer != nullptr) socket.binding.peer = *peer;
  socket.is_peer_ours_alone = is_ours_alone;
}

Binding Registry::binding_of(const BoundSocket& socket) {
  const std::shared_lock lock(mutex_);
  return socket.binding;
}

bool Registry::is_peer_ours_alone(const BoundSocket& socket) {
  const std::shared_lock lock(mutex_);
  return socket.is_peer_ours_alone;
}

BoundSocket* Registry::choose(const portier_flow& flow, const Lane& lane) const {
  const auto found = by_port_.find(flow.local_port);
  if (found == by_port_.end()) return nullptr;
  BoundSocket* best = nullptr;
  int best_score = -1;
  for (auto* socket : found->second) {
    const int fit = match(socket->binding, flow);
    const int score = fit < 0 ? -1 : 2 * fit + (socket->lane == &lane ? 1 : 0);
    if (score <= best_score) continue;
    best = socket;
    best_score = score;
  }
  return best;
}

std::string Registry::report() {
  if (all_.empty()) return {};
  LaneCounts sum;
  for (auto& lane : lanes_) {
    const auto counts = lane.counts();
    sum.received += counts.received;
    sum.queued += counts.queued;
    sum.sent += counts.sent;
    sum.no_socket += counts.no_socket;
    sum.queue_full += counts.queue_full;
    sum.fragments += counts.fragments;
    sum.bad_checksum += counts.bad_checksum;
    sum.not_udp += counts.not_udp;
  }
  std::uint64_t from_kernel = 0;
  std::uint64_t to_kernel = 0;
  const std::shared_lock lock(mutex_);
  for (const auto& socket : all_) {
    const std::lock_guard socket_lock(socket->mutex);
    from_kernel += socket->from_kernel;
    to_kernel += socket->to_kernel;
  }
  return "process " + std::to_string(getpid()) + ": received " + std::to_string(sum.received) + ", queued " +
         std::to_string(sum.queued) + ", sent " + std::to_string(sum.sent) + ", dropped: no_socket " +
         std::to_string(sum.no_socket) + ", queue_full " + std::to_string(sum.queue_full) + ", fragments " +
         std::to_string(sum.fragments) + ", bad_checksum " + std::to_string(sum.bad_checksum) + ", not_udp " +
         std::to_string(sum.not_udp) + "; by the kernel: received " + std::to_string(from_kernel) + ", sent " +
         std::to_string(to_kernel);
}

void Registry::lock_all() {
  for (auto& lane : lanes_) lane.lock();
  mutex_.lock();
  for (const auto& socket : all_) socket->mutex.lock();
}

void Registry::unlock_all(bool is_child) {
  for (const auto& socket : all_) socket->mutex.unlock();
  // It knows who has locked it by a number that the child does not have.
  if (is_child) new (&mutex_) std::shared_mutex;
  else mutex_.unlock();
  for (auto& lane : lanes_) lane.unlock();
}

void Registry::forget_parents() {
  for (auto& lane : lanes_) lane.forget_parents();
  for (const auto& socket : all_) socket->forget_parents();
}

}  // namespace portier::preload
