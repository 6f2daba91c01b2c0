/// Where packets come from: an ethdev with one receive queue, and the pool of its mbufs.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capture.hpp"
#include "nic/device.hpp"
#include "pacer.hpp"

struct rte_mempool;

namespace portier::bench {

/// MiB that DPDK needs for so many mbufs, and beside.
unsigned memory_mb_for_pools(std::size_t mbufs);

/// One thread at a time receives from it.
class Source {
 public:
  virtual ~Source() = default;

  const std::string& label() const { return label_; }
  nic::Queue queue() const { return queue_; }
  rte_mempool* pool() const { return pool_; }
  /// Mbufs out of the pool; for a looped capture, those that hold the capture stay out. At rest it must not grow.
  unsigned in_use() const;
  /// True: nothing arrives by itself, so what is out of the pool at rest is known.
  bool is_looped() const { return is_looped_; }
  /// Closes the device. Returns the mbufs that are then missing from the pool.
  virtual unsigned close() = 0;

 protected:
  Source(std::string label, bool is_looped) : label_(std::move(label)), is_looped_(is_looped) {}

  std::string label_;
  bool is_looped_;
  nic::Queue queue_;
  rte_mempool* pool_ = nullptr;
};

/// `net_pcap` with `infinite_rx`: DPDK reads the file once and copies a frame into a new mbuf for every packet. The
/// pool is FIFO behind a cache of 256 mbufs a core, as in PERF figures of others.
/// `layout`: how mbufs lie in memory.
enum class Layout {
  packed,  ///< one behind the other
  dpdk,    ///< as rte_pktmbuf_pool_create makes it: without hugepages, a page apart
};
std::unique_ptr<Source> open_looped_capture(const std::string& label, const std::string& path, std::size_t frames,
                                            unsigned mbufs, Layout layout, unsigned number);

/// A working set of `mbufs` buffers that each hold one frame of the capture, handed out in turn and not copied: header
/// and data of a packet were last touched `mbufs` packets ago, as with a NIC. First in, first out, no cache.
std::unique_ptr<Source> open_cold_pool(const Capture& capture, unsigned mbufs, unsigned number);

/// Emits packets at a rate that control may change while cores run: on the core that receives, so no other core is
/// needed. The last eight bytes of each frame are the time at which it was due.
class PacedSource : public Source {
 public:
  Pacer& pacer() { return pacer_; }

 protected:
  explicit PacedSource(const std::string& label) : Source(label, true) {}
  Pacer pacer_;
};
std::unique_ptr<PacedSource> open_paced(const Capture& capture, unsigned mbufs);

/// Any device, as the router opens it.
std::unique_ptr<Source> open_device(const std::string& label, const std::string& eal_device, unsigned mbufs);

}  // namespace portier::bench
