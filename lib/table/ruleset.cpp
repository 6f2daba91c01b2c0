/// Builds a ruleset from its parts; the look-ups for one packet at a time.
#include "table/ruleset.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace portier::table {

namespace {

/// Slot 0 is "any"; then every prefix in use, shortest first.
std::vector<packet::Prefix> slots_of(std::span<const Binding> bindings) {
  std::set<packet::Prefix> distinct;
  for (const auto& binding : bindings) {
    if (!binding.destination.is_any()) distinct.insert(binding.destination);
  }
  std::vector<packet::Prefix> slots{packet::Prefix{}};
  slots.insert(slots.end(), distinct.begin(), distinct.end());
  std::stable_sort(slots.begin() + 1, slots.end(), [](const auto& a, const auto& b) { return a.length < b.length; });
  return slots;
}

}  // namespace

std::unique_ptr<const Ruleset> Ruleset::build(const RulesetSpec& spec, const Ruleset* previous) {
  std::unique_ptr<Ruleset> rules(new Ruleset);
  rules->generation_ = spec.generation;
  rules->hash_key_ = spec.hash_key;
  rules->closed_action_ = spec.closed_action;
  rules->our_addresses_ = spec.our_addresses;
  std::sort(rules->our_addresses_.begin(), rules->our_addresses_.end());

  const auto slots = slots_of(spec.bindings);
  rules->ports_ = std::make_unique<PortTables>(slots, spec.bindings);
  std::vector<PrefixEntry> entries4;
  std::vector<PrefixEntry> entries6;
  for (std::size_t slot = 1; slot < slots.size(); ++slot) {
    auto& entries = slots[slot].address.version == 4 ? entries4 : entries6;
    entries.push_back({slots[slot], static_cast<std::uint16_t>(slot)});
  }
  if (!entries4.empty()) {
    rules->prefixes4_ = PrefixTable4::make(entries4, any_slot);
    if (rules->prefixes4_ == nullptr) return nullptr;
  }
  if (!entries6.empty()) {
    rules->prefixes6_ = PrefixTable6::make(entries6, any_slot);
    if (rules->prefixes6_ == nullptr) return nullptr;
  }
  rules->build_maps(spec, previous);
  rules->build_returns(spec);
  return rules;
}

void Ruleset::build_returns(const RulesetSpec& spec) {
  for (const auto& path : spec.returns) {
    if (returns_.size() <= path.device) returns_.resize(path.device + std::size_t{1});
    auto& of_device = returns_[path.device];
    of_device.resize(spec.workers.size(), no_service);
    if (of_device[path.service] == no_service) of_device[path.service] = path.answers;
    return_devices_ |= 1U << path.device;
  }
}

ServiceId Ruleset::return_service(std::uint8_t device, const packet::FlowKey& flow) const {
  if (!has_returns(device) || (answers() && is_ours(flow.dst))) return no_service;
  const auto owner = service_for(
      {.src = flow.dst, .dst = flow.src, .src_port = flow.dst_port, .dst_port = flow.src_port, .proto = flow.proto});
  return returns_[device][owner];
}

void Ruleset::build_maps(const RulesetSpec& spec, const Ruleset* previous) {
  for (std::size_t service = 0; service < spec.workers.size(); ++service) {
    const auto& workers = spec.workers[service];
    const bool is_known = previous != nullptr && service < previous->service_limit();
    CoreMap map = is_known ? rebalance(previous->core_map(static_cast<ServiceId>(service)), workers) : deal(workers);
    moves_buckets_ = moves_buckets_ || map.moved() != 0;
    auto at = std::find(maps_.begin(), maps_.end(), map);
    if (at == maps_.end()) at = maps_.insert(maps_.end(), map);
    map_of_.push_back(static_cast<std::uint16_t>(at - maps_.begin()));
  }
}

ServiceId Ruleset::service_for(const packet::FlowKey& flow) const {
  const auto transport = packet::transport_index[flow.proto];
  if (transport == packet::no_transport) return no_service;
  std::uint64_t slot = any_slot;
  if (flow.dst.version == 4 && prefixes4_ != nullptr) {
    std::uint32_t address = packet::ipv4_value(flow.dst);
    prefixes4_->look_up(&address, &slot, 1);
  } else if (flow.dst.version == 6 && prefixes6_ != nullptr) {
    std::uint8_t address[1][16];
    std::memcpy(address[0], flow.dst.bytes.data(), 16);
    prefixes6_->look_up(address, &slot, 1);
  }
  return ports_->look_up(static_cast<AddressSlot>(slot), transport, flow.dst_port);
}

bool Ruleset::is_ours(const packet::Address& destination) const {
  return our_addresses_.empty() || std::binary_search(our_addresses_.begin(), our_addresses_.end(), destination);
}

}  // namespace portier::table
