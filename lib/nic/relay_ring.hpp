/// A ring of mbufs by which cores without a transmit queue reach the core that has one: many producers, one consumer.
#pragma once

#include <string>

struct rte_ring;

namespace portier::nic {

class RelayRing {
 public:
  /// `size`: a power of two. Throws `Failure`.
  RelayRing(const std::string& name, unsigned size);
  ~RelayRing();
  RelayRing(const RelayRing&) = delete;
  RelayRing& operator=(const RelayRing&) = delete;

  rte_ring* get() const { return ring_; }

 private:
  rte_ring* ring_;
};

}  // namespace portier::nic
