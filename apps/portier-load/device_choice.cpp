/// Options -> device settings -> checks -> profile -> plan.
#include "device_choice.hpp"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "control/device_checks.hpp"
#include "control/device_plan.hpp"
#include "control/driver_profile.hpp"

namespace portier::load {

std::optional<nic::DeviceSpec> choose_device(const DeviceOptions& options, const std::string& prefix, std::size_t index,
                                             std::vector<std::string>& faults) {
  control::Settings settings;
  settings.file = "command line";
  control::DeviceSettings device;
  device.name = prefix.empty() ? "load" : "load-rx";
  device.vdev = options.vdev;
  device.pci = options.pci;
  device.interface = options.interface;
  device.driver = options.driver;
  if (!options.interface.empty() && options.driver.empty()) device.driver = "af_packet";
  const auto given = [&](const char* key, const std::string& value) {
    if (!value.empty()) device.places.emplace(key, control::Place{});
  };
  given("vdev", device.vdev);
  given("pci", device.pci);
  given("interface", device.interface);
  given("driver", device.driver);
  settings.devices.push_back(device);
  control::Faults found(fmt::format("--{0}vdev, --{0}interface, --{0}pci", prefix));
  control::check_devices(settings, found);
  if (found.any()) {
    for (const auto& fault : found.take_faults()) faults.push_back(control::to_text(fault));
    return std::nullopt;
  }
  const auto directory = control::drivers_directory();
  if (directory.empty()) {
    faults.emplace_back("the driver profiles were not found; set PORTIER_DRIVERS to their directory");
    return std::nullopt;
  }
  const auto profile = control::load_driver_profile(control::profile_name(device), directory);
  for (const auto& fault : profile.faults) faults.push_back(control::to_text(fault));
  if (!profile.profile) return std::nullopt;
  control::CorePlan one_queue;
  one_queue.rx_cpus = {0};
  return control::plan_device(device, *profile.profile, one_queue, index);
}

std::string neighbour_mac(const std::string& interface, const std::string& address) {
  std::ifstream table("/proc/net/arp");
  std::string line;
  while (std::getline(table, line)) {
    std::istringstream fields(line);
    std::string ip;
    std::string type;
    std::string flags;
    std::string mac;
    std::string mask;
    std::string device;
    fields >> ip >> type >> flags >> mac >> mask >> device;
    if (ip == address && device == interface && mac != "00:00:00:00:00:00") return mac;
  }
  return {};
}

}  // namespace portier::load
