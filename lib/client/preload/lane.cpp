/// Fetching, sending, and being woken; under the lane's mutex, which comes before the registry's and a socket's.
#include "client/preload/lane.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <utility>

#include "client/preload/bound_socket.hpp"
#include "client/preload/kernel.hpp"
#include "client/preload/registry.hpp"
#include "client/preload/say.hpp"
#include "client/preload/settings.hpp"
#include "packet/checksum.hpp"
#include "packet/wire.hpp"

namespace portier::preload {

namespace {

constexpr std::size_t burst_size = 64;
constexpr unsigned most_bursts = 16;  // in one fetch
constexpr auto first_pause = std::chrono::milliseconds(250);
constexpr auto longest_pause = std::chrono::seconds(8);
constexpr auto look_interval = std::chrono::milliseconds(100);

constinit thread_local bool connecting = false;

/// RFC 768, 1122 4.1.3.4: the kernel would not hand over what arrived damaged, so neither does this.
bool is_sound(const portier_packet& packet, const portier_flow& flow) {
  namespace wire = packet::wire;
  const auto* udp = packet.frame + packet.l4_offset;
  if (packet::load16(udp + 6) == 0) return packet.ip_version == 4;
  return packet::transport_checksum(packet::address_at(flow.remote_address, flow.ip_version),
                                    packet::address_at(flow.local_address, flow.ip_version), wire::proto_udp,
                                    {udp, wire::udp_size + packet.payload_length}) == 0;
}

bool is_readable(int fd) {
  pollfd entry{fd, POLLIN, 0};
  return kernel().poll(&entry, 1, 0) > 0;
}

}  // namespace

bool Lane::is_connecting() { return connecting; }

bool Lane::is_there() {
  if (client_ != nullptr) return true;
  const auto now = Clock::now();
  if (now < retry_at_) return false;
  connecting = true;
  client_ = portier_connect(settings().mailbox.c_str(), nullptr);
  connecting = false;
  if (client_ == nullptr) {
    pause_ = std::clamp<Clock::duration>(2 * pause_, first_pause, longest_pause);
    retry_at_ = Clock::now() + pause_;
    if (!std::exchange(has_complained_, true)) {
      say(std::string(portier_error()) + "; until then the kernel alone serves this program's UDP ports");
    }
    return false;
  }
  pause_ = {};
  generation_ += 1;
  Registry::guard(portier_event_fd(client_));
  Registry::guard(portier_hangup_fd(client_));
  if (std::exchange(has_complained_, false)) say("mailbox '" + settings().mailbox + "': connected");
  return true;
}

void Lane::hang_up() {
  if (client_ == nullptr) return;
  Registry::unguard(portier_event_fd(client_));
  Registry::unguard(portier_hangup_fd(client_));
  portier_close(std::exchange(client_, nullptr));
  armed_ = 0;
  generation_ += 1;
}

void Lane::close() {
  const std::lock_guard lock(mutex_);
  hang_up();
}

void Lane::forget_parents() {
  hang_up();
  counts_ = {};
  retry_at_ = {};
  pause_ = {};
}

void Lane::fetch(BoundSocket& reader) {
  const std::lock_guard lock(mutex_);
  if (!is_there()) return;
  std::array<portier_packet, burst_size> packets;
  std::size_t for_reader = 0;
  std::size_t count = burst_size;
  for (unsigned burst = 0; burst < most_bursts && count == burst_size && for_reader < burst_size; ++burst) {
    count = portier_receive_burst(client_, packets.data(), packets.size());
    if (count != 0) take({packets.data(), count}, reader, for_reader);
  }
  portier_receive_burst(client_, packets.data(), 0);  // they are copied: the router may know that they are taken
  if (count == 0) {
    const auto now = Clock::now();
    if (now - looked_at_ >= look_interval) {
      looked_at_ = now;
      if (is_readable(portier_hangup_fd(client_))) return hang_up();
    }
  }
  pass_on();
}

void Lane::take(std::span<const portier_packet> packets, const BoundSocket& reader, std::size_t& for_reader) {
  counts_.received += packets.size();
  const std::shared_lock lock(registry().mutex());
  for (const auto& packet : packets) {
    portier_flow flow;
    if (packet.proto != packet::wire::proto_udp || (packet.flags & PORTIER_ICMP_ERROR) != 0) {
      counts_.not_udp += 1;
    } else if ((packet.flags & (PORTIER_FRAGMENT_FIRST | PORTIER_FRAGMENT_LATER)) != 0) {
      counts_.fragments += 1;
    } else if (portier_flow_of(&packet, &flow) != 0 || packet.payload == nullptr || !is_sound(packet, flow)) {
      counts_.bad_checksum += 1;
    } else if (auto* socket = registry().choose(flow, *this); socket == nullptr) {
      counts_.no_socket += 1;
    } else {
      const std::lock_guard socket_lock(socket->mutex);
      const bool has_room = socket->queue.push(flow, {packet.payload, packet.payload_length});
      (has_room ? counts_.queued : counts_.queue_full) += 1;
      if (socket == &reader) {
        socket->is_fresh = true;
        for_reader += 1;
      } else {
        socket->ring();
      }
    }
  }
}

int Lane::send(const portier_flow& flow, std::span<const std::uint8_t> payload) {
  const std::lock_guard lock(mutex_);
  if (!is_there()) return -ENOTCONN;
  const int result = portier_send(client_, &flow, payload.data(), payload.size());
  if (result == 0) counts_.sent += 1;
  if (result == -EAGAIN && is_readable(portier_hangup_fd(client_))) {
    hang_up();
    return -ENOTCONN;
  }
  return result;
}

void Lane::flush() {
  const std::lock_guard lock(mutex_);
  if (client_ != nullptr) portier_flush(client_);
}

Lane::Arming Lane::arm(Armed& armed) {
  const std::lock_guard lock(mutex_);
  if (!is_there()) return Arming::absent;
  if (portier_arm(client_) == 1) {
    if (armed_ != 0) wake_others();  // the router takes them for awake now, and this thread may not come to fetch
    return Arming::has_mail;
  }
  armed_ += 1;
  armed = {this, generation_, portier_event_fd(client_), portier_hangup_fd(client_)};
  return Arming::armed;
}

void Lane::disarm(const Armed& armed) {
  const std::lock_guard lock(mutex_);
  if (armed.generation != generation_ || client_ == nullptr) return;
  armed_ -= 1;
  portier_disarm(client_);
  pass_on();
}

void Lane::pass_on() {
  if (armed_ != 0 && portier_arm(client_) == 1) wake_others();
}

void Lane::wake_others() {
  constexpr std::uint64_t once = 1;
  [[maybe_unused]] const auto length = kernel().write(portier_event_fd(client_), &once, sizeof once);
}

void Lane::look_for_hangup(const Armed& armed) {
  const std::lock_guard lock(mutex_);
  if (armed.generation != generation_ || client_ == nullptr) return;
  if (is_readable(portier_hangup_fd(client_))) hang_up();
}

Clock::time_point Lane::retry_at() {
  const std::lock_guard lock(mutex_);
  return retry_at_;
}

LaneCounts Lane::counts() {
  const std::lock_guard lock(mutex_);
  return counts_;
}

}  // namespace portier::preload
