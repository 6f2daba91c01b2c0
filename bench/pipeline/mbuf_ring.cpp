/// The minimal pipeline, our nearest peer: mbuf pointers over an rte_ring of one producer and one consumer, a burst at
/// a time; the worker reads hash and payload and frees. Written to be fast: no counters but two, prefetch on both
/// sides.
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_ring.h>

#include "mbuf_peer.hpp"
#include "nic/failure.hpp"
#include "read_frame.hpp"

namespace portier::bench {

std::uint16_t MbufPeer::take_in(std::array<rte_mbuf*, 64>& mbufs) {
  const auto [port, queue] = match_.source.queue();
  const auto count = rte_eth_rx_burst(port, queue, mbufs.data(), burst_);
  if (count == 0) return 0;
  const auto owned = demux_->sort_out(mbufs.data(), count);
  received_.add(count);
  if (owned != count) [[unlikely]] {
    rte_pktmbuf_free_bulk(mbufs.data() + owned, count - owned);
    unowned_.add(static_cast<std::uint64_t>(count - owned));
  }
  return owned;
}

namespace {

constexpr unsigned ring_mbufs = 1024;

class MbufRing final : public MbufPeer {
 public:
  explicit MbufRing(const Match& match)
      : MbufPeer(match),
        ring_(rte_ring_create(("ring_" + match.source.label()).c_str(), ring_mbufs, SOCKET_ID_ANY,
                              RING_F_SP_ENQ | RING_F_SC_DEQ)) {
    if (ring_ == nullptr) throw nic::Failure(std::string("no memory for a ring: ") + rte_strerror(rte_errno));
  }
  ~MbufRing() override { rte_ring_free(ring_); }

 private:
  void receive() override {
    std::array<rte_mbuf*, 64> mbufs;
    while (is_receiving()) {
      const unsigned count = take_in(mbufs);
      unsigned sent = 0;
      while (sent < count) {
        sent += rte_ring_sp_enqueue_burst(ring_, reinterpret_cast<void* const*>(mbufs.data() + sent), count - sent,
                                          nullptr);
        if (sent < count) rte_pause();
      }
    }
  }

  void work() override {
    std::array<rte_mbuf*, 64> mbufs;
    const auto reads = match_.options.reads;
    for (;;) {
      const bool is_last = is_draining();
      const auto count = rte_ring_sc_dequeue_burst(ring_, reinterpret_cast<void**>(mbufs.data()), burst_, nullptr);
      if (count == 0) {
        if (is_last) return;
        rte_pause();
        continue;
      }
      if (reads != Reads::none) read(mbufs, count, reads);
      rte_pktmbuf_free_bulk(mbufs.data(), count);
      delivered_.add(count);
    }
  }

  void read(const std::array<rte_mbuf*, 64>& mbufs, unsigned count, Reads reads) {
    constexpr unsigned header_ahead = 8;
    constexpr unsigned data_ahead = 4;
    for (unsigned i = 0; i < std::min(count, header_ahead); ++i) rte_prefetch0(mbufs[i]);
    for (unsigned i = 0; i < std::min(count, data_ahead); ++i) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i], void*));
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (i + header_ahead < count) rte_prefetch0(mbufs[i + header_ahead]);
      if (i + data_ahead < count) rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + data_ahead], void*));
      sum +=
          mbufs[i]->hash.usr + read_frame(rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*), mbufs[i]->data_len, reads);
    }
    sum_.add(sum);
  }

  rte_ring* ring_;
  /// Of what was read, so that the reading is not for nothing. The worker's.
  alignas(crosscore::cache_line) crosscore::Counter sum_;
};

}  // namespace

std::unique_ptr<Contender> make_mbuf_ring(const Match& match) { return std::make_unique<MbufRing>(match); }

}  // namespace portier::bench
