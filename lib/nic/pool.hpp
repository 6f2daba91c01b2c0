/// A pool of mbufs with an owner, and the census that shows whether all of them came home.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

struct rte_mempool;

namespace portier::nic {

/// Room for a frame of ordinary MTU, as receiving devices want it.
inline constexpr unsigned receive_room_bytes = 2048;

/// Where mbufs lie when there are no hugepages.
enum class MbufLayout : std::uint8_t {
  /// One behind the other, in memory of the process and in large pages if the kernel has some. DPDK itself gives each
  /// the start of a page of 4 KiB, so all headers fall into the same few sets of the first-level cache and each into a
  /// page of its own: receiving and freeing then costs twice as much.
  packed,
  /// As DPDK does it, in its memory: for drivers that want no frame to cross a page, and for hardware.
  page_each,
};

class Pool {
 public:
  /// `count` mbufs whose data room holds `room_bytes` behind DPDK's headroom. Throws `Failure`.
  Pool(const std::string& name, unsigned count, unsigned room_bytes, MbufLayout layout = MbufLayout::packed);
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
