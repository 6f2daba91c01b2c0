/// rte_ring in its many-producers, one-consumer form.
#include "nic/relay_ring.hpp"

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "nic/failure.hpp"

namespace portier::nic {

RelayRing::RelayRing(const std::string& name, unsigned size)
    : ring_(rte_ring_create(name.c_str(), size, SOCKET_ID_ANY, RING_F_SC_DEQ)) {
  if (ring_ == nullptr) throw Failure("no memory for a relay ring: raise router.memory_mb");
}

RelayRing::~RelayRing() {
  void* mbuf = nullptr;
  while (rte_ring_dequeue(ring_, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  rte_ring_free(ring_);
}

}  // namespace portier::nic
