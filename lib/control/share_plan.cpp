/// Bindings -> port sets by address; equal sets once.
#include "control/share_plan.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

namespace portier::control {

namespace {

/// The place of `set` in `sets`, where it is put if it is new.
std::size_t place_of_set(std::vector<nic::PortSet>& sets, nic::PortSet set) {
  const auto known = std::ranges::find(sets, set);
  const auto place = static_cast<std::size_t>(known - sets.begin());
  if (known == sets.end()) sets.push_back(std::move(set));
  return place;
}

/// Which of the destinations in use cover an address: addresses that agree in this have the same ports.
using Covers = std::vector<packet::Prefix>;

nic::PortSet ports_of(const Settings& settings, const packet::Address& address) {
  nic::PortSet set;
  for (const auto& service : settings.services) {
    for (const auto& [text, binding, place] : service.bindings) {
      if (!binding.destination.contains(address)) continue;
      set.add(static_cast<std::size_t>(binding.transport), binding.first_port, binding.last_port);
    }
  }
  return set;
}

}  // namespace

nic::ShareTable plan_share(const Settings& settings, const DeviceSettings& device) {
  std::set<packet::Prefix> destinations;
  for (const auto& service : settings.services) {
    for (const auto& written : service.bindings) destinations.insert(written.binding.destination);
  }
  nic::ShareTable table;
  std::map<Covers, std::size_t> known;
  for (const auto& [address, prefix_length, place] : device.addresses) {
    Covers covers;
    for (const auto& prefix : destinations) {
      if (prefix.contains(address)) covers.push_back(prefix);
    }
    auto at = known.find(covers);
    if (at == known.end()) at = known.emplace(covers, place_of_set(table.sets, ports_of(settings, address))).first;
    table.addresses.push_back({.bytes = address.bytes, .version = address.version, .set = at->second});
  }
  return table;
}

nic::ShareTable shared_by_both(const nic::ShareTable& a, const nic::ShareTable& b) {
  nic::ShareTable both;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> known;
  for (const auto& address : a.addresses) {
    const auto other = std::ranges::find_if(b.addresses, [&](const auto& candidate) {
      return candidate.version == address.version && candidate.bytes == address.bytes;
    });
    if (other == b.addresses.end()) continue;
    const auto pair = std::pair(address.set, other->set);
    auto at = known.find(pair);
    if (at == known.end()) {
      auto set = a.sets[address.set];
      set.intersect(b.sets[other->set]);
      at = known.emplace(pair, place_of_set(both.sets, std::move(set))).first;
    }
    both.addresses.push_back({.bytes = address.bytes, .version = address.version, .set = at->second});
  }
  return both;
}

}  // namespace portier::control
