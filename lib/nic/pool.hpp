/// A pool of mbufs with an owner, and the census that shows whether all of them came home.
#pragma once

#include <memory>
#include <string>

struct rte_mempool;

namespace portier::nic {

/// Room for a frame of ordinary MTU, as receiving devices want it.
inline constexpr unsigned receive_room_bytes = 2048;

class Pool {
 public:
  /// `count` mbufs whose data room holds `room_bytes` behind DPDK's headroom. Throws `Failure`.
  Pool(const std::string& name, unsigned count, unsigned room_bytes);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  rte_mempool* get() const { return pool_; }
  unsigned size() const;
  /// Exact when no core is allocating or freeing.
  unsigned available() const;

 private:
  rte_mempool* pool_;
};

}  // namespace portier::nic
