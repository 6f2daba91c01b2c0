/// A call is the same as at the tick before when burst and service are; then its core has not moved.
#include "control/watchdog.hpp"

#include <fmt/format.h>

namespace portier::control {

std::vector<SeenCall> see_calls(std::span<const datapath::CoreCounters* const> cores, const CorePlan& plan) {
  std::vector<SeenCall> calls;
  for (const auto* core : cores) calls.push_back({plan.cpu_of(calls.size()), core->call.call()});
  return calls;
}

std::string to_text(const WatchdogEvent& event, std::string_view service) {
  const double seconds = static_cast<double>(event.lasted.count()) / 1000;
  if (event.has_returned) {
    return fmt::format("service '{}' on CPU {}: its handler has returned after {:.1f} s", service, event.cpu, seconds);
  }
  return fmt::format(
      "service '{}' on CPU {}: its handler has not returned for {:.1f} s; its packets and those of all services of "
      "this "
      "core wait. Give it a core of its own: workers = [...]",
      service, event.cpu, seconds);
}

std::vector<WatchdogEvent> Watchdog::tick(Time now, std::span<const SeenCall> seen) {
  std::vector<WatchdogEvent> events;
  if (limit_ == std::chrono::milliseconds(0)) return events;
  cores_.resize(seen.size());
  for (std::size_t core = 0; core < seen.size(); ++core) {
    auto& watched = cores_[core];
    const auto tell = [&](bool has_returned) {
      events.push_back({.service = watched.seen.call.service,
                        .cpu = watched.seen.cpu,
                        .has_returned = has_returned,
                        .lasted = std::chrono::duration_cast<std::chrono::milliseconds>(now - watched.since)});
    };
    if (seen[core].call != watched.seen.call) {
      if (watched.is_told) tell(true);
      watched = {.seen = seen[core], .since = now, .is_told = false};
      continue;
    }
    if (watched.seen.call.burst == 0 || watched.is_told || now - watched.since < limit_) continue;
    tell(false);
    watched.is_told = true;
  }
  return events;
}

}  // namespace portier::control
