/// Datagrams that wait for the program, in the order in which they came; bounded, as a socket's buffer is.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "client/portier_client.h"

namespace portier::preload {

struct Datagram {
  portier_flow flow{};
  std::vector<std::uint8_t> payload;
};

class DatagramQueue {
 public:
  static constexpr std::size_t most = 1024;

  bool is_empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const Datagram& front() const { return places_[first_]; }
  void pop() {
    first_ = (first_ + 1) % places_.size();
    count_ -= 1;
  }

  /// False: it is full. The memory of a payload is used again for a later one.
  bool push(const portier_flow& flow, std::span<const std::uint8_t> payload) {
    if (count_ == most) return false;
    if (count_ == places_.size()) grow();
    auto& place = places_[(first_ + count_) % places_.size()];
    place.flow = flow;
    place.payload.assign(payload.begin(), payload.end());
    count_ += 1;
    return true;
  }

  void clear() { first_ = count_ = 0; }

 private:
  void grow() {
    std::vector<Datagram> larger(places_.empty() ? 64 : 2 * places_.size());
    for (std::size_t i = 0; i < count_; ++i) larger[i] = std::move(places_[(first_ + i) % places_.size()]);
    places_ = std::move(larger);
    first_ = 0;
  }

  std::vector<Datagram> places_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

}  // namespace portier::preload
