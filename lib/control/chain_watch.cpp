/// Looks at targets, decides by `judge`, and tells lanes and people.
#include "control/chain_watch.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace portier::control {

std::string_view to_text(Condition condition) {
  switch (condition) {
    case Condition::ready: return "ready";
    case Condition::absent: return "absent";
    case Condition::stalled: return "stalled";
  }
  return "";
}

TargetMemory judge(const TargetMemory& memory, const datapath::TargetState& state,
                   std::chrono::steady_clock::time_point now, std::chrono::milliseconds stall) {
  TargetMemory next = memory;
  const bool has_moved = state.taken != memory.taken || state.waiting == 0;
  next.taken = state.taken;
  if (has_moved || memory.moved_at == std::chrono::steady_clock::time_point{}) next.moved_at = now;
  if (!state.is_present) next.condition = Condition::absent;
  else next.condition = now - next.moved_at >= stall ? Condition::stalled : Condition::ready;
  return next;
}

ChainWatch::Watched ChainWatch::watch(const std::shared_ptr<datapath::Lane>& lane, const Chain* before) {
  if (before != nullptr) {
    const auto known = std::ranges::find(before->lanes, lane, &Watched::lane);
    if (known != before->lanes.end()) return *known;
  }
  Watched made;
  made.lane = lane;
  made.targets.resize(lane->size());
  for (std::size_t target = 0; target < lane->size(); ++target) {
    made.has_state = made.has_state || (lane->at(target) != nullptr && lane->at(target)->has_state());
  }
  return made;
}

void ChainWatch::follow(const datapath::Program& program, const Settings& settings, const ServiceIds& ids) {
  std::vector<Chain> chains;
  for (const auto& service : settings.services) {
    const auto id = ids.find(service.name);
    if (!id) continue;
    Chain chain;
    chain.service = service.name;
    chain.stall = std::chrono::milliseconds(service.stall_ms);
    for (const auto& target : service.deliver) chain.labels.push_back(target.label());
    const auto before = std::ranges::find(chains_, service.name, &Chain::service);
    const bool is_known = before != chains_.end() && before->labels == chain.labels;
    for (std::size_t core = 0; core < program.lanes.size(); ++core) {
      const auto& of_core = program.lanes[core];
      if (*id < of_core.size() && of_core[*id] != nullptr) {
        chain.lanes.push_back(watch(of_core[*id], is_known ? &*before : nullptr));
      }
    }
    chain.has_state = std::ranges::any_of(chain.lanes, &Watched::has_state);
    if (!chain.has_state && chain.labels.size() < 2) continue;
    chain.said = is_known ? before->said : std::vector<Condition>(chain.labels.size());
    if (is_known) {
      chain.changes = before->changes;
      chain.in_charge = before->in_charge;
    }
    chains.push_back(std::move(chain));
  }
  chains_ = std::move(chains);
}

std::vector<Event> ChainWatch::tick(std::chrono::steady_clock::time_point now, std::uint64_t faults) {
  std::vector<Event> events;
  const bool has_faults = faults != faults_;
  faults_ = faults;
  for (auto& chain : chains_) {
    if (!chain.has_state && !has_faults) continue;
    if (has_faults) look_for_broken(chain, events);
    look(chain, now, events);
  }
  return events;
}

void ChainWatch::look(Chain& chain, std::chrono::steady_clock::time_point now, std::vector<Event>& events) {
  std::vector<Condition> seen(chain.labels.size());
  std::uint32_t everywhere = crosscore::all_targets;  // in order on all cores that call it
  std::vector<std::uint32_t> usable;
  for (auto& watched : chain.lanes) {
    usable.push_back(look(watched, now, chain.stall, seen));
    everywhere &= usable.back() & ~watched.lane->broken();
  }
  for (std::size_t i = 0; i < chain.lanes.size(); ++i) {
    auto& lane = *chain.lanes[i].lane;
    for (std::size_t target = 0; target < lane.size(); ++target) {
      // Of what others call a core knows only what it is told.
      if (lane.at(target) == nullptr && (everywhere >> target & 1) == 0) usable[i] &= ~(1U << target);
    }
    has_changed_ = has_changed_ || usable[i] != lane.usable();
    lane.set_usable(usable[i]);
  }
  note_charge(chain);
  for (std::size_t target = 0; target < seen.size(); ++target) {
    if (seen[target] == chain.said[target]) continue;
    chain.said[target] = seen[target];
    events.push_back({chain.service, fmt::format("service '{}': {} is {}; {}", chain.service, chain.labels[target],
                                                 to_text(seen[target]), charge_text(chain))});
  }
}

/// The targets that are usable on the lane's core; `seen` is told what is not in order.
std::uint32_t ChainWatch::look(Watched& watched, std::chrono::steady_clock::time_point now,
                               std::chrono::milliseconds stall, std::vector<Condition>& seen) {
  std::uint32_t usable = crosscore::all_targets;
  for (std::size_t target = 0; target < watched.targets.size(); ++target) {
    const auto* const handler = watched.lane->at(target);
    if (handler == nullptr || !handler->has_state()) continue;
    auto& memory = watched.targets[target];
    memory = judge(memory, handler->state(), now, stall);
    if (memory.condition == Condition::ready) continue;
    usable &= ~(1U << target);
    seen[target] = memory.condition;
  }
  return usable;
}

void ChainWatch::look_for_broken(Chain& chain, std::vector<Event>& events) {
  for (auto& watched : chain.lanes) {
    const auto broken = watched.lane->broken();
    for (std::size_t target = 0; target < chain.labels.size(); ++target) {
      if (((broken & ~watched.broken) >> target & 1) == 0) continue;
      note_charge(chain);
      events.push_back({chain.service, fmt::format("service '{}': {} has thrown too often on one of its cores and is "
                                                   "passed over there until a reload that changes its chain; {}",
                                                   chain.service, chain.labels[target], charge_text(chain))});
    }
    watched.broken = broken;
  }
}

void ChainWatch::note_charge(Chain& chain) {
  const auto now = in_charge(chain);
  if (now != chain.in_charge) chain.changes += 1;
  chain.in_charge = now;
}

/// By the core that is farthest down the chain.
std::size_t ChainWatch::in_charge(const Chain& chain) {
  std::size_t at = 0;
  for (const auto& watched : chain.lanes) at = std::max(at, watched.lane->in_charge());
  return at;
}

std::string ChainWatch::charge_text(const Chain& chain) {
  if (chain.in_charge < chain.labels.size()) return chain.labels[chain.in_charge] + " is in charge";
  return "nobody is left to take its packets: they are dropped as no_target";
}

std::vector<ChainStatus> ChainWatch::status() const {
  std::vector<ChainStatus> all;
  for (const auto& chain : chains_) {
    const bool has_one = chain.in_charge < chain.labels.size();
    all.push_back({chain.service, has_one ? chain.labels[chain.in_charge] : "", chain.changes});
  }
  return all;
}

}  // namespace portier::control
