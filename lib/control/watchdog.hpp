/// Handlers that do not return: which service's, on which core, and for how long.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/core_plan.hpp"
#include "crosscore/call_mark.hpp"
#include "datapath/counters.hpp"
#include "table/binding.hpp"

namespace portier::control {

/// What a core was seen inside of.
struct SeenCall {
  unsigned cpu = 0;
  crosscore::CallMark::Call call;
};

/// Of all cores, in the order of the plan.
std::vector<SeenCall> see_calls(std::span<const datapath::CoreCounters* const> cores, const CorePlan& plan);

/// A call that has taken longer than the limit: it was noticed, or it has returned.
struct WatchdogEvent {
  table::ServiceId service = 0;
  unsigned cpu = 0;
  bool has_returned = false;
  std::chrono::milliseconds lasted{};  ///< so far, or in all; since it was first seen, so at least
};

/// One sentence for an operator.
std::string to_text(const WatchdogEvent& event, std::string_view service);

/// Decides and does nothing else: who ticks it reads the cores and tells the events. Belongs to one control thread.
class Watchdog {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `limit`: how long a call may take; 0: for ever.
  explicit Watchdog(std::chrono::milliseconds limit) : limit_(limit) {}

  /// `seen`: by core, the same cores in the same order each time. Two events a call at most, one when it has lasted
  /// longer than the limit and one when it is over.
  std::vector<WatchdogEvent> tick(Time now, std::span<const SeenCall> seen);

 private:
  struct Watched {
    SeenCall seen;
    Time since{};
    bool is_told = false;
  };

  std::chrono::milliseconds limit_;
  std::vector<Watched> cores_;
};

}  // namespace portier::control
