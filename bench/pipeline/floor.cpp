/// The floor: DPDK's own receive-and-free loop. Nothing that looks at packets can be faster on the same source.
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <array>

#include "contenders.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"

namespace portier::bench {

namespace {

class Floor final : public Contender {
 public:
  Floor(const Match& match, FreeBy way) : match_(match), way_(way) {}

  void start() override {
    started_at_ = packets_.value();
    phase_.ask(crosscore::Phase::run);
    job_.start(match_.arena.eal, Arena::rx_lcore, [this] { way_ == FreeBy::mbuf_bulk ? loop<true>() : loop<false>(); });
  }
  std::uint64_t delivered() override { return packets_.value(); }
  Tally stop() override {
    phase_.ask(crosscore::Phase::stop);
    job_.join(match_.arena.eal);
    const auto packets = packets_.value() - started_at_;
    return {.received = packets, .delivered = packets, .dropped = {}};
  }

 private:
  /// `mempool_bulk` gives the mbufs back unseen: right only where each is whole, unshared and of one pool.
  template <bool ByMbuf>
  void loop() {
    const auto [port, queue] = match_.source.queue();
    const auto limit = static_cast<std::uint16_t>(match_.options.burst);
    auto* pool = match_.source.pool();
    std::array<rte_mbuf*, 64> mbufs;
    while (phase_.asked() == crosscore::Phase::run) {
      const auto count = rte_eth_rx_burst(port, queue, mbufs.data(), limit);
      if (count == 0) continue;
      if constexpr (ByMbuf) {
        rte_pktmbuf_free_bulk(mbufs.data(), count);
      } else {
        rte_mempool_put_bulk(pool, reinterpret_cast<void**>(mbufs.data()), count);
      }
      packets_.add(count);
    }
  }

  Match match_;
  FreeBy way_;
  LcoreJob job_;
  crosscore::PhaseFlag phase_;
  crosscore::Counter packets_;
  std::uint64_t started_at_ = 0;
};

}  // namespace

std::unique_ptr<Contender> make_floor(const Match& match, FreeBy way) { return std::make_unique<Floor>(match, way); }

}  // namespace portier::bench
