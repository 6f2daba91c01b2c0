/// The machine that the figures are of: its CPU, its noise, and what the host takes from it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lcore_job.hpp"

namespace portier::bench {

struct Machine {
  std::string cpu_model;
  std::string cpu_flags;
  std::vector<unsigned> cpus;  ///< that this process may use
  std::string kernel;
};
Machine look_at_machine();

/// Milliseconds that the host has kept from a CPU since boot (`steal` of /proc/stat); steps of 10 ms.
std::uint64_t stolen_ms(unsigned cpu);

/// Gaps in the time of a core that does nothing but read the clock.
struct Hiccups {
  static constexpr std::uint64_t limits_us[] = {1, 10, 100, 1000, 10'000};
  std::uint64_t longer_than[std::size(limits_us)]{};  ///< gaps, by limit
  double lost_share = 0;                              ///< of the time, in gaps above 1 us
  double longest_us = 0;
  double seconds = 0;

  void add(const Hiccups& other);
};
/// One line for a terminal.
std::string text_of(const Hiccups& hiccups);
/// Looks at the rx core for `milliseconds`.
Hiccups watch_hiccups(Arena& arena, unsigned milliseconds);

}  // namespace portier::bench
