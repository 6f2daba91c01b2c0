/// Stage 1, receive: NIC queue -> burst; one time stamp for all of it.
#pragma once

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "crosscore/slot.hpp"
#include "datapath/burst.hpp"
#include "datapath/counters.hpp"
#include "nic/device.hpp"

namespace portier::datapath {

/// Where chained mbufs are laid out flat, one place a row. Made once, touched only by such packets.
class FlatCopies {
 public:
  FlatCopies() : bytes_(max_burst * crosscore::max_frame_bytes) {}

  /// The first bytes of a chained mbuf, contiguous, as far as a hand-over would take them.
  packet::Bytes flatten(const rte_mbuf* mbuf, std::size_t row) {
    auto* at = bytes_.data() + row * crosscore::max_frame_bytes;
    const auto length = std::min<std::uint32_t>(mbuf->pkt_len, crosscore::max_frame_bytes);
    const void* flat = rte_pktmbuf_read(mbuf, 0, length, at);
    return {static_cast<const std::uint8_t*>(flat), flat == nullptr ? 0 : length};
  }

 private:
  std::vector<std::uint8_t> bytes_;
};

/// Lays what came in several segments out flat.
inline void flatten_chains(FlatCopies& flat, RxBurst& burst) {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.mbuf[i]->nb_segs == 1) continue;
    const auto copy = flat.flatten(burst.mbuf[i], i);
    burst.data[i] = copy.data();
    burst.present[i] = static_cast<std::uint32_t>(copy.size());
  }
}

/// What keeps an mbuf from going home by a plain put into its pool: 0 when it is direct, unshared and a single segment.
inline std::uint64_t oddity(const rte_mbuf* mbuf, std::uint64_t rearm, const rte_mempool* pool) {
  const std::uint64_t kind = mbuf->ol_flags & (RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL);
  const std::uint64_t counts = (rearm ^ 0x00010001'0000) & 0xffffffff'0000;  // references and segments, 1 each
  return kind | counts | (reinterpret_cast<std::uintptr_t>(mbuf->pool) ^ reinterpret_cast<std::uintptr_t>(pool));
}
static_assert(offsetof(rte_mbuf, refcnt) == offsetof(rte_mbuf, data_off) + 2);
static_assert(offsetof(rte_mbuf, nb_segs) == offsetof(rte_mbuf, data_off) + 4);

/// True when packets came.
inline bool stage1_receive(const nic::Queue& queue, std::uint8_t device, std::uint16_t limit, FlatCopies& flat,
                           RxBurst& burst, CoreCounters& counters) {
  burst.count = rte_eth_rx_burst(queue.port, queue.queue, burst.mbuf.data(), limit);
  if (burst.count == 0) return false;
  burst.now_tsc = rte_rdtsc();
  burst.device = device;
  burst.pool = burst.mbuf[0]->pool;
  std::uint64_t bytes = 0;
  std::uint64_t odd = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    const rte_mbuf* mbuf = burst.mbuf[i];
    std::uint64_t rearm = 0;  // offset of the data, references, segments, device: one load
    std::memcpy(&rearm, &mbuf->data_off, sizeof(rearm));
    burst.data[i] = static_cast<const std::uint8_t*>(mbuf->buf_addr) + (rearm & 0xffff);
    rte_prefetch0(burst.data[i]);
    burst.present[i] = mbuf->data_len;
    burst.wire_length[i] = mbuf->pkt_len;
    bytes += mbuf->pkt_len;
    odd |= oddity(mbuf, rearm, burst.pool);
  }
  if (odd != 0) [[unlikely]] {
    burst.pool = nullptr;
    flatten_chains(flat, burst);
  }
  counters.received.packets.add(burst.count);
  counters.received.bytes.add(bytes);
  return true;
}

}  // namespace portier::datapath
