/// rte_pktmbuf_pool behind its owner.
#include "nic/pool.hpp"

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <algorithm>

#include "nic/failure.hpp"

namespace portier::nic {

namespace {
/// Per lcore; DPDK refuses caches of more than two thirds of the pool.
unsigned cache_mbufs(unsigned count) { return std::min(256U, count / 4); }
}  // namespace

Pool::Pool(const std::string& name, unsigned count, unsigned room_bytes)
    : pool_(rte_pktmbuf_pool_create(name.c_str(), count, cache_mbufs(count), 0,
                                    static_cast<std::uint16_t>(room_bytes + RTE_PKTMBUF_HEADROOM), SOCKET_ID_ANY)) {
  if (pool_ == nullptr) {
    throw Failure("no memory for " + std::to_string(count) + " packet buffers (" + rte_strerror(rte_errno) +
                  "): raise router.memory_mb");
  }
}

Pool::~Pool() { rte_mempool_free(pool_); }
unsigned Pool::size() const { return pool_->size; }
unsigned Pool::available() const { return rte_mempool_avail_count(pool_); }

}  // namespace portier::nic
