/// Members come and go: a new set is made aside, told to every desk, and the old one freed when all have adopted it.
#include "handlers/mailbox.hpp"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <stdexcept>
#include <utility>

#include "handlers/options.hpp"

namespace portier::handlers {

namespace {

/// Of `{ option = ["a", "b"] }`, which settings write as "a,b".
std::vector<std::string> list_option(const datapath::HandlerContext& context, const std::string& name) {
  std::vector<std::string> items;
  const auto found = context.options.find(name);
  if (found == context.options.end()) return items;
  std::string item;
  for (const char c : found->second + ",") {
    if (c != ',') {
      item += c;
    } else if (!item.empty()) {
      items.push_back(std::exchange(item, {}));
    }
  }
  return items;
}

bool is_number(const std::string& text) {
  return text.size() < 10 && std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; });
}

uid_t user_of(const std::string& name) {
  if (is_number(name)) return static_cast<uid_t>(std::stoul(name));
  const auto* found = getpwnam(name.c_str());
  if (found == nullptr) throw std::invalid_argument("mailbox: allow_users: there is no user \"" + name + "\" here");
  return found->pw_uid;
}

gid_t group_of(const std::string& name) {
  if (is_number(name)) return static_cast<gid_t>(std::stoul(name));
  const auto* found = getgrnam(name.c_str());
  if (found == nullptr) throw std::invalid_argument("mailbox: allow_groups: there is no group \"" + name + "\" here");
  return found->gr_gid;
}

bool is_name(const std::string& text) {
  return !text.empty() && text.size() < 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
}

class MailboxTarget final : public datapath::Handler {
 public:
  MailboxTarget(std::shared_ptr<Mailbox> mailbox, const datapath::HandlerContext& context)
      : mailbox_(std::move(mailbox)), desk_(mailbox_->desk(context)), service_(context.service_id) {
    mailbox_->add_owner(service_, true);
  }
  ~MailboxTarget() override { mailbox_->add_owner(service_, false); }

  void on_burst(datapath::Burst& burst) override { desk_->put(burst); }
  bool has_state() const override { return true; }
  datapath::TargetState state() const override { return {desk_->has_active(), desk_->waiting(), desk_->taken()}; }
  std::shared_ptr<datapath::TurnTaker> turn_taker() override { return desk_; }

 private:
  std::shared_ptr<Mailbox> mailbox_;
  std::shared_ptr<MailDesk> desk_;
  table::ServiceId service_;
};

}  // namespace

MailboxOptions MailboxOptions::read(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "mailbox", {"mailbox", "allow_users", "allow_groups", "slots"});
  MailboxOptions options;
  const auto name = context.options.find("mailbox");
  if (name == context.options.end() || !is_name(name->second)) {
    throw std::invalid_argument(
        "a mailbox needs a name of 1 to 63 letters, digits, '-', '_' or '.'; write { mailbox = \"dns\" }");
  }
  options.name = name->second;
  options.stall = std::chrono::milliseconds(context.stall_ms);
  for (const auto& user : list_option(context, "allow_users")) options.users.push_back(user_of(user));
  for (const auto& group : list_option(context, "allow_groups")) options.groups.push_back(group_of(group));
  options.slots = static_cast<std::uint32_t>(number_option(context, "mailbox", "slots", 4096, 65536));
  if (options.slots < 256) throw std::invalid_argument("option \"slots\" of handler \"mailbox\" must be at least 256");
  return options;
}

bool may_connect(const MailboxOptions& options, const Peer& peer, uid_t own_user) {
  if (peer.user == 0 || peer.user == own_user) return true;
  if (std::ranges::find(options.users, peer.user) != options.users.end()) return true;
  return std::ranges::any_of(options.groups,
                             [&](gid_t group) { return std::ranges::find(peer.groups, group) != peer.groups.end(); });
}

Mailbox::Mailbox(MailboxOptions options) : options_(std::move(options)) {
  members_.push_back(std::make_unique<MailMembers>());
}

std::shared_ptr<MailDesk> Mailbox::desk(const datapath::HandlerContext& context) {
  // Only cores that receive call this target, and they are numbered so.
  if (desks_.size() <= context.worker) desks_.resize(context.worker + 1);
  auto& desk = desks_[context.worker];
  if (desk == nullptr) {
    desk = std::make_shared<MailDesk>(context.worker, context.naps, context.device_macs, owners_);
    desk->assign(members_.back().get());
  }
  return desk;
}

bool Mailbox::is_in_use() const {
  for (std::size_t service = 0; service < table::max_services; ++service) {
    if (owners_[service].value() != 0) return true;
  }
  return false;
}

std::size_t Mailbox::join(std::shared_ptr<MailLink> link) {
  auto next = copy();
  const auto free = std::ranges::find(next.links, nullptr);
  if (free == next.links.end()) throw std::length_error("all 64 places of this mailbox are taken");
  const auto place = static_cast<std::size_t>(free - next.links.begin());
  known_[place] = {.progress = 0, .moved_at = Clock::now(), .is_stalled = false};
  *free = std::move(link);
  assign(std::move(next));
  return place;
}

void Mailbox::leave(std::size_t place) {
  auto next = copy();
  next.links[place] = nullptr;
  assign(std::move(next));
}

std::size_t Mailbox::processes() const { return members_.back()->present.size(); }

/// Flows stay where they are but for those of processes that are gone, and the share of one that is new.
void Mailbox::spread(MailMembers& next, const MailMembers& before, const std::vector<Known>& known) {
  next.active.clear();
  next.present.clear();
  for (std::size_t place = 0; place < next.links.size(); ++place) {
    if (next.links[place] == nullptr) continue;
    next.present.push_back(static_cast<table::WorkerIndex>(place));
    if (!known[place].is_stalled) next.active.push_back(static_cast<table::WorkerIndex>(place));
  }
  // All are stalled: then the chain decides, and nobody's flows move.
  if (next.active.empty()) next.active = next.present;
  if (next.active.empty()) return;
  next.map = before.active.empty() ? table::deal(next.active) : table::rebalance(before.map, next.active);
}

void Mailbox::assign(MailMembers next) {
  const auto& before = *members_.back();
  next.generation = before.generation + 1;
  spread(next, before, known_);
  members_.push_back(std::make_unique<MailMembers>(std::move(next)));
  for (const auto& desk : desks_) {
    if (desk != nullptr) desk->assign(members_.back().get());
  }
}

std::vector<Mailbox::Change> Mailbox::watch(Clock::time_point now) {
  std::vector<Change> changes;
  const auto& links = members_.back()->links;
  for (std::size_t place = 0; place < links.size(); ++place) {
    if (links[place] == nullptr) continue;
    auto& known = known_[place];
    const auto progress = links[place]->progress();
    if (progress != known.progress || !links[place]->has_mail()) known.moved_at = now;
    known.progress = progress;
    const bool is_stalled = now - known.moved_at >= options_.stall;
    if (is_stalled == known.is_stalled) continue;
    known.is_stalled = is_stalled;
    changes.push_back({place, is_stalled});
  }
  if (!changes.empty()) assign(copy());
  return changes;
}

void Mailbox::wake_sleepers() const {
  for (const auto& link : members_.back()->links) {
    if (link != nullptr && link->sleeps() && link->has_mail()) link->wake();
  }
}

std::vector<std::size_t> Mailbox::broken() const {
  std::vector<std::size_t> places;
  const auto& links = members_.back()->links;
  for (std::size_t place = 0; place < links.size(); ++place) {
    if (links[place] != nullptr && links[place]->is_broken()) places.push_back(place);
  }
  return places;
}

void Mailbox::tidy() {
  auto adopted = members_.back()->generation;
  for (const auto& desk : desks_) {
    if (desk != nullptr) adopted = std::min(adopted, desk->adopted());
  }
  std::erase_if(members_, [&](const auto& members) { return members->generation < adopted; });
}

std::unique_ptr<datapath::Handler> make_mailbox_target(std::shared_ptr<Mailbox> mailbox,
                                                       const datapath::HandlerContext& context) {
  return std::make_unique<MailboxTarget>(std::move(mailbox), context);
}

namespace {
constexpr std::array option_texts{
    OptionText{"mailbox", "a name", "required", "What processes connect by; several may, and share the flows."},
    OptionText{"allow_users", "a list of user names or numbers", "none",
               "Who may connect besides root and the router's own user."},
    OptionText{"allow_groups", "a list of group names or numbers", "none", "Whose members may connect, too."},
    OptionText{"slots", "a whole number from 256 to 65536", "4096",
               "Slots of 128 bytes that may be full of each ring towards a process."},
};
}  // namespace

constexpr TargetText mailbox_text{.written = "{ mailbox = \"dns\" }",
                                  .sentence = "hands them to another process, see `portier_client.h`",
                                  .options = option_texts};

std::unique_ptr<datapath::Handler> check_mailbox(const datapath::HandlerContext& context) {
  MailboxOptions::read(context);
  throw std::runtime_error("mailboxes need a running router");
}

}  // namespace portier::handlers
