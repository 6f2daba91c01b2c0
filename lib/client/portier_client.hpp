/// The C++20 face of portier_client.h: a mailbox that closes itself, bursts as spans, errors as exceptions.
#pragma once

#include <portier_client.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>

namespace portier {

/// One connection to a mailbox. Belongs to one thread at a time.
class Mailbox {
 public:
  using Packet = portier_packet;
  using Bytes = std::span<const std::uint8_t>;

  /// Throws `std::runtime_error` with a sentence that says what to do.
  explicit Mailbox(const std::string& name, const std::string& socket = {})
      : client_(portier_connect(name.c_str(), socket.empty() ? nullptr : socket.c_str())) {
    if (client_ == nullptr) throw std::runtime_error(portier_error());
  }

  /// At most 64 packets, valid until the next call. Empty: there are none.
  std::span<const Packet> receive() {
    return {packets_.data(), portier_receive_burst(client_.get(), packets_.data(), packets_.size())};
  }
  /// Sleeps until packets have come or the time is over (-1: never). False: the router is gone.
  bool wait(int timeout_ms = -1) {
    const int result = portier_wait(client_.get(), timeout_ms);
    if (result != 0 && result != -EPIPE && result != -EINTR) throw std::system_error(-result, std::generic_category());
    return result != -EPIPE;
  }

  static Bytes payload(const Packet& packet) { return {packet.payload, packet.payload_length}; }
  static Bytes frame(const Packet& packet) { return {packet.frame, packet.frame_length}; }

  /// A datagram to the sender. False: not UDP, too long, or no room in the ring.
  bool reply(const Packet& packet, Bytes payload) {
    return portier_reply(client_.get(), &packet, payload.data(), payload.size()) == 0;
  }
  bool send(const portier_flow& flow, Bytes payload) {
    return portier_send(client_.get(), &flow, payload.data(), payload.size()) == 0;
  }
  /// The router sees what was sent; `receive` and `wait` do it, too.
  void flush() { portier_flush(client_.get()); }

  portier_statistics statistics() const {
    portier_statistics statistics;
    portier_get_statistics(client_.get(), &statistics);
    return statistics;
  }
  portier_client* get() const { return client_.get(); }

 private:
  struct Close {
    void operator()(portier_client* client) const { portier_close(client); }
  };
  std::unique_ptr<portier_client, Close> client_;
  std::array<Packet, 64> packets_;
};

}  // namespace portier
