/// A process's connection to a router: the socket, the shared memory and the event.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "crosscore/mail_region.hpp"
#include "packet/bytes.hpp"

namespace portier::client {

class Connection {
 public:
  Connection() = default;
  Connection(Connection&& other) noexcept { swap(other); }
  Connection& operator=(Connection&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Connection();

  /// Throws `std::runtime_error` with a sentence. `socket` empty: the usual place.
  static Connection open(const std::string& mailbox, std::string socket);

  int socket_fd() const { return socket_; }
  int event_fd() const { return event_; }
  const crosscore::MailShape& shape() const { return shape_; }
  std::uint8_t* region() const { return region_; }
  crosscore::MailHead& head() const { return *reinterpret_cast<crosscore::MailHead*>(region_); }

 private:
  void swap(Connection& other) noexcept {
    std::swap(socket_, other.socket_);
    std::swap(event_, other.event_);
    std::swap(region_, other.region_);
    std::swap(shape_, other.shape_);
  }
  void receive_welcome(const std::string& mailbox);
  void map(int region_fd);

  int socket_ = -1;
  int event_ = -1;
  std::uint8_t* region_ = nullptr;
  crosscore::MailShape shape_;
};

/// The process's side of the two rings with one core of the router.
struct Ends {
  Ends(const crosscore::MailRingPlace& towards_us, const crosscore::MailRingPlace& back) : in(towards_us), out(back) {}

  /// The bytes of what was read are not needed any more.
  void give_back() {
    if (std::exchange(has_popped, false)) in.release();
  }

  crosscore::MailConsumer in;
  crosscore::MailProducer out;
  bool has_popped = false;
};

/// Behind the transport header, as far as there is one; of UDP what its length says, without Ethernet padding.
packet::Bytes payload_of(packet::Bytes frame, const crosscore::SlotFacts& facts);

}  // namespace portier::client
