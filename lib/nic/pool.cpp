/// rte_pktmbuf_pool behind its owner.
#include "nic/pool.hpp"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_mempool.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "nic/failure.hpp"

namespace portier::nic {

namespace {
/// Per lcore; DPDK refuses caches of more than two thirds of the pool.
unsigned cache_mbufs(unsigned count) { return std::min(256U, count / 4); }

constexpr std::size_t large_page_bytes = std::size_t{2} << 20;

void unmap(rte_mempool_memhdr* chunk, void* length) { munmap(chunk->addr, reinterpret_cast<std::size_t>(length)); }

/// Memory of the process, in large pages where the kernel gives them for the asking (transparent hugepages): a pool
/// does not fit into what a core remembers of small ones. Null: there is none.
void* map_large_pages(std::size_t bytes) {
  void* all = mmap(nullptr, bytes + large_page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (all == MAP_FAILED) return nullptr;
  const auto from = reinterpret_cast<std::uintptr_t>(all);
  const auto aligned = (from + large_page_bytes - 1) / large_page_bytes * large_page_bytes;
  if (aligned != from) munmap(all, aligned - from);
  const auto behind = from + large_page_bytes - aligned;
  if (behind != 0) munmap(reinterpret_cast<void*>(aligned + bytes), behind);
  madvise(reinterpret_cast<void*>(aligned), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

/// As rte_pktmbuf_pool_create, but mbufs may cross pages, and lie in memory of ours: no device of this process reads
/// memory by itself (those that do want hugepages), so nobody has to know where it is on the bus.
rte_mempool* make_packed(const std::string& name, unsigned count, std::uint16_t room) {
  auto* pool = rte_mempool_create_empty(name.c_str(), count, sizeof(rte_mbuf) + room, cache_mbufs(count),
                                        sizeof(rte_pktmbuf_pool_private), SOCKET_ID_ANY, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
  if (pool == nullptr) return nullptr;
  rte_pktmbuf_pool_private sizes{};
  sizes.mbuf_data_room_size = room;
  const int error = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), nullptr);
  rte_pktmbuf_pool_init(pool, &sizes);
  const std::size_t each = std::size_t{pool->header_size} + pool->elt_size + pool->trailer_size;
  const auto bytes = (count * each + large_page_bytes - 1) / large_page_bytes * large_page_bytes;
  void* memory = error == 0 ? map_large_pages(bytes) : nullptr;
  int placed = 0;
  if (memory != nullptr) {
    placed = rte_mempool_populate_virt(pool, static_cast<char*>(memory), bytes, large_page_bytes, unmap,
                                       reinterpret_cast<void*>(bytes));
    if (placed <= 0) munmap(memory, bytes);  // else the pool owns it
  }
  if (placed != static_cast<int>(count)) {
    rte_mempool_free(pool);
    rte_errno = ENOMEM;
    return nullptr;
  }
  rte_mempool_obj_iter(pool, rte_pktmbuf_init, nullptr);
  return pool;
}
}  // namespace

Pool::Pool(const std::string& name, unsigned count, unsigned room_bytes, MbufLayout layout) {
  const auto room = static_cast<std::uint16_t>(room_bytes + RTE_PKTMBUF_HEADROOM);
  const bool is_packed = layout == MbufLayout::packed && rte_eal_has_hugepages() == 0;
  pool_ = is_packed ? make_packed(name, count, room)
                    : rte_pktmbuf_pool_create(name.c_str(), count, cache_mbufs(count), 0, room, SOCKET_ID_ANY);
  if (pool_ == nullptr) {
    throw Failure("no memory for " + std::to_string(count) + " packet buffers (" + rte_strerror(rte_errno) +
                  "): " + (is_packed ? "end other programs or take fewer cores and queues" : "raise router.memory_mb"));
  }
}

Pool::~Pool() { rte_mempool_free(pool_); }
unsigned Pool::size() const { return pool_->size; }
unsigned Pool::available() const { return rte_mempool_avail_count(pool_); }

}  // namespace portier::nic
