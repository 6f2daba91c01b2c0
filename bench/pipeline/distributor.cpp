/// rte_distributor in burst mode: DPDK's own way of spreading packets over workers so that a flow is at one worker at a
/// time. Tag: our flow hash. One worker, which frees and does not look at the packets.
#include <rte_distributor.h>
#include <rte_errno.h>
#include <rte_pause.h>

#include "crosscore/ping_flag.hpp"
#include "mbuf_peer.hpp"
#include "nic/failure.hpp"

namespace portier::bench {

namespace {

class Distributor final : public MbufPeer {
 public:
  Distributor(const Match& match, const std::string& name)
      : MbufPeer(match),
        distributor_(
            rte_distributor_create(name.c_str(), static_cast<unsigned>(SOCKET_ID_ANY), 1, RTE_DIST_ALG_BURST)) {
    if (distributor_ == nullptr) throw nic::Failure(std::string("no distributor: ") + rte_strerror(rte_errno));
  }

 private:
  /// What is not taken has no worker that asks; it is offered again. The worker is let go at the end and served until
  /// it has gone: its next request would otherwise wait for us for ever.
  void receive() override {
    std::array<rte_mbuf*, 64> mbufs;
    std::uint64_t sent = 0;
    const auto delivered_before = delivered_.value();
    const auto run = let_go_.value() + 1;
    while (is_receiving()) {
      const unsigned count = take_in(mbufs);
      for (unsigned done = 0; done < count;) {
        done += static_cast<unsigned>(rte_distributor_process(distributor_, mbufs.data() + done, count - done));
      }
      sent += count;
    }
    while (delivered_.value() - delivered_before != sent) rte_distributor_process(distributor_, nullptr, 0);
    let_go_.set(run);
    while (gone_.value() != run) rte_distributor_process(distributor_, nullptr, 0);
  }

  /// Asks for packets, and asks again only when those before are freed, as the order of flows needs. The worker frees,
  /// so nothing goes back through the distributor.
  void work() override {
    std::array<rte_mbuf*, packets_a_line> mbufs;
    const auto run = gone_.value() + 1;
    while (let_go_.value() != run) {
      rte_distributor_request_pkt(distributor_, 0, nullptr, 0);
      int count = 0;
      while ((count = rte_distributor_poll_pkt(distributor_, 0, mbufs.data())) < 0 && let_go_.value() != run)
        rte_pause();
      if (count <= 0) continue;
      rte_pktmbuf_free_bulk(mbufs.data(), static_cast<unsigned>(count));
      delivered_.add(static_cast<std::uint64_t>(count));
    }
    gone_.set(run);
  }

  static constexpr std::size_t packets_a_line = 8;  // a cache line of packets, as rte_distributor.h says
  rte_distributor* distributor_;                    ///< DPDK has no way to free one
  crosscore::PingFlag let_go_;                      ///< number of the run that is over; written by the rx core
  crosscore::PingFlag gone_;                        ///< number of the run that it has ended; written by the worker
};

}  // namespace

std::unique_ptr<Contender> make_distributor(const Match& match) {
  return std::make_unique<Distributor>(match, "bench_" + std::to_string(match.source.queue().port));
}

}  // namespace portier::bench
