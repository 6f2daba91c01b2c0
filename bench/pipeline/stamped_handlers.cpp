/// Records and waits.
#include "stamped_handlers.hpp"

#include <rte_cycles.h>

#include <cstring>
#include <limits>

namespace portier::bench {

namespace {

constexpr double ticks_per_unit = 16;

class Stamped final : public datapath::Handler {
 public:
  Stamped(LatencyLog& log, std::uint64_t cost_ticks) : log_(log), cost_ticks_(cost_ticks) {}

  void on_burst(datapath::Burst& burst) override {
    const auto now = rte_rdtsc();
    if (log_.is_recording.value() != 0) record(burst, now);
    if (cost_ticks_ == 0) return;
    const auto end = now + cost_ticks_ * burst.size();
    while (rte_rdtsc() < end) continue;
  }

 private:
  void record(const datapath::Burst& burst, std::uint64_t now) {
    for (const auto& packet : burst) {
      std::uint64_t due = 0;
      std::memcpy(&due, packet.frame().data() + packet.frame().size() - sizeof due, sizeof due);
      const auto units = now > due ? (now - due) >> 4 : 0;
      log_.due_to_handler.add(
          static_cast<std::uint32_t>(std::min<std::uint64_t>(units, std::numeric_limits<std::uint32_t>::max())));
      log_.receive_to_handler.add(static_cast<std::uint32_t>(now >> 4) - packet.receive_time());
    }
  }

  LatencyLog& log_;
  std::uint64_t cost_ticks_;
};

}  // namespace

handlers::Registry registry_with_stamped(LatencyLog& log, std::uint64_t cost_ticks) {
  auto registry = handlers::Registry::with_builtins();
  registry.add("stamped", [&log](const datapath::HandlerContext&) { return std::make_unique<Stamped>(log, 0); });
  registry.add("costly", [&log, cost_ticks](const datapath::HandlerContext&) {
    return std::make_unique<Stamped>(log, cost_ticks);
  });
  return registry;
}

void add_buckets(const crosscore::Histogram& histogram, std::vector<std::uint64_t>& sum) {
  sum.resize(crosscore::histogram_buckets);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += histogram.count(i);
}

Percentiles percentiles_of(const std::vector<std::uint64_t>& buckets, double tsc_hz) {
  Percentiles found;
  for (const auto count : buckets) found.count += count;
  const double ns_per_unit = ticks_per_unit / tsc_hz * 1e9;
  std::uint64_t below = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i] == 0) continue;
    const auto before = static_cast<double>(below) / static_cast<double>(found.count);
    below += buckets[i];
    const auto until = static_cast<double>(below) / static_cast<double>(found.count);
    const double value = static_cast<double>(crosscore::histogram_upper(i) + 1) * ns_per_unit;
    const auto take = [&](double share, double& into) {
      if (before < share && share <= until) into = value;
    };
    take(0.5, found.p50_ns);
    take(0.99, found.p99_ns);
    take(0.999, found.p999_ns);
    take(0.9999, found.p9999_ns);
    found.max_ns = value;
  }
  return found;
}

}  // namespace portier::bench
