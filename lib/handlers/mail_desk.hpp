/// One core's side of a mailbox: packets into the rings of the processes behind it, answers out of theirs.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "crosscore/counter.hpp"
#include "crosscore/lazy_array.hpp"
#include "crosscore/published.hpp"
#include "datapath/handler.hpp"
#include "datapath/turn.hpp"
#include "handlers/mail_link.hpp"
#include "packet/facts.hpp"
#include "table/core_map.hpp"

namespace portier::handlers {

/// The processes behind a mailbox at one time. A process keeps its place as long as it is connected; `map` spreads
/// flows over those that take packets.
struct MailMembers {
  std::uint64_t generation = 0;
  std::array<std::shared_ptr<MailLink>, table::max_workers> links;  ///< by place; null: nobody
  std::vector<table::WorkerIndex> present;                          ///< places that are taken
  std::vector<table::WorkerIndex> active;                           ///< of these, those that get packets
  table::CoreMap map;                                               ///< over `active`
};

/// Whose packets a mailbox gets: by service, how many lanes lead to it. Written by control.
using MailOwners = crosscore::LazyArray<crosscore::Counter>;

/// Used by its core alone, but for what says otherwise.
class MailDesk final : public datapath::TurnTaker {
 public:
  /// `owners` outlives the desk.
  MailDesk(std::size_t core, bool may_wake, std::vector<std::array<std::uint8_t, 6>> device_macs,
           const MailOwners& owners)
      : core_(core), may_wake_(may_wake), device_macs_(std::move(device_macs)), owners_(owners) {}

  void put(datapath::Burst& burst);
  bool on_turn(datapath::Turn& turn) override;

  // ---- any thread ----

  std::uint64_t waiting() const override { return put_.value() - ended_.value(); }
  /// No process is left either: the mailroom shows them out when no service leads here.
  bool is_done() const override { return waiting() == 0 && has_links_.value() == 0; }
  std::uint64_t taken() const { return taken_.value(); }
  std::uint64_t refused_answers() const { return refused_answers_.value(); }
  /// Some process takes packets.
  bool has_active() const { return has_active_.value() != 0; }

  // ---- control ----

  /// In force from the core's next turn on. `members` must live until `adopted()` has passed its generation.
  void assign(const MailMembers* members) { assigned_.publish(members); }
  std::uint64_t adopted() const { return adopted_.value(); }

 private:
  bool adopt(datapath::Turn& turn);
  bool settle(datapath::Turn& turn, MailEnd& end);
  void give_up(datapath::Turn& turn, MailEnd& end, packet::Reason reason);
  /// At most `budget`, which shrinks by what was looked at.
  bool send_answers(datapath::Turn& turn, MailEnd& end, unsigned& budget);
  bool is_allowed(const datapath::Turn& turn, packet::Bytes frame) const;
  void wake(MailLink& link, MailEnd& end) const;

  std::size_t core_;
  bool may_wake_;
  std::vector<std::array<std::uint8_t, 6>> device_macs_;
  const MailOwners& owners_;
  const MailMembers* members_ = nullptr;  ///< adopted

  crosscore::Published<MailMembers> assigned_;  ///< written by control
  crosscore::Counter adopted_;                  ///< these are written by the core
  crosscore::Counter put_;
  crosscore::Counter ended_;
  crosscore::Counter taken_;
  crosscore::Counter refused_answers_;
  crosscore::Gauge has_active_;
  crosscore::Gauge has_links_;
};

}  // namespace portier::handlers
