/// Stage 8, transmit: what handlers wrote -> device, by the core's own queue or through the core that owns it.
#pragma once

#include <rte_ring.h>

#include <algorithm>
#include <span>

#include "datapath/outbox.hpp"

namespace portier::datapath {

/// A ring by which other cores send on a queue that this core owns.
struct Relay {
  rte_ring* ring = nullptr;
  std::uint8_t device = 0;
};

inline void stage8_transmit(Outbox& outbox, std::span<const Relay> relays) {
  for (const auto& relay : relays) outbox.serve_relay(relay.ring, relay.device);
  outbox.flush();
}

/// At the end of a core: sends what is left, or gives it up as `tx_full` after a bounded number of tries.
inline void end_transmit(Outbox& outbox, std::span<const Relay> relays) {
  const auto is_drained = [](const Relay& relay) { return rte_ring_empty(relay.ring) != 0; };
  for (int tries = 0; tries < 1000; ++tries) {
    stage8_transmit(outbox, relays);
    if (outbox.is_empty() && std::ranges::all_of(relays, is_drained)) return;
  }
  do {
    outbox.abandon();
    for (const auto& relay : relays) outbox.serve_relay(relay.ring, relay.device);
  } while (!outbox.is_empty());
}

}  // namespace portier::datapath
