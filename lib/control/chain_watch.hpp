/// Delivery chains under watch: which targets are there, which are stalled, and who is in charge.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "control/event.hpp"
#include "control/service_ids.hpp"
#include "control/settings.hpp"
#include "datapath/program.hpp"

namespace portier::control {

enum class Condition { ready, absent, stalled };
std::string_view to_text(Condition condition);

/// What control remembers of a target between two looks at it.
struct TargetMemory {
  std::uint64_t taken = 0;
  std::chrono::steady_clock::time_point moved_at{};  ///< when it last took something, or had nothing to take
  Condition condition = Condition::ready;
};

/// Pure: the memory after a look at the target at `now`. A target is stalled when it has taken nothing for `stall`
/// while packets wait, and ready again with the first one that it takes.
TargetMemory judge(const TargetMemory& memory, const datapath::TargetState& state,
                   std::chrono::steady_clock::time_point now, std::chrono::milliseconds stall);

/// How a service's chain stands.
struct ChainStatus {
  std::string service;
  std::string in_charge;      ///< label of the target; empty: all are out of order
  std::uint64_t changes = 0;  ///< how often another target has taken charge, over all cores
};

/// Belongs to the control thread that ticks it.
class ChainWatch {
 public:
  /// Watches the lanes of this program from now on. What was known of lanes that it shares with the one before stays.
  void follow(const datapath::Program& program, const Settings& settings, const ServiceIds& ids);

  /// Looks at every target that has a state, tells the lanes which are usable, and says what has changed.
  /// `faults`: exceptions of handlers so far; a change makes it look for targets that have thrown too often.
  std::vector<Event> tick(std::chrono::steady_clock::time_point now, std::uint64_t faults);

  /// True once after a tick that has changed what is usable: the cores must look at their chains anew.
  bool take_change() { return std::exchange(has_changed_, false); }

  /// By service, in the order of the settings; those whose chain has more than one target or a target with a state.
  std::vector<ChainStatus> status() const;

 private:
  struct Watched {
    std::shared_ptr<datapath::Lane> lane;
    std::vector<TargetMemory> targets;  ///< by position
    std::uint32_t broken = 0;
    bool has_state = false;
  };
  /// A service over all cores.
  struct Chain {
    std::string service;
    std::vector<std::string> labels;
    std::chrono::milliseconds stall{};
    std::vector<Watched> lanes;
    std::vector<Condition> said;  ///< by position: the condition that was last told
    std::size_t in_charge = 0;    ///< position; as many as there are labels: none
    std::uint64_t changes = 0;
    bool has_state = false;
  };

  static Watched watch(const std::shared_ptr<datapath::Lane>& lane, const Chain* before);
  void look(Chain& chain, std::chrono::steady_clock::time_point now, std::vector<Event>& events);
  static std::uint32_t look(Watched& watched, std::chrono::steady_clock::time_point now,
                            std::chrono::milliseconds stall, std::vector<Condition>& seen);
  static void look_for_broken(Chain& chain, std::vector<Event>& events);
  static void note_charge(Chain& chain);
  static std::size_t in_charge(const Chain& chain);
  static std::string charge_text(const Chain& chain);

  std::vector<Chain> chains_;
  std::uint64_t faults_ = 0;
  bool has_changed_ = false;
};

}  // namespace portier::control
