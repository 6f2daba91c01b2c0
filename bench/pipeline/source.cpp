/// Opens the sources.
#include "source.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>
#include <cstring>

#include "nic/eal.hpp"
#include "nic/failure.hpp"
#include "nic/output_aside.hpp"

namespace portier::bench {

unsigned memory_mb_for_pools(std::size_t mbufs) {
  constexpr std::size_t bytes_per_mbuf = 3072;  // header, headroom, room, and what pools need beside
  constexpr std::size_t beside_mb = 256;
  return static_cast<unsigned>((mbufs * bytes_per_mbuf >> 20) + beside_mb);
}

unsigned Source::in_use() const { return rte_mempool_in_use_count(pool_); }

namespace {

constexpr std::uint16_t descriptors = 1024;
constexpr unsigned hot_cache_mbufs = 256;

constexpr unsigned room = nic::receive_room_bytes + RTE_PKTMBUF_HEADROOM;

/// As rte_pktmbuf_pool_create, but for one thing: without hugepages that gives every mbuf a page of 4 KiB of its own,
/// so that all headers fall into the same few sets of the first-level cache. IOVA is VA here, so an mbuf may cross
/// pages.
rte_mempool* make_packed_pool(const std::string& name, unsigned mbufs, unsigned cache) {
  auto* pool = rte_mempool_create_empty(name.c_str(), mbufs, sizeof(rte_mbuf) + room, cache,
                                        sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = room;
  rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  rte_pktmbuf_pool_init(pool, &sizes);
  if (rte_mempool_populate_default(pool) != static_cast<int>(mbufs)) {
    rte_mempool_free(pool);
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}

rte_mempool* make_pool(const std::string& name, unsigned mbufs, unsigned cache, Layout layout = Layout::packed) {
  auto* pool = layout == Layout::packed ? make_packed_pool(name, mbufs, cache)
                                        : rte_pktmbuf_pool_create(name.c_str(), mbufs, cache, 0, room, SOCKET_ID_ANY);
  if (pool == nullptr) {
    throw nic::Failure(fmt::format("no memory for {} packet buffers ({}): name fewer --mbufs or --pool-mbufs", mbufs,
                                   rte_strerror(rte_errno)));
  }
  return pool;
}

/// An ethdev of one queue each way on a pool of the source's own, which nic::Device would not let us choose.
class VirtualSource : public Source {
 public:
  VirtualSource(std::string label, std::string name, const std::string& args, rte_mempool* pool)
      : Source(std::move(label), true), name_(std::move(name)) {
    pool_ = pool;
    const nic::OutputAside aside(2);
    const auto check = [&](int error, const char* what) {
      if (error >= 0) return;
      const auto detail = nic::first_dpdk_error();
      const std::string said = detail.empty() ? rte_strerror(-error) : detail;
      close();
      throw nic::Failure(fmt::format("source '{}' ({}): {} failed: {}", label_, name_, what, said));
    };
    check(rte_eal_hotplug_add("vdev", name_.c_str(), args.c_str()), "opening it");
    is_open_ = true;
    check(rte_eth_dev_get_port_by_name(name_.c_str(), &queue_.port), "finding its port");
    const rte_eth_conf conf{};
    check(rte_eth_dev_configure(queue_.port, 1, 1, &conf), "configuring it");
    check(rte_eth_rx_queue_setup(queue_.port, 0, descriptors, static_cast<unsigned>(SOCKET_ID_ANY), nullptr, pool_),
          "setting up its receive queue; the pool must hold the whole capture");
    check(rte_eth_tx_queue_setup(queue_.port, 0, descriptors, static_cast<unsigned>(SOCKET_ID_ANY), nullptr),
          "setting up its transmit queue");
    check(rte_eth_dev_start(queue_.port), "starting it");
  }
  ~VirtualSource() override { VirtualSource::close(); }

  unsigned close() override {
    if (is_open_) {
      const nic::OutputAside aside(2);
      rte_eth_dev_stop(queue_.port);
      rte_eth_dev_close(queue_.port);
      rte_eal_hotplug_remove("vdev", name_.c_str());
      is_open_ = false;
    }
    if (pool_ == nullptr) return 0;
    const unsigned missing = rte_mempool_in_use_count(pool_);
    rte_mempool_free(pool_);
    pool_ = nullptr;
    return missing;
  }

 private:
  std::string name_;
  bool is_open_ = false;
};

/// Called behind every receive call of the null device, which itself never brings anything.
std::uint16_t take_from_pool(std::uint16_t, std::uint16_t, rte_mbuf** mbufs, std::uint16_t, std::uint16_t limit,
                             void* pool) {
  return rte_mempool_get_bulk(static_cast<rte_mempool*>(pool), reinterpret_cast<void**>(mbufs), limit) == 0 ? limit : 0;
}

/// Writes a frame of the capture into each mbuf, once: what is given back keeps its bytes.
void fill(rte_mempool* pool, const Capture& capture) {
  std::vector<rte_mbuf*> mbufs(pool->size);
  if (rte_mempool_get_bulk(pool, reinterpret_cast<void**>(mbufs.data()), pool->size) != 0) {
    throw nic::Failure("a new pool does not give its mbufs out: " + nic::first_dpdk_error());
  }
  for (std::size_t i = 0; i < mbufs.size(); ++i) {
    const auto& frame = capture.frames[i % capture.frames.size()];
    mbufs[i]->data_off = RTE_PKTMBUF_HEADROOM;
    mbufs[i]->data_len = static_cast<std::uint16_t>(frame.size());
    mbufs[i]->pkt_len = static_cast<std::uint32_t>(frame.size());
    std::memcpy(rte_pktmbuf_mtod(mbufs[i], void*), frame.data(), frame.size());
  }
  rte_mempool_put_bulk(pool, reinterpret_cast<void**>(mbufs.data()), pool->size);
}

/// The paced source is an ethdev like the others; its packets come from a callback.
class PacedVirtualSource final : public PacedSource {
 public:
  PacedVirtualSource(const std::string& label, rte_mempool* pool)
      : PacedSource(label), device_(label, "net_null_paced", "no-rx=1", pool) {
    queue_ = device_.queue();
    pool_ = pool;
    rte_eth_add_rx_callback(queue_.port, 0, emit, this);
  }
  unsigned close() override { return device_.close(); }

 private:
  static std::uint16_t emit(std::uint16_t, std::uint16_t, rte_mbuf** mbufs, std::uint16_t, std::uint16_t limit,
                            void* self) {
    return static_cast<PacedVirtualSource*>(self)->emit_due(mbufs, limit);
  }
  std::uint16_t emit_due(rte_mbuf** mbufs, std::uint16_t limit) {
    const auto due = pacer_.due(rte_rdtsc(), limit);
    if (due == 0 || rte_mempool_get_bulk(pool_, reinterpret_cast<void**>(mbufs), due) != 0) return 0;
    for (std::uint16_t i = 0; i < due; ++i) {
      const auto stamp = pacer_.next_due_tsc();
      std::memcpy(rte_pktmbuf_mtod_offset(mbufs[i], std::uint8_t*, mbufs[i]->data_len - sizeof stamp), &stamp,
                  sizeof stamp);
    }
    return due;
  }
  VirtualSource device_;
};

class DeviceSource final : public Source {
 public:
  DeviceSource(const std::string& label, const std::string& eal_device, unsigned mbufs)
      : Source(label, false), device_(spec_of(label, eal_device, mbufs)) {
    queue_ = device_.rx_queues().front();
    pool_ = device_.pool().get();
  }
  unsigned close() override {
    device_.close();
    return device_.pool().size() - device_.pool().available();
  }

 private:
  static nic::DeviceSpec spec_of(const std::string& label, const std::string& eal_device, unsigned mbufs) {
    nic::DeviceSpec spec;
    spec.name = label;
    spec.eal_devices = {eal_device};
    spec.mbufs_per_queue = mbufs;
    spec.promiscuous = true;
    return spec;
  }
  nic::Device device_;
};

}  // namespace

std::unique_ptr<Source> open_looped_capture(const std::string& label, const std::string& path, std::size_t frames,
                                            unsigned mbufs, Layout layout, unsigned number) {
  const auto name = std::to_string(number);
  auto* pool = make_pool("hot_" + name, static_cast<unsigned>(frames) + mbufs, hot_cache_mbufs, layout);
  return std::make_unique<VirtualSource>(label, "net_pcap" + name, "rx_pcap=" + path + ",infinite_rx=1", pool);
}

std::unique_ptr<Source> open_cold_pool(const Capture& capture, unsigned mbufs, unsigned number) {
  const auto name = std::to_string(number);
  auto* pool = make_pool("cold_" + name, mbufs, 0);
  fill(pool, capture);
  const auto label = fmt::format("{}/{}", capture.label, mbufs);
  auto source = std::make_unique<VirtualSource>(label, "net_null" + name, "no-rx=1", pool);
  rte_eth_add_rx_callback(source->queue().port, 0, take_from_pool, pool);
  return source;
}

std::unique_ptr<PacedSource> open_paced(const Capture& capture, unsigned mbufs) {
  auto* pool = make_pool("paced", mbufs, 0);
  fill(pool, capture);
  return std::make_unique<PacedVirtualSource>(capture.label, pool);
}

std::unique_ptr<Source> open_device(const std::string& label, const std::string& eal_device, unsigned mbufs) {
  return std::make_unique<DeviceSource>(label, eal_device, mbufs);
}

}  // namespace portier::bench
