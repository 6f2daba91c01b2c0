/// What stages 2, 3 and 5 make of a packet, decided one at a time by looking at every binding and every datagram.
#pragma once

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "packet/flow_hash.hpp"
#include "packet/parse.hpp"
#include "table/ruleset.hpp"
#include "traffic/frame.hpp"

namespace portier::datapath {

/// What becomes of one packet.
struct Fate {
  packet::Reason reason = packet::Reason::none;
  table::ServiceId service = table::no_service;
  std::uint32_t hash = 0;
  bool waits = false;
};

class Model {
 public:
  using Frame = traffic::Frame;
  using Kind = packet::Kind;
  using Reason = packet::Reason;

  /// `waiting_room`: fragments that may wait for their first.
  Model(const table::Ruleset& rules, std::vector<table::Binding> bindings, std::size_t waiting_room)
      : rules_(rules), bindings_(std::move(bindings)), waiting_room_(waiting_room) {}

  Fate decide(const Frame& frame) {
    const auto facts = packet::parse(frame);
    if (facts.reason != Reason::none) return {.reason = facts.reason};
    switch (facts.kind) {
      case Kind::transport: return with_ports(frame, facts);
      case Kind::later: return later(frame, facts);
      case Kind::icmp_error: return error(frame, facts);
      case Kind::icmp:
      case Kind::arp: return liveness(frame, facts);
      case Kind::other: break;
    }
    return {.reason = Reason::no_ports};
  }

  /// Fates of those whose first fragment has come since, in the order in which they came.
  std::vector<Fate> take_ready() { return std::exchange(ready_, {}); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  using Datagram = std::tuple<packet::Address, packet::Address, std::uint32_t, std::uint8_t>;

  static Datagram datagram(const Frame& frame, const packet::Facts& facts) {
    const auto flow = packet::flow_key(frame.data(), facts);
    return {flow.src, flow.dst, facts.fragment_id, facts.ip_version == 4 ? facts.proto : std::uint8_t{0}};
  }

  table::ServiceId service_of(const packet::FlowKey& flow) const {
    const auto* binding = table::choose(bindings_, flow);
    return binding == nullptr ? table::no_service : binding->service;
  }

  Fate with_ports(const Frame& frame, const packet::Facts& facts) {
    const auto flow = packet::flow_key(frame.data(), facts);
    Fate fate{.service = service_of(flow), .hash = packet::flow_hash(rules_.hash_key(), flow)};
    if (facts.fragment == packet::Fragment::first) {
      const auto key = datagram(frame, facts);
      const auto [at, is_new] = owners_.try_emplace(key, fate);
      if (!is_new && (at->second.service != fate.service || at->second.hash != fate.hash)) {
        fate.reason = Reason::fragment_conflict;
        return fate;
      }
      std::erase_if(waiting_, [&](const Datagram& other) {
        if (other != key) return false;
        auto released = fate;
        if (fate.service == table::no_service) released.reason = closed(flow.dst);
        ready_.push_back(released);
        return true;
      });
    }
    if (fate.service == table::no_service) fate.reason = closed(flow.dst);
    return fate;
  }

  Reason closed(const packet::Address& dst) const {
    if (rules_.answers() && !rules_.is_ours(dst)) return Reason::not_for_us;
    return rules_.closed_action() == table::ClosedAction::kernel ? Reason::left_to_kernel : Reason::closed_port;
  }

  Fate later(const Frame& frame, const packet::Facts& facts) {
    const auto key = datagram(frame, facts);
    if (const auto owner = owners_.find(key); owner != owners_.end()) {
      auto fate = owner->second;
      if (fate.service == table::no_service) fate.reason = closed(packet::flow_key(frame.data(), facts).dst);
      return fate;
    }
    if (waiting_.size() + ready_.size() == waiting_room_) return {.reason = Reason::fragment_no_room};
    waiting_.push_back(key);
    return {.waits = true};
  }

  Fate error(const Frame& frame, const packet::Facts& facts) const {
    const auto quote = packet::parse_quote(frame, facts);
    if (quote.ip_version == 0) return {.reason = Reason::bad_quote};
    if (!quote.ports_known) return {.reason = Reason::icmp_unowned};
    const auto flow = packet::flow_key(quote);
    Fate fate{.service = service_of(flow), .hash = packet::flow_hash(rules_.hash_key(), flow)};
    if (fate.service == table::no_service) fate.reason = Reason::icmp_unowned;
    return fate;
  }

  Fate liveness(const Frame& frame, const packet::Facts& facts) const {
    const auto is_arp = facts.kind == Kind::arp;
    const auto type = is_arp ? std::uint8_t{0} : frame[facts.l4_offset];
    const bool is_asked = is_arp || (facts.fragment == packet::Fragment::none &&
                                     (facts.ip_version == 4 ? type == 8 : type == 128 || type == 135));
    if (!rules_.answers() || !is_asked) return {.reason = is_arp ? Reason::not_ip : Reason::no_ports};
    Fate fate{.service = table::answer_service};
    if (!is_arp) fate.hash = packet::flow_hash(rules_.hash_key(), packet::flow_key(frame.data(), facts));
    return fate;
  }

  const table::Ruleset& rules_;
  std::vector<table::Binding> bindings_;
  std::size_t waiting_room_;
  std::map<Datagram, Fate> owners_;
  std::vector<Datagram> waiting_;
  std::vector<Fate> ready_;
};

}  // namespace portier::datapath
