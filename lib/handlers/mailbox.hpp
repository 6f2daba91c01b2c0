/// `mailbox`: a target in another process. Who may connect, who is connected, and how flows are spread over them.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "datapath/handler.hpp"
#include "handlers/mail_desk.hpp"
#include "handlers/registry.hpp"

namespace portier::handlers {

/// `deliver = { mailbox = "dns", allow_users = ["alice"], allow_groups = ["dns"], slots = 4096 }`.
struct MailboxOptions {
  std::string name;
  std::vector<uid_t> users;               ///< besides root and the router's own user
  std::vector<gid_t> groups;              ///< a member of one of these may connect, too
  std::uint32_t slots = 4096;             ///< of each ring towards a process that may be full; 256 to 65536
  std::chrono::milliseconds stall{1000};  ///< the service's `stall_ms`

  /// Throws `std::invalid_argument` with a sentence about what is wrong.
  static MailboxOptions read(const datapath::HandlerContext& context);
  friend bool operator==(const MailboxOptions&, const MailboxOptions&) = default;
};

/// Who is at the other end of a connection, by the kernel's word.
struct Peer {
  pid_t pid = 0;
  uid_t user = 0;
  std::vector<gid_t> groups;
};
bool may_connect(const MailboxOptions& options, const Peer& peer, uid_t own_user);

/// One mailbox of a router. Everything but the desks belongs to control; `Mailroom` locks.
class Mailbox {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Mailbox(MailboxOptions options);

  const MailboxOptions& options() const { return options_; }
  void set_options(const MailboxOptions& options) { options_ = options; }
  /// The desk of the context's core, made when it is first asked for.
  std::shared_ptr<MailDesk> desk(const datapath::HandlerContext& context);
  /// By core that receives; null where no lane has ever led here.
  std::span<const std::shared_ptr<MailDesk>> desks() const { return desks_; }

  /// A lane of this service leads here, or does no more.
  void add_owner(table::ServiceId service, bool is_new) { owners_[service].add(is_new ? 1 : ~std::uint64_t{0}); }
  /// Some lane leads here.
  bool is_in_use() const;

  /// The place of a process that came; throws `std::length_error` when all 64 are taken.
  std::size_t join(std::shared_ptr<MailLink> link);
  void leave(std::size_t place);
  std::size_t processes() const;

  /// Takes processes that have stalled out of the spread, as long as another takes packets, and those that go on back
  /// in. Returns the places where that has changed.
  struct Change {
    std::size_t place;
    bool is_stalled;
  };
  std::vector<Change> watch(Clock::time_point now);

  /// Wakes sleepers that have mail: what their cores had no idle moment for.
  void wake_sleepers() const;
  /// Places of processes that have said what cannot be.
  std::vector<std::size_t> broken() const;
  /// Lets go of members that no core uses any more.
  void tidy();

 private:
  struct Known {
    std::uint64_t progress = 0;
    Clock::time_point moved_at{};
    bool is_stalled = false;
  };

  /// Tells every desk; `next` differs from what is in force.
  void assign(MailMembers next);
  MailMembers copy() const { return *members_.back(); }
  static void spread(MailMembers& next, const MailMembers& before, const std::vector<Known>& known);

  MailboxOptions options_;
  MailOwners owners_{table::max_services};
  std::vector<std::shared_ptr<MailDesk>> desks_;       ///< by core
  std::vector<std::unique_ptr<MailMembers>> members_;  ///< the last one is in force
  std::vector<Known> known_{table::max_workers};       ///< by place
};

/// The target: thin, as all of it is the desk's.
std::unique_ptr<datapath::Handler> make_mailbox_target(std::shared_ptr<Mailbox> mailbox,
                                                       const datapath::HandlerContext& context);

/// Only reads the options; for checks, and for routers without a mailroom, which it refuses.
std::unique_ptr<datapath::Handler> check_mailbox(const datapath::HandlerContext& context);
extern const TargetText mailbox_text;

}  // namespace portier::handlers
