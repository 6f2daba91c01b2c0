/// Finds or makes mailboxes.
#include "handlers/mailroom.hpp"

namespace portier::handlers {

std::unique_ptr<datapath::Handler> Mailroom::make_target(const datapath::HandlerContext& context) {
  auto options = MailboxOptions::read(context);
  const std::lock_guard lock(mutex_);
  auto& mailbox = mailboxes_[options.name];
  if (mailbox == nullptr) mailbox = std::make_shared<Mailbox>(options);
  mailbox->set_options(options);
  return make_mailbox_target(mailbox, context);
}

bool Mailroom::is_in_use() {
  bool is_used = false;
  for_each([&](const Mailbox& mailbox) { is_used = is_used || mailbox.is_in_use(); });
  return is_used;
}

std::vector<MailboxStatus> Mailroom::status() {
  std::vector<MailboxStatus> all;
  for_each([&](const Mailbox& mailbox) {
    MailboxStatus status{.name = mailbox.options().name, .processes = mailbox.processes()};
    for (const auto& desk : mailbox.desks()) {
      if (desk == nullptr) continue;
      status.waiting += desk->waiting();
      status.taken += desk->taken();
      status.refused_answers += desk->refused_answers();
    }
    all.push_back(std::move(status));
  });
  return all;
}

}  // namespace portier::handlers
