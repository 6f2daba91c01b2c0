/// How many packets a second cross from one core to another, and which ring carries them best: our slots by value,
/// rte_ring with pointers, or rte_ring with 128-byte elements written in place?
#include <rte_pause.h>
#include <rte_ring.h>
#include <rte_ring_peek_zc.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>

#include "crosscore/slot_ring.hpp"
#include "hot_frames.hpp"

namespace portier::bench {
namespace {

using crosscore::Slot;

constexpr unsigned ring_slots = 4096;
constexpr std::size_t batch = 4096;  // packets an iteration

std::vector<int> cpus_of_process() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
  return cpus;
}

void pin_to(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}

/// Two cores wait for each other spinning; on one, each must let the other run.
void wait_a_little(bool is_shared) { is_shared ? static_cast<void>(sched_yield()) : rte_pause(); }

/// What a sender does for each packet: facts and bytes, 16 and up to 112.
void write(Slot& slot, packet::Bytes frame) {
  slot.facts = {};
  slot.facts.length = static_cast<std::uint16_t>(frame.size());
  std::memcpy(slot.bytes, frame.data(), frame.size());
}

/// What a receiver does: it looks at every byte.
std::uint64_t read(const Slot& slot) {
  std::uint64_t sum = slot.facts.length;
  for (std::size_t at = 0; at + 8 <= sizeof slot.bytes; at += 8) {
    std::uint64_t word;
    std::memcpy(&word, slot.bytes + at, sizeof word);
    sum += word;
  }
  return sum;
}

/// Frames that fit into one slot.
class Letters {
 public:
  Letters() : frames_(make_frames({.ipv6 = 0, .vlan = 0, .tcp = 0}, std::array<std::uint16_t, 1>{53})) {}
  packet::Bytes next() { return frames_[next_++ % 64]; }

 private:
  HotFrames frames_;
  std::size_t next_ = 0;
};

class RteRing {
 public:
  explicit RteRing(unsigned element_bytes)
      : ring_(static_cast<rte_ring*>(std::aligned_alloc(4096, room(element_bytes)))) {
    std::memset(static_cast<void*>(ring_), 0, room(element_bytes));
    rte_ring_init(ring_, "bench", ring_slots, RING_F_SP_ENQ | RING_F_SC_DEQ);
  }
  ~RteRing() { std::free(ring_); }
  RteRing(const RteRing&) = delete;
  RteRing& operator=(const RteRing&) = delete;
  rte_ring* get() const { return ring_; }

 private:
  static std::size_t room(unsigned element_bytes) {
    return (static_cast<std::size_t>(rte_ring_get_memsize_elem(element_bytes, ring_slots)) + 4095) / 4096 * 4096;
  }
  rte_ring* ring_;
};

// Each way: `send` puts up to `burst` packets and returns how many, `take` reads up to `burst` and returns how many.

class SlotsByValue {
 public:
  std::size_t send(Letters& letters, std::size_t burst) {
    std::size_t sent = 0;
    for (; sent < burst; ++sent) {
      auto* slot = ring_.reserve(1);
      if (slot == nullptr) break;
      write(*slot, letters.next());
    }
    if (sent != 0) ring_.publish();
    return sent;
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    std::size_t taken = 0;
    for (; taken < burst; ++taken) {
      const auto* slot = ring_.front();
      if (slot == nullptr) break;
      sum += read(*slot);
      ring_.pop(*slot);
    }
    if (taken != 0) ring_.release();
    return taken;
  }

 private:
  crosscore::SlotRing ring_{ring_slots};
};

/// The packets lie in buffers that are used in turn: twice as many as the ring holds, so none is in use when its turn
/// comes again. Nothing is given back, which is the best case for pointers.
class Pointers {
 public:
  std::size_t send(Letters& letters, std::size_t burst) {
    const auto free = rte_ring_free_count(ring_.get());
    const auto count = std::min<std::size_t>(burst, free);
    std::array<void*, 64> pointers;
    for (std::size_t i = 0; i < count; ++i) {
      auto& buffer = buffers_[next_++ % buffers_.size()];
      write(buffer, letters.next());
      pointers[i] = &buffer;
    }
    return rte_ring_sp_enqueue_burst(ring_.get(), pointers.data(), static_cast<unsigned>(count), nullptr);
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    std::array<void*, 64> pointers;
    const auto count = rte_ring_sc_dequeue_burst(ring_.get(), pointers.data(), static_cast<unsigned>(burst), nullptr);
    for (unsigned i = 0; i < count; ++i) sum += read(*static_cast<const Slot*>(pointers[i]));
    return count;
  }

 private:
  RteRing ring_{sizeof(void*)};
  std::vector<Slot> buffers_ = std::vector<Slot>(std::size_t{2} * ring_slots);
  std::size_t next_ = 0;
};

class ZeroCopyElements {
 public:
  std::size_t send(Letters& letters, std::size_t burst) {
    rte_ring_zc_data at;
    const auto count =
        rte_ring_enqueue_zc_burst_elem_start(ring_.get(), sizeof(Slot), static_cast<unsigned>(burst), &at, nullptr);
    if (count == 0) return 0;
    for (unsigned i = 0; i < count; ++i) write(*slot(at, i), letters.next());
    rte_ring_enqueue_zc_elem_finish(ring_.get(), count);
    return count;
  }
  std::size_t take(std::uint64_t& sum, std::size_t burst) {
    rte_ring_zc_data at;
    const auto count =
        rte_ring_dequeue_zc_burst_elem_start(ring_.get(), sizeof(Slot), static_cast<unsigned>(burst), &at, nullptr);
    if (count == 0) return 0;
    for (unsigned i = 0; i < count; ++i) sum += read(*slot(at, i));
    rte_ring_dequeue_zc_elem_finish(ring_.get(), count);
    return count;
  }

 private:
  static Slot* slot(const rte_ring_zc_data& at, unsigned i) {
    return i < at.n1 ? static_cast<Slot*>(at.ptr1) + i : static_cast<Slot*>(at.ptr2) + (i - at.n1);
  }
  RteRing ring_{sizeof(Slot)};
};

template <class Way>
void cross(benchmark::State& state) {
  const auto burst = static_cast<std::size_t>(state.range(0));
  const auto cpus = cpus_of_process();
  const bool is_shared = cpus.size() < 2;
  const auto way = std::make_unique<Way>();
  Letters letters;
  std::atomic<bool> is_over{false};
  std::uint64_t received = 0;
  std::jthread receiver([&] {
    if (!is_shared) pin_to(cpus[1]);
    std::uint64_t sum = 0;
    for (bool ends = false;;) {
      const auto taken = way->take(sum, burst);
      received += taken;
      if (taken != 0) continue;
      if (ends) break;
      ends = is_over.load(std::memory_order_acquire);  // then one more look: all that was sent is visible now
      if (!ends) wait_a_little(is_shared);
    }
    benchmark::DoNotOptimize(sum);
  });
  // The sender has a thread of its own too, so that the benchmark's own thread keeps its CPUs for the next case.
  std::jthread sender([&] {
    if (!is_shared) pin_to(cpus[0]);
    const TickCount ticks;
    for (auto _ : state) {
      for (std::size_t sent = 0; sent < batch;) {
        const auto more = way->send(letters, std::min(burst, batch - sent));
        if (more == 0) wait_a_little(is_shared);
        sent += more;
      }
    }
    ticks.report(state, state.iterations() * static_cast<std::int64_t>(batch));
  });
  sender.join();
  is_over.store(true, std::memory_order_release);
  receiver.join();
  if (received != static_cast<std::uint64_t>(state.iterations()) * batch) state.SkipWithError("packets were lost");
}

void bursts(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(1)->Arg(8)->Arg(32)->Arg(64)->UseRealTime()->MeasureProcessCPUTime();
}

BENCHMARK(cross<SlotsByValue>)->Apply(bursts);
BENCHMARK(cross<Pointers>)->Apply(bursts);
BENCHMARK(cross<ZeroCopyElements>)->Apply(bursts);

}  // namespace
}  // namespace portier::bench

BENCHMARK_MAIN();
