/// Two cores hand a number to and fro.
#include "probe.hpp"

#include <rte_cycles.h>
#include <rte_pause.h>

#include <vector>

#include "crosscore/ping_flag.hpp"
#include "statistics.hpp"

namespace portier::bench {

namespace {
constexpr double near_limit_ns = 70;
constexpr double far_limit_ns = 220;
constexpr unsigned batches = 31;
constexpr unsigned trips = 200;  // a batch is short, so that most of them meet no interruption
}  // namespace

Distance distance_of(double one_way_ns) {
  if (one_way_ns < near_limit_ns) return Distance::near;
  return one_way_ns <= far_limit_ns ? Distance::mid : Distance::far;
}

Distance distance_of(double before_ns, double behind_ns) {
  const auto before = distance_of(before_ns);
  return before == distance_of(behind_ns) ? before : Distance::mixed;
}

std::string name_of(Distance distance) {
  switch (distance) {
    case Distance::near: return "near";
    case Distance::mid: return "mid";
    case Distance::far: return "far";
    case Distance::mixed: break;
  }
  return "mixed";
}

double probe_one_way_ns(Arena& arena) {
  crosscore::PingFlag ping;
  crosscore::PingFlag pong;
  std::vector<double> one_way_ns;
  LcoreJob here;
  LcoreJob there;
  there.start(arena.eal, Arena::worker_lcore(0), [&] {
    for (std::uint64_t trip = 1; trip <= std::uint64_t{batches} * trips; ++trip) {
      while (ping.value() != trip) rte_pause();
      pong.set(trip);
    }
  });
  here.start(arena.eal, Arena::rx_lcore, [&] {
    std::uint64_t trip = 0;
    for (unsigned batch = 0; batch < batches; ++batch) {
      const auto start = rte_rdtsc();
      for (unsigned i = 0; i < trips; ++i) {
        ping.set(++trip);
        while (pong.value() != trip) rte_pause();
      }
      one_way_ns.push_back(static_cast<double>(rte_rdtsc() - start) / nic::tsc_hz() * 1e9 / trips / 2);
    }
  });
  here.join(arena.eal);
  there.join(arena.eal);
  return median(one_way_ns);
}

}  // namespace portier::bench
