/// Stage 8, transmit: what handlers wrote -> device, by the core's own queue or through the core that owns it.
#pragma once

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

}  // namespace portier::datapath
