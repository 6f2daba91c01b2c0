/// All mailboxes of a router, by name.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "handlers/mailbox.hpp"

namespace portier::handlers {

/// How a mailbox stands, for reports.
struct MailboxStatus {
  std::string name;
  std::size_t processes = 0;
  std::uint64_t waiting = 0;          ///< packets in its rings
  std::uint64_t taken = 0;            ///< packets that processes have taken
  std::uint64_t refused_answers = 0;  ///< frames that a process had no right to send, or that were broken
};

/// Used by the thread that loads configurations, and by the one that serves processes.
class Mailroom {
 public:
  /// The target of a lane; makes the mailbox when it is the first to name it. Throws `std::invalid_argument`.
  std::unique_ptr<datapath::Handler> make_target(const datapath::HandlerContext& context);

  /// Does `act` with the mailbox of this name, or with null, while nobody else uses any.
  template <typename Act>
  auto with(const std::string& name, Act&& act) {
    const std::lock_guard lock(mutex_);
    const auto found = mailboxes_.find(name);
    return act(found == mailboxes_.end() ? nullptr : found->second.get());
  }
  /// Does `act` with each of them.
  template <typename Act>
  void for_each(Act&& act) {
    const std::lock_guard lock(mutex_);
    for (auto& [name, mailbox] : mailboxes_) act(*mailbox);
  }
  /// There is at least one that a lane leads to.
  bool is_in_use();

  std::vector<MailboxStatus> status();

 private:
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Mailbox>> mailboxes_;
};

}  // namespace portier::handlers
