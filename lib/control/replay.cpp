/// One frame at a time through the stages, as bursts of one row.
#include "control/replay.hpp"

#include <algorithm>
#include <array>

#include "control/reload_check.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage5_steer.hpp"
#include "packet/reply.hpp"
#include "table/binding.hpp"

namespace portier::control {

namespace {

/// More frames than this are not held back for one that waits: then it has waited long enough.
constexpr std::size_t pending_limit = 262'144;

datapath::FragmentLimits limits_of(const FragmentSettings& fragments) {
  return {.datagrams = fragments.datagrams,
          .waiting = fragments.waiting,
          .timeout_ticks = std::uint64_t{fragments.timeout_ms} * 1'000'000};  // a tick is a nanosecond here
}

}  // namespace

std::string_view to_text(Outcome outcome) {
  static constexpr std::array<std::string_view, 4> texts{"delivered", "dropped", "rejected", "kernel"};
  return texts[static_cast<std::size_t>(outcome)];
}

Replay::Replay(const Settings& settings, const std::vector<unsigned>& worker_cpus, Sink sink)
    : settings_(settings),
      sink_(std::move(sink)),
      state_{.fragments = datapath::FragmentMemory(limits_of(settings.fragments)), .counters = counters_} {
  rules_ = table::Ruleset::build(ruleset_spec(settings_, ids_, worker_cpus, packet::fixed_hash_key, 1), nullptr);
  if (rules_ == nullptr)
    throw std::runtime_error("no memory for the tables of this configuration: raise router.memory_mb");
  service_of_.resize(ids_.names().size());
  for (const auto& service : settings_.services) service_of_[*ids_.find(service.name)] = &service;
}

bool Replay::needs_eal(const Settings& settings) {
  return std::ranges::any_of(settings.services, [](const auto& service) {
    return std::ranges::any_of(service.bindings, [](const auto& b) { return !b.binding.destination.is_any(); });
  });
}

void Replay::add(const CapturedPacket& captured) {
  run_late(captured.time_ns);
  auto& pending = pending_.emplace_back();
  pending.verdict.frame = ++frames_;
  pending.bytes.reserve(captured.bytes.size() + 1);  // an empty frame needs an address too
  pending.bytes.assign(captured.bytes.begin(), captured.bytes.end());
  counters_.received.packets.add(1);
  counters_.received.bytes.add(captured.wire_length);

  burst_.count = 1;
  burst_.now_tsc = captured.time_ns;
  burst_.mbuf[0] = nullptr;
  burst_.data[0] = pending.bytes.data();
  burst_.present[0] = static_cast<std::uint32_t>(pending.bytes.size());
  burst_.wire_length[0] = captured.wire_length;
  if (captured.link_type == 1) {
    datapath::stage2_parse(burst_, counters_);
  } else {
    burst_.facts[0] = {};
    burst_.live = burst_.plain = 0;
    burst_.service[0] = table::no_service;
    counters_.in[table::no_service].add(1);
    datapath::detail::drop(state_, burst_, 0, packet::Reason::unsupported_link);
  }
  note_facts(pending, burst_.facts_of(0));
  datapath::stage3_lookup(*rules_, state_, burst_);
  if (burst_.data[0] == nullptr) {
    waiting_.emplace(pending.bytes.data(), &pending);
  } else {
    datapath::stage5_steer(*rules_, state_, burst_, nullptr);
    resolve(pending, 0);
  }
  run_late(captured.time_ns);
  if (pending_.size() > pending_limit) finish();
  emit();
}

void Replay::finish() {
  state_.fragments.give_up(packet::Reason::fragment_timeout);
  run_late(0);
  emit();
}

void Replay::run_late(std::uint64_t now) {
  state_.fragments.expire(now);
  while (datapath::take_ready_fragments(*rules_, state_, burst_, now)) {
    datapath::stage5_steer(*rules_, state_, burst_, nullptr);
    for (std::size_t row = 0; row < burst_.count; ++row) {
      const auto at = waiting_.find(burst_.data[row]);
      resolve(*at->second, row);
      waiting_.erase(at);
    }
  }
}

void Replay::note_facts(Pending& pending, const packet::Facts& facts) {
  pending.verdict.facts = facts;
  if (facts.ip_version == 0) return;
  const auto flow = packet::flow_key(pending.bytes.data(), facts);
  pending.verdict.src = flow.src;
  pending.verdict.dst = flow.dst;
  if (facts.kind != packet::Kind::icmp_error) return;
  const auto quote = packet::parse_quote(pending.bytes, facts);
  if (quote.ip_version != 0) pending.verdict.inner = quote;
}

void Replay::resolve(Pending& pending, std::size_t row) {
  auto& verdict = pending.verdict;
  pending.is_resolved = true;
  verdict.service = burst_.service[row];
  verdict.reason = burst_.reason[row];
  if (verdict.service != table::no_service) name_target(pending, row);
  if (verdict.reason == packet::Reason::none) {
    counters_.handed_off.add(1);
    counters_.taken.add(1);
    verdict.worker = burst_.worker[row];
    const auto* service = service_of_[verdict.service];
    const auto target = service == nullptr ? std::string("answer") : service->deliver.front().handler;
    if (target == "drop") verdict.reason = packet::Reason::service_drop;
    if (target == "reject") verdict.reason = packet::Reason::service_reject;
    if (verdict.reason == packet::Reason::none) {
      verdict.outcome = Outcome::delivered;
      counters_.delivered[verdict.service].packets.add(1);
      return;
    }
    datapath::count_drop(counters_, verdict.service, verdict.reason);
    if (target == "reject") verdict.outcome = Outcome::rejected;
    return;
  }
  if (verdict.reason == packet::Reason::left_to_kernel) verdict.outcome = Outcome::kernel;
  const bool rejects = rules_->closed_action() == table::ClosedAction::reject;
  if (verdict.reason == packet::Reason::closed_port && rejects && would_be_answered(row)) {
    verdict.outcome = Outcome::rejected;
  }
}

/// Service and binding of a row that has one; a fragment without ports has its first one's.
void Replay::name_target(Pending& pending, std::size_t row) {
  auto& verdict = pending.verdict;
  verdict.service_name = ids_.names()[verdict.service];
  const auto* service = service_of_[verdict.service];
  if (service == nullptr) return;
  if (verdict.facts.kind == packet::Kind::later) {
    const auto known = binding_of_fragments_.find(burst_.hash[row]);
    if (known != binding_of_fragments_.end()) verdict.binding = known->second;
    return;
  }
  const auto flow =
      verdict.inner ? packet::flow_key(*verdict.inner) : packet::flow_key(pending.bytes.data(), verdict.facts);
  const BindingSettings* best = nullptr;
  for (const auto& written : service->bindings) {
    if (!table::covers(written.binding, flow)) continue;
    if (best == nullptr || table::beats(written.binding, best->binding)) best = &written;
  }
  if (best == nullptr) return;
  verdict.binding = best->text;
  if (verdict.facts.fragment == packet::Fragment::first) {
    if (binding_of_fragments_.size() > pending_limit) binding_of_fragments_.clear();
    binding_of_fragments_[burst_.hash[row]] = best->text;
  }
}

/// Whether a closed port is told so: the same rules as on the wire, but for the budget.
bool Replay::would_be_answered(std::size_t row) const {
  const auto facts = burst_.facts_of(row);
  if (facts.kind != packet::Kind::transport) return false;
  std::vector<std::uint8_t> room(packet::max_reject_bytes(burst_.present[row]));
  return packet::write_reject(room, burst_.bytes(row), packet::layout_of(facts)) != 0;
}

void Replay::emit() {
  while (!pending_.empty() && pending_.front().is_resolved) {
    sink_(pending_.front().verdict);
    pending_.pop_front();
  }
}

Ledger Replay::ledger() const {
  const datapath::CoreCounters* core = &counters_;
  return take_ledger({&core, 1}, service_labels(settings_, ids_));
}

}  // namespace portier::control
