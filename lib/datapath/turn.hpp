/// What a target does beside its bursts: settle packets that it has only taken into a queue, send what came back.
#pragma once

#include <cstdint>

#include "datapath/outbox.hpp"
#include "packet/reason.hpp"
#include "table/ruleset.hpp"

namespace portier::datapath {

struct CoreCounters;

/// One turn of a core, as seen by what takes part in it.
class Turn {
 public:
  enum class Kind {
    busy,  ///< packets came
    idle,  ///< none came: whoever must wake somebody may do it now, if the core is one that naps
    last,  ///< the core ends after this turn: what still waits ends as `Reason::shutdown`
  };

  Turn(const table::Ruleset& rules, Outbox& outbox, CoreCounters& counters, std::uint64_t now_tsc, Kind kind)
      : rules_(rules), outbox_(outbox), counters_(counters), now_tsc_(now_tsc), kind_(kind) {}

  /// How packets of `Burst::postpone` ended: each of them once, here or there.
  void delivered(table::ServiceId service, std::uint64_t packets, std::uint64_t bytes);
  void dropped(table::ServiceId service, packet::Reason reason, std::uint64_t packets);

  /// As `Burst::forward`, `trim` and `cancel`. What is open when the turn ends is sent.
  packet::MutableBytes send(std::uint8_t device, std::size_t length) { return outbox_.open(device, length); }
  /// Frames that `device` has room for, and those that it has not taken yet.
  std::size_t room(std::uint8_t device) { return outbox_.room(device); }
  std::size_t held(std::uint8_t device) const { return outbox_.held(device); }
  void trim(std::size_t length) { outbox_.trim(length); }
  void cancel() { outbox_.cancel(); }

  const table::Ruleset& rules() const { return rules_; }
  std::uint64_t now_tsc() const { return now_tsc_; }
  bool is_last() const { return kind_ == Kind::last; }
  bool is_idle() const { return kind_ == Kind::idle; }

 private:
  const table::Ruleset& rules_;
  Outbox& outbox_;
  CoreCounters& counters_;
  std::uint64_t now_tsc_;
  Kind kind_;
};

/// Takes part in every turn of one core, also in turns without packets. Work per turn must be bounded; the rules of the
/// packet path hold: no system call, no lock, no allocation.
class TurnTaker {
 public:
  TurnTaker() = default;
  TurnTaker(const TurnTaker&) = delete;
  TurnTaker& operator=(const TurnTaker&) = delete;
  virtual ~TurnTaker() = default;

  /// True: something was done.
  virtual bool on_turn(Turn& turn) = 0;
  /// Packets postponed and not settled. Asked by its core, and by control.
  virtual std::uint64_t waiting() const = 0;
  /// Nothing is left to do, should no chain lead here any more. Asked by control.
  virtual bool is_done() const { return waiting() == 0; }
};

}  // namespace portier::datapath
