/// Stage 1, receive: NIC queue -> burst; one time stamp for all of it.
#pragma once

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstdint>
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

/// True when packets came.
inline bool stage1_receive(const nic::Queue& queue, std::uint8_t device, std::uint16_t limit, FlatCopies& flat,
                           RxBurst& burst, CoreCounters& counters) {
  burst.count = rte_eth_rx_burst(queue.port, queue.queue, burst.mbuf.data(), limit);
  if (burst.count == 0) return false;
  burst.now_tsc = rte_rdtsc();
  burst.device = device;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    const rte_mbuf* mbuf = burst.mbuf[i];
    burst.data[i] = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
    rte_prefetch0(burst.data[i]);
    burst.present[i] = mbuf->data_len;
    burst.wire_length[i] = mbuf->pkt_len;
    bytes += mbuf->pkt_len;
    if (mbuf->nb_segs > 1) [[unlikely]] {
      const auto copy = flat.flatten(mbuf, i);
      burst.data[i] = copy.data();
      burst.present[i] = static_cast<std::uint32_t>(copy.size());
    }
  }
  counters.received.packets.add(burst.count);
  counters.received.bytes.add(bytes);
  return true;
}

}  // namespace portier::datapath
