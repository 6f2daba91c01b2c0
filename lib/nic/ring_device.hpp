/// A device whose other side is in this process: frames are pushed into its receive rings and pulled out of its
/// transmit rings. The built-in traffic source and the tests stand on it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "nic/pool.hpp"
#include "packet/bytes.hpp"

struct rte_ring;

namespace portier::nic {

/// The far end of a net_ring ethdev. One thread uses it at a time. Nothing is lost on the way: a full ring refuses.
class RingDevice {
 public:
  /// `queues` receive and transmit rings of `ring_size` entries (a power of two) each. Throws `Failure`.
  RingDevice(const std::string& name, unsigned queues, unsigned ring_size, unsigned mbufs);
  ~RingDevice();
  RingDevice(const RingDevice&) = delete;
  RingDevice& operator=(const RingDevice&) = delete;

  /// The name under which `Device` opens the near end.
  const std::string& eal_name() const { return eal_name_; }

  /// Copies frames into mbufs and offers them to receive ring `queue`; returns how many were taken.
  std::size_t push(unsigned queue, std::span<const packet::Bytes> frames);
  /// One frame cut into segments of `segment_bytes`, to exercise chained mbufs.
  bool push_segmented(unsigned queue, packet::Bytes frame, std::size_t segment_bytes);

  /// Takes frames that were sent; `take` (may be null) gets each frame's bytes. Returns how many.
  std::size_t pull(void (*take)(void* context, packet::Bytes frame), void* context);

  /// Frames pushed and not yet received.
  std::size_t waiting() const;
  const Pool& pool() const { return pool_; }
  /// Frees what is still in the rings. The near end must be closed.
  void drain();

 private:
  std::string eal_name_;
  Pool pool_;
  std::vector<rte_ring*> to_device_;    ///< the ethdev's receive rings
  std::vector<rte_ring*> from_device_;  ///< its transmit rings
};

}  // namespace portier::nic
