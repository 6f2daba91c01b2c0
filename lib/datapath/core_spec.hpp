/// What a data path core is given at its start: the pieces it owns, and those it shares with others.
#pragma once

#include <cstdint>
#include <vector>

#include "crosscore/published.hpp"
#include "crosscore/slot_ring.hpp"
#include "datapath/counters.hpp"
#include "datapath/fragment_memory.hpp"
#include "datapath/idle.hpp"
#include "datapath/outbox.hpp"
#include "datapath/program_gate.hpp"
#include "datapath/stage8_transmit.hpp"
#include "nic/device.hpp"

namespace portier::datapath {

/// A receive queue and the device it belongs to.
struct RxQueue {
  nic::Queue queue;
  std::uint8_t device = 0;
};

/// Shared by all cores of a router.
struct SharedState {
  ProgramGate& gate;
  crosscore::PhaseFlag& phase;  ///< written by control
};

struct CoreSpec {
  unsigned reader = 0;    ///< its number at the gate
  std::size_t index = 0;  ///< among the cores of its kind, from 0
  Idle idle = Idle::adaptive;
  std::uint16_t burst = 32;
  rte_mempool* pool = nullptr;              ///< for what the core sends
  std::vector<TxLane> lanes;                ///< by device
  std::vector<Relay> relays;                ///< queues it serves for other cores
  std::vector<RxQueue> queues;              ///< rx cores and run-to-completion
  std::vector<crosscore::SlotRing*> rings;  ///< rx core: by worker; worker: by rx core
  FragmentLimits fragments;
  std::uint64_t reject_rate_pps = 0;  ///< this core's share of the answers to closed ports
  std::uint64_t tsc_hz = 1;
};

}  // namespace portier::datapath
