/// One packet to and fro.
#include "ring_ping_pong.hpp"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <memory>

#include "crosscore/histogram.hpp"
#include "crosscore/ping_flag.hpp"
#include "crosscore/slot_ring.hpp"
#include "stamped_handlers.hpp"

namespace portier::bench {

namespace {

constexpr std::size_t ring_slots = 4096;
constexpr std::uint16_t frame_bytes = 60;

void send(crosscore::SlotRing& ring) {
  auto* slot = ring.reserve(1);
  slot->facts = {};
  slot->facts.length = frame_bytes;
  ring.publish();
}

/// False: told to end.
bool receive(crosscore::SlotRing& ring, const crosscore::PingFlag& end) {
  const crosscore::Slot* slot = nullptr;
  while ((slot = ring.front()) == nullptr) {
    if (end.value() != 0) return false;
    rte_pause();
  }
  ring.pop(*slot);
  ring.release();
  return true;
}

}  // namespace

std::vector<std::uint64_t> ring_ping_pong(Arena& arena, unsigned milliseconds, double rate_pps) {
  const auto pause_ticks = rate_pps == 0 ? 0 : static_cast<std::uint64_t>(nic::tsc_hz() / rate_pps);
  crosscore::SlotRing there(ring_slots);
  crosscore::SlotRing back(ring_slots);
  crosscore::PingFlag end;
  const auto halves = std::make_unique<crosscore::Histogram>();
  LcoreJob near;
  LcoreJob far;
  far.start(arena.eal, Arena::worker_lcore(0), [&] {
    while (receive(there, end)) send(back);
  });
  near.start(arena.eal, Arena::rx_lcore, [&] {
    const auto stop_tsc = rte_rdtsc() + static_cast<std::uint64_t>(nic::tsc_hz() / 1000 * milliseconds);
    for (auto start = rte_rdtsc(); start < stop_tsc;) {
      const auto due = start + pause_ticks;
      while ((start = rte_rdtsc()) < due) rte_pause();
      send(there);
      receive(back, end);
      halves->add(static_cast<std::uint32_t>((rte_rdtsc() - start) / 2 >> 4));
    }
    end.set(1);
  });
  near.join(arena.eal);
  far.join(arena.eal);
  std::vector<std::uint64_t> buckets;
  add_buckets(*halves, buckets);
  return buckets;
}

}  // namespace portier::bench
