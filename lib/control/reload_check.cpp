/// Compares the settings that are fixed at the start.
#include "control/reload_check.hpp"

#include <algorithm>

#include "control/service_names.hpp"

namespace portier::control {

namespace {

bool same_router(const RouterSettings& a, const RouterSettings& b) {
  return a.mode == b.mode && a.rx_cores == b.rx_cores && a.worker_cores == b.worker_cores && a.burst == b.burst &&
         a.idle == b.idle && a.ring_slots == b.ring_slots && a.memory_mb == b.memory_mb && a.hugepages == b.hugepages &&
         a.max_faults == b.max_faults && a.watchdog_ms == b.watchdog_ms && a.mailbox_socket == b.mailbox_socket;
}

bool same_device(const DeviceSettings& a, const DeviceSettings& b) {
  return a.name == b.name && a.pci == b.pci && a.vdev == b.vdev && a.interface == b.interface &&
         a.traffic == b.traffic && a.driver == b.driver && a.share == b.share && a.rx_queues == b.rx_queues &&
         a.rx_descriptors == b.rx_descriptors && a.tx_descriptors == b.tx_descriptors;
}

bool same_fragments(const FragmentSettings& a, const FragmentSettings& b) {
  return a.datagrams == b.datagrams && a.waiting == b.waiting && a.timeout_ms == b.timeout_ms;
}

std::string category_of_service(const ServiceSettings& service) {
  std::string category;
  for (const auto& binding : service.bindings) {
    const std::string first(to_text(category_of(binding.binding.first_port)));
    const std::string last(to_text(category_of(binding.binding.last_port)));
    if (first != last || (!category.empty() && category != first)) return "mixed";
    category = first;
  }
  return category;
}

}  // namespace

std::optional<std::string> needs_restart(const Settings& running, const Settings& wanted) {
  const auto refusal = [](const std::string& what) {
    return what + " cannot change while the router runs: restart it, or take the change back";
  };
  if (!same_router(running.router, wanted.router)) return refusal("[router]");
  if (!std::ranges::equal(running.devices, wanted.devices, same_device)) return refusal("[[device]]");
  if (!same_fragments(running.fragments, wanted.fragments)) return refusal("[fragments]");
  if (running.closed_ports.reject_rate_pps != wanted.closed_ports.reject_rate_pps) {
    return refusal("closed_ports.reject_rate_pps");
  }
  return std::nullopt;
}

std::vector<ServiceLabel> service_labels(const Settings& settings, const ServiceIds& ids) {
  std::vector<ServiceLabel> labels;
  for (const auto& name : ids.names()) labels.push_back({.name = name, .ports = {}, .category = {}});
  for (const auto& service : settings.services) {
    const auto id = ids.find(service.name);
    if (!id) continue;
    auto& label = labels[*id];
    for (const auto& binding : service.bindings) label.ports += (label.ports.empty() ? "" : " ") + binding.text;
    label.category = category_of_service(service);
  }
  return labels;
}

}  // namespace portier::control
