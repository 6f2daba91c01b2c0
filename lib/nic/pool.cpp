/// rte_pktmbuf_pool behind its owner.
#include "nic/pool.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>

#include <algorithm>

#include "nic/failure.hpp"

namespace portier::nic {

namespace {
/// Per lcore; DPDK refuses caches of more than two thirds of the pool.
unsigned cache_mbufs(unsigned count) { return std::min(256U, count / 4); }

/// As rte_pktmbuf_pool_create, but mbufs may cross pages: addresses are virtual ones here (IOVA as VA), so what is
/// contiguous for us is contiguous for the device.
rte_mempool* make_packed(const std::string& name, unsigned count, std::uint16_t room) {
  auto* pool = rte_mempool_create_empty(name.c_str(), count, sizeof(rte_mbuf) + room, cache_mbufs(count),
                                        sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = room;
  const int error = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  rte_pktmbuf_pool_init(pool, &sizes);
  if (error != 0 || rte_mempool_populate_default(pool) != static_cast<int>(count)) {
    rte_mempool_free(pool);
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}
}  // namespace

Pool::Pool(const std::string& name, unsigned count, unsigned room_bytes, MbufLayout layout) {
  const auto room = static_cast<std::uint16_t>(room_bytes + RTE_PKTMBUF_HEADROOM);
  pool_ = layout == MbufLayout::packed && rte_eal_has_hugepages() == 0
              ? make_packed(name, count, room)
              : rte_pktmbuf_pool_create(name.c_str(), count, cache_mbufs(count), 0, room, SOCKET_ID_ANY);
  if (pool_ == nullptr) {
    throw Failure("no memory for " + std::to_string(count) + " packet buffers (" + rte_strerror(rte_errno) +
                  "): raise router.memory_mb");
  }
}

Pool::~Pool() { rte_mempool_free(pool_); }
unsigned Pool::size() const { return pool_->size; }
unsigned Pool::available() const { return rte_mempool_avail_count(pool_); }

}  // namespace portier::nic
