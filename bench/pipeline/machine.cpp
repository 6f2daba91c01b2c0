/// Reads /proc, and the clock.
#include "machine.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <sched.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

namespace portier::bench {

namespace {

/// The value behind "name : " of the first CPU.
std::string cpuinfo(const std::string& name) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    const auto at = line.find(": ");
    return at == std::string::npos ? "" : line.substr(at + 2);
  }
  return "unknown";
}

}  // namespace

Machine look_at_machine() {
  Machine machine{.cpu_model = cpuinfo("model name"), .cpu_flags = cpuinfo("flags"), .cpus = {}, .kernel = {}};
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) machine.cpus.push_back(cpu);
  }
  utsname name{};
  uname(&name);
  machine.kernel = name.release;
  return machine;
}

std::uint64_t stolen_ms(unsigned cpu) {
  const auto wanted = "cpu" + std::to_string(cpu);
  std::ifstream file("/proc/stat");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    words >> name;
    if (name != wanted) continue;
    std::uint64_t value = 0;
    for (int field = 0; field < 8; ++field) words >> value;  // user nice system idle iowait irq softirq steal
    return value * 1000 / static_cast<std::uint64_t>(sysconf(_SC_CLK_TCK));
  }
  return 0;
}

void Hiccups::add(const Hiccups& other) {
  for (std::size_t i = 0; i < std::size(limits_us); ++i) longer_than[i] += other.longer_than[i];
  lost_share = (lost_share * seconds + other.lost_share * other.seconds) / std::max(seconds + other.seconds, 1e-9);
  longest_us = std::max(longest_us, other.longest_us);
  seconds += other.seconds;
}

std::string text_of(const Hiccups& hiccups) {
  std::string gaps;
  for (std::size_t i = 0; i < std::size(Hiccups::limits_us); ++i) {
    gaps += fmt::format("{}{} above {} us", i == 0 ? "" : ", ", hiccups.longer_than[i], Hiccups::limits_us[i]);
  }
  return fmt::format("hiccups of an idle rx core in {:.2f} s: {:.1f} % lost, longest {:.0f} us; gaps: {}",
                     hiccups.seconds, 100 * hiccups.lost_share, hiccups.longest_us, gaps);
}

Hiccups watch_hiccups(Arena& arena, unsigned milliseconds) {
  Hiccups seen;
  LcoreJob job;
  const double ticks_per_us = nic::tsc_hz() / 1e6;
  job.start(arena.eal, Arena::rx_lcore, [&] {
    const auto start = rte_rdtsc();
    const auto end = start + static_cast<std::uint64_t>(ticks_per_us * 1000 * milliseconds);
    const auto smallest = static_cast<std::uint64_t>(ticks_per_us);
    std::uint64_t lost = 0;
    for (auto before = start; before < end;) {
      const auto now = rte_rdtsc();
      const auto gap = now - before;
      before = now;
      if (gap <= smallest) [[likely]]
        continue;
      const double gap_us = static_cast<double>(gap) / ticks_per_us;
      lost += gap;
      seen.longest_us = std::max(seen.longest_us, gap_us);
      for (std::size_t i = 0; i < std::size(Hiccups::limits_us); ++i) {
        seen.longer_than[i] += gap_us > static_cast<double>(Hiccups::limits_us[i]) ? 1 : 0;
      }
    }
    const auto took = static_cast<double>(rte_rdtsc() - start);
    seen.seconds = took / ticks_per_us / 1e6;
    seen.lost_share = static_cast<double>(lost) / took;
  });
  job.join(arena.eal);
  return seen;
}

}  // namespace portier::bench
