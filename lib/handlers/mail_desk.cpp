/// The packet path of a mailbox: nothing that a process wrote is used before it was copied and checked.
#include "handlers/mail_desk.hpp"

#include <cstring>

#include "datapath/stage6_handoff.hpp"
#include "packet/parse.hpp"

namespace portier::handlers {

namespace {

constexpr unsigned most_settled = 1024;  // per turn and process
constexpr unsigned most_answers = 128;   // per turn, of all processes

}  // namespace

/// The process sees the packets after the turn's last burst, when the desk has its share: once, not for each service.
void MailDesk::put(datapath::Burst& burst) {
  if (members_ == nullptr || members_->active.empty()) {
    for (std::size_t i = 0; i < burst.size(); ++i) burst.refuse(i, packet::Reason::target_gone);
    return;
  }
  std::size_t count = 0;
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < burst.size(); ++i) {
    const auto packet = burst[i];
    const auto place = members_->map.worker[table::bucket_of(packet.flow_hash())];
    auto& end = members_->links[place]->end(core_);
    const auto length = packet.frame().size();
    auto* slot = end.log.is_full() ? nullptr : end.out.reserve(crosscore::slots_for(length));
    if (slot == nullptr) [[unlikely]] {
      burst.refuse(i, packet::Reason::mailbox_full);
      continue;
    }
    slot->facts = packet.facts();
    datapath::detail::copy_frame(slot, packet.frame().data(), length);
    end.log.push(
        {static_cast<std::uint32_t>(end.out.position()), packet.service(), static_cast<std::uint16_t>(length)});
    count += 1;
    bytes += length;
  }
  if (count == 0) return;
  put_.add(count);
  burst.postpone(count, bytes);
}

bool MailDesk::on_turn(datapath::Turn& turn) {
  bool has_worked = assigned_.load() != members_ && adopt(turn);
  if (members_ == nullptr) return has_worked;
  unsigned answers = most_answers;
  for (const auto place : members_->present) {
    auto& link = *members_->links[place];
    auto& end = link.end(core_);
    if (end.out.has_unpublished()) end.out.publish();
    has_worked |= settle(turn, end);
    has_worked |= send_answers(turn, end, answers);
    if (end.is_broken()) [[unlikely]] {
      end.broken.set(1);
    }
    if (turn.is_last()) give_up(turn, end, packet::Reason::shutdown);
    if (turn.is_idle() && may_wake_) wake(link, end);
  }
  return has_worked;
}

/// Other processes from now on; what those that have left had not taken ends here.
bool MailDesk::adopt(datapath::Turn& turn) {
  const auto* next = assigned_.load();
  if (members_ != nullptr) {
    unsigned answers = most_answers;
    for (const auto place : members_->present) {
      if (members_->links[place] == next->links[place]) continue;
      auto& end = members_->links[place]->end(core_);
      settle(turn, end);
      send_answers(turn, end, answers);  // its last words: a program may answer and end at once
      give_up(turn, end, packet::Reason::target_gone);
    }
  }
  members_ = next;
  has_active_.set(next->active.empty() ? 0 : 1);
  has_links_.set(next->present.size());
  adopted_.raise_to(next->generation);
  return true;
}

/// What the process has taken since the last look is delivered.
bool MailDesk::settle(datapath::Turn& turn, MailEnd& end) {
  if (end.log.is_empty()) return false;
  const auto consumed = static_cast<std::uint32_t>(end.out.look());
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t in_all = 0;
  auto service = end.log.front().service;
  const auto tell = [&] {
    if (packets != 0) turn.delivered(service, packets, bytes);
    in_all += packets;
    packets = bytes = 0;
  };
  while (!end.log.is_empty() && in_all + packets < most_settled) {
    const auto entry = end.log.front();
    if (static_cast<std::int32_t>(consumed - entry.end) < 0) break;
    if (entry.service != service) tell();
    service = entry.service;
    packets += 1;
    bytes += entry.bytes;
    end.log.pop();
  }
  tell();
  ended_.add(in_all);
  taken_.add(in_all);
  return in_all != 0;
}

void MailDesk::give_up(datapath::Turn& turn, MailEnd& end, packet::Reason reason) {
  std::uint64_t packets = 0;
  for (; !end.log.is_empty(); end.log.pop(), ++packets) turn.dropped(end.log.front().service, reason, 1);
  ended_.add(packets);
}

/// Answers are copied into a buffer of the router first: what is checked there is what is sent.
bool MailDesk::send_answers(datapath::Turn& turn, MailEnd& end, unsigned& budget) {
  unsigned count = 0;
  for (; budget != 0; ++count, --budget) {
    const auto front = end.in.front();
    if (front.bytes == nullptr) break;
    const std::size_t device = front.facts.l4_and_device >> 12;
    if (device >= device_macs_.size()) {
      refused_answers_.add(1);
      end.in.pop();
      continue;
    }
    const auto out = turn.send(static_cast<std::uint8_t>(device), front.facts.length);
    if (out.empty()) break;  // no buffer: the answer waits for the next turn
    std::memcpy(out.data(), front.bytes, out.size());
    end.in.pop();
    if (!is_allowed(turn, out)) {
      refused_answers_.add(1);
      turn.cancel();
      continue;
    }
    std::memcpy(out.data() + 6, device_macs_[device].data(), 6);
  }
  if (count != 0) end.in.release();
  return count != 0;
}

/// A process may send from those addresses and ports alone whose packets it gets. Fragments have no ports to look at,
/// and messages of ICMP speak for others.
bool MailDesk::is_allowed(const datapath::Turn& turn, packet::Bytes frame) const {
  const auto facts = packet::parse(frame);
  if (facts.reason != packet::Reason::none || facts.kind != packet::Kind::transport) return false;
  if (facts.fragment != packet::Fragment::none) return false;
  const auto sent = packet::flow_key(frame.data(), facts);
  const auto& rules = turn.rules();
  if (rules.answers() && !rules.is_ours(sent.src)) return false;
  const auto owner = rules.service_for(
      {.src = sent.dst, .dst = sent.src, .src_port = sent.dst_port, .dst_port = sent.src_port, .proto = sent.proto});
  return owner != table::no_service && owners_[owner].value() != 0;
}

/// Once for what was put since the last time, and only where the process says that it sleeps.
void MailDesk::wake(MailLink& link, MailEnd& end) const {
  if (end.woken_at == end.out.position() || !link.sleeps()) return;
  end.woken_at = end.out.position();
  link.wake();
}

}  // namespace portier::handlers
