/// Settings and profile -> what to open.
#include "control/device_plan.hpp"

#include <algorithm>

namespace portier::control {

nic::DeviceSpec plan_device(const DeviceSettings& device, const DriverProfile& profile, const CorePlan& plan,
                            std::size_t index, const FragmentSettings& fragments) {
  nic::DeviceSpec spec;
  spec.name = device.name;
  const auto rx_cores = static_cast<unsigned>(plan.rx_cpus.size());
  spec.rx_queues = device.rx_queues.value_or(std::min(rx_cores, profile.max_rx_queues));
  spec.must_have_rx_queues = device.rx_queues.has_value();
  const auto cores = static_cast<unsigned>(plan.rx_cpus.size() + plan.worker_cpus.size());
  spec.tx_queues = profile.equal_queues ? spec.rx_queues : cores;
  spec.rx_descriptors = device.rx_descriptors.value_or(profile.rx_descriptors);
  spec.tx_descriptors = device.tx_descriptors.value_or(profile.tx_descriptors);
  spec.mbufs_per_queue = profile.mbufs_per_queue;
  // A shared interface is the kernel's: what it lets in is not ours to widen.
  spec.promiscuous = profile.promiscuous && !device.share;
  spec.rss = profile.rss;
  spec.keeps_mbufs = profile.keeps_mbufs;
  if (profile.page_per_mbuf || !device.pci.empty()) spec.mbuf_layout = nic::MbufLayout::page_each;
  if (device.share) {
    spec.share = nic::ShareSpec{
        .interface = device.interface,
        .limits = {.datagrams = fragments.datagrams * spec.rx_queues, .fragment_timeout_ms = fragments.timeout_ms}};
  }
  spec.eal_devices = eal_devices(device, profile, static_cast<unsigned>(index), spec.rx_queues);
  return spec;
}

nic::EalOptions plan_eal(const Settings& settings, const CorePlan& plan, std::vector<std::string> extra) {
  nic::EalOptions options;
  options.memory_mb = settings.router.memory_mb;
  options.hugepages = settings.router.hugepages;
  options.extra = std::move(extra);
  options.lcore_cpus.push_back(plan.control_cpus);
  for (auto cpu : plan.rx_cpus) options.lcore_cpus.push_back({cpu});
  for (auto cpu : plan.worker_cpus) options.lcore_cpus.push_back({cpu});
  for (const auto& device : settings.devices) {
    if (!device.pci.empty()) options.pci_devices.push_back(device.pci);
  }
  return options;
}

}  // namespace portier::control
