/// How many packets a second cross from one core to another, and which ring carries them best: our slots by value,
/// rte_ring with pointers, or rte_ring with 128-byte elements written in place? In three patterns, because a receiver
/// that keeps up and one that lags make different rings of the same code.
#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "core_pair.hpp"
#include "measurement.hpp"
#include "ring_ways.hpp"

namespace portier::bench {
namespace {

enum class Pattern {
  free,     ///< both as fast as they can: which of the other two it resembles is chance, see `backlog`
  in_step,  ///< the receiver keeps up: the next burst is sent when the one before has been taken
  lagging,  ///< the receiver lets half a ring gather, then empties it
};

constexpr std::size_t pass_letters = 4096;

std::string text_of(Pattern pattern) {
  return pattern == Pattern::free ? "free" : pattern == Pattern::in_step ? "in_step" : "lagging";
}

/// What the receiver has seen when it ends.
struct Received {
  std::uint64_t packets = 0;
  std::uint64_t takes = 0;  ///< that brought something
};

template <class Way>
void receive(Way& way, std::size_t burst, Pattern pattern, const std::atomic<bool>& is_over, Received& received) {
  std::uint64_t sum = 0;
  for (bool ends = false;;) {
    const auto taken = way.take(sum, burst);
    if (taken != 0) {
      received.packets += taken;
      received.takes += 1;
      continue;
    }
    if (ends) break;
    ends = is_over.load(std::memory_order_acquire);  // then one more look: all that was sent is visible now
    if (pattern == Pattern::lagging) {
      while (way.in_flight() < ring_slots / 2 && !is_over.load(std::memory_order_acquire)) {
        for (int i = 0; i < 16; ++i) rte_pause();  // so that the sender's line is left alone meanwhile
      }
    } else if (!ends) {
      rte_pause();
    }
  }
  benchmark::DoNotOptimize(sum);
}

template <class Way>
void send_pass(Way& way, const Letter& letter, std::size_t burst, Pattern pattern) {
  for (std::size_t sent = 0; sent < pass_letters;) {
    const auto more = way.send(letter, std::min(burst, pass_letters - sent));
    if (more == 0) rte_pause();
    sent += more;
    if (pattern == Pattern::in_step) {
      while (way.in_flight() != 0) rte_pause();
    }
  }
}

template <class Way>
void cross(benchmark::State& state, std::size_t burst, Pattern pattern) {
  const auto cores = core_pair();
  if (!cores.is_real) return state.SkipWithError("needs two CPUs");
  const LineProbe probe(cores);
  const auto way = std::make_unique<Way>();
  const Letter letter;
  std::atomic<bool> is_over{false};
  Received received;
  Passes passes;
  std::uint64_t sent = 0;
  std::uint64_t backlog = 0;
  std::jthread receiver([&] {
    pin_to(cores.receiver);
    receive(*way, burst, pattern, is_over, received);
  });
  // The sender has a thread of its own too, so that the benchmark's own thread keeps its CPUs for the next case.
  std::jthread sender([&] {
    pin_to(cores.sender);
    for (auto _ : state) {
      passes.time([&] { send_pass(*way, letter, burst, pattern); });
      sent += pass_letters;
      backlog += way->in_flight();
    }
  });
  sender.join();
  is_over.store(true, std::memory_order_release);
  receiver.join();
  if (received.packets != sent) return state.SkipWithError("packets were lost");
  passes.report(state, pass_letters);
  state.counters["Mpps"] = ticks_per_s() / 1e6 / static_cast<double>(state.counters["ticks/packet"]);
  state.counters["backlog"] = static_cast<double>(backlog) * pass_letters / static_cast<double>(sent);
  state.counters["per_take"] = static_cast<double>(received.packets) / static_cast<double>(received.takes);
  probe.report(state);
}

template <class Way>
void add(Pattern pattern, std::size_t burst) {
  const auto name = "ring/" + text_of(pattern) + "/burst_" + std::to_string(burst) + "/" + Way::name;
  benchmark::RegisterBenchmark(name.c_str(), [burst, pattern](benchmark::State& state) {
    cross<Way>(state, burst, pattern);
  })->UseRealTime();
}

void register_all() {
  for (const auto pattern : {Pattern::in_step, Pattern::lagging, Pattern::free}) {
    for (const std::size_t burst : {1, 8, 32, 64}) {
      add<SlotsByValue>(pattern, burst);
      add<Pointers<false>>(pattern, burst);
      add<Pointers<true>>(pattern, burst);
      add<ZeroCopyElements>(pattern, burst);
    }
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, false);
}
