/// What does it cost that services share a scarce ring? A burst goes in and one comes out, on one thread, so that what
/// the cases differ by is the counting; the frame itself is not copied.
#include <string>

#include "control/ring_places.hpp"
#include "datapath/ring_shares.hpp"
#include "frame_set.hpp"
#include "measurement.hpp"

namespace portier::bench {
namespace {

constexpr std::size_t ring_slots = 4096;
constexpr std::size_t services = 8;

class Shared {
 public:
  Shared() : ring_(ring_slots, control::ring_places(ring_slots, 1, 1)), shares_(ring_) {}

  /// As stage 6 does. False: refused.
  bool put(table::ServiceId service) {
    auto* slot = ring_.reserve_before_look(1);
    if (slot == nullptr) [[unlikely]] {
      auto refusal = packet::Reason::none;
      slot = shares_.reserve(service, 1, refusal);
      if (slot == nullptr) return false;
    }
    slot->facts = crosscore::make_facts(0, 0, std::uint64_t{60} << 16, service);
    return true;
  }
  std::uint64_t put_burst() {
    std::uint64_t refused = 0;
    for (std::size_t i = 0; i < burst_packets; ++i) {
      refused += put(static_cast<table::ServiceId>(2 + i % services)) ? 0 : 1;
    }
    ring_.publish();
    return refused;
  }
  void fill(std::size_t packets) {
    for (std::size_t i = 0; i < packets; ++i) put(static_cast<table::ServiceId>(2 + i % services));
    ring_.publish();
  }
  void take(std::size_t packets) {
    for (; packets != 0; --packets) {
      const auto* slot = ring_.front();
      if (slot == nullptr) break;
      ring_.pop(*slot);
    }
    ring_.release();
  }
  bool is_scarce() const { return shares_.is_scarce(); }

 private:
  crosscore::SlotRing ring_;
  datapath::RingShares shares_;
};

/// A ring in which `waiting` packets wait all the time.
void in_and_out(benchmark::State& state, std::size_t waiting) {
  Shared ring;
  ring.fill(waiting);
  std::uint64_t refused = 0;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      for (std::size_t at = 0; at < pass_packets; at += burst_packets) {
        ring.take(burst_packets);
        refused += ring.put_burst();
      }
    });
  }
  if (refused != 0) return state.SkipWithError("packets were refused");
  passes.report(state, pass_packets);
  state.counters["scarce"] = ring.is_scarce() ? 1 : 0;
}

/// Nothing comes out, and every service has its share.
void refused(benchmark::State& state) {
  Shared ring;
  ring.fill(2 * ring_slots);
  std::uint64_t refused = 0;
  std::uint64_t asked = 0;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      for (std::size_t at = 0; at < pass_packets; at += burst_packets) refused += ring.put_burst();
    });
    asked += pass_packets;
  }
  passes.report(state, pass_packets);
  state.counters["refused_share"] = static_cast<double>(refused) / static_cast<double>(asked);
}

/// A ring that becomes scarce and is emptied, again and again: all that is in it is counted each time.
void onset(benchmark::State& state) {
  constexpr std::size_t packets = ring_slots / 2 + burst_packets;
  Shared ring;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      for (std::size_t at = 0; at < packets; at += burst_packets) ring.put_burst();
      ring.take(packets);
    });
  }
  passes.report(state, packets);
}

void register_all() {
  benchmark::RegisterBenchmark("shares/plenty", in_and_out, ring_slots / 4);
  benchmark::RegisterBenchmark("shares/scarce", in_and_out, ring_slots * 3 / 4);
  benchmark::RegisterBenchmark("shares/refused", refused);
  benchmark::RegisterBenchmark("shares/onset", onset);
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, false);
}
