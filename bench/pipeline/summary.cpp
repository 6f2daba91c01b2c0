/// Groups runs and lays them out.
#include "summary.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace portier::bench {

namespace {

struct Group {
  Line line;
  std::vector<double> mpps;
  std::vector<double> cycles;
  std::vector<double> window_cycles;
  std::uint64_t received = 0;
  std::uint64_t dropped = 0;
};

std::optional<Distance> distance_of_run(const Run& run) {
  return run.cores > 1 ? std::optional(run.distance()) : std::nullopt;
}

/// A window in which nothing came says nothing about the cost of a packet.
void add(Group& group, const Run& run, double tsc_hz) {
  group.line.is_sound = group.line.is_sound && run.is_sound();
  group.received += run.tally.received;
  group.dropped += run.tally.dropped_in_all();
  const double rate = run.mpps();
  group.mpps.push_back(rate);
  if (rate > 0) group.cycles.push_back(tsc_hz / rate / 1e6);
  for (const auto& window : run.windows) {
    if (window.packets != 0) group.window_cycles.push_back(tsc_hz / window.mpps() / 1e6);
  }
}

}  // namespace

std::vector<Line> summarise(const std::vector<Run>& runs, double tsc_hz) {
  std::vector<Group> groups;
  for (const auto& run : runs) {
    if (run.windows.empty()) continue;
    const auto distance = distance_of_run(run);
    auto at = std::ranges::find_if(groups, [&](const Group& group) {
      return group.line.contender == run.contender && group.line.source == run.source &&
             group.line.distance == distance;
    });
    if (at == groups.end()) {
      groups.push_back(
          {.line = {.contender = run.contender, .source = run.source, .cores = run.cores, .distance = distance}});
      at = groups.end() - 1;
    }
    add(*at, run, tsc_hz);
  }
  std::vector<Line> lines;
  for (auto& group : groups) {
    group.line.mpps = spread_of(group.mpps);
    group.line.cycles = spread_of(group.cycles);
    group.line.quiet_cycles = percentile(group.window_cycles, 0.1);
    group.line.dropped_share =
        group.received == 0 ? 0 : static_cast<double>(group.dropped) / static_cast<double>(group.received);
    lines.push_back(group.line);
  }
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return std::pair(line.source, line.cores); });
  return lines;
}

std::string table_of(const std::vector<Line>& lines) {
  std::string text =
      fmt::format("{:<12} {:<18} {:>5} {:<5} {:>7} {:>16} {:>7} {:>16} {:>6} {:>7} {:>2}  {}\n", "source", "contender",
                  "cores", "class", "Mpps", "[min..max]", "cycles", "[min..max]", "quiet", "dropped", "n", "account");
  for (const auto& line : lines) {
    text +=
        fmt::format("{:<12} {:<18} {:>5} {:<5} {:>7.2f} {:>16} {:>7.1f} {:>16} {:>6.1f} {:>6.1f}% {:>2}  {}\n",
                    line.source, line.contender, line.cores, line.distance ? name_of(*line.distance) : "-",
                    line.mpps.median, fmt::format("[{:.2f}..{:.2f}]", line.mpps.min, line.mpps.max), line.cycles.median,
                    fmt::format("[{:.1f}..{:.1f}]", line.cycles.min, line.cycles.max), line.quiet_cycles,
                    100 * line.dropped_share, line.mpps.count, line.is_sound ? "ok" : "DOES NOT ADD UP");
  }
  return text;
}

}  // namespace portier::bench
