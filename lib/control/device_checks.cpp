/// Each device alone, and each against those before it.
#include "control/device_checks.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "control/address_text.hpp"
#include "control/seen_before.hpp"
#include "nic/xdp/share_table.hpp"

namespace portier::control {
namespace {

bool is_written(const Places& places, std::string_view key) { return places.contains(key); }

bool is_pci_address(std::string_view text) {
  // "0000:3b:00.0", or "3b:00.0" in domain 0.
  static constexpr std::string_view pattern = "hhhh:hh:hh.o";
  if (text.size() == 7) return is_pci_address("0000:" + std::string(text));
  if (text.size() != pattern.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool fits = pattern[i] == 'h'   ? std::isxdigit(static_cast<unsigned char>(c)) != 0
                      : pattern[i] == 'o' ? c >= '0' && c <= '7'
                                          : c == pattern[i];
    if (!fits) return false;
  }
  return true;
}

std::string canonical_pci(const std::string& text) {
  std::string out = text.size() == 7 ? "0000:" + text : text;
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// The kernel's rule (dev_valid_name).
bool is_interface_name(std::string_view text) {
  if (text == "." || text == "..") return false;
  return std::none_of(text.begin(), text.end(),
                      [](unsigned char c) { return std::isspace(c) || c == '/' || c == ':' || c == ','; });
}

/// Before the first comma: a driver's prefix and a number or word, "net_pcap0".
bool is_vdev_name(std::string_view text) {
  const auto is_word = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
  return !text.empty() && text.size() < 64 && std::isalpha(static_cast<unsigned char>(text.front())) &&
         std::all_of(text.begin(), text.end(), is_word);
}

class DeviceChecks {
 public:
  DeviceChecks(const Settings& settings, Faults& found) : settings_(settings), found_(found) {}

  void run() {
    for (const auto& device : settings_.devices) {
      check_name(device);
      check_what_it_is(device);
      check_forms(device);
      check_driver(device);
      check_share(device);
      check_ssh(device);
      check_twins(device);
      check_addresses(device);
    }
    check_traffic();
  }

 private:
  static std::string called(const DeviceSettings& device) {
    return device.name.empty() ? "this device" : fmt::format("device '{}'", device.name);
  }

  void check_name(const DeviceSettings& device) {
    if (device.name.empty()) return;
    const auto place = place_of(device, "name");
    if (const auto* earlier = names_.earlier(device.name, place)) {
      found_.fault(place, fmt::format("device '{}' exists already, at line {}; give this one another name", device.name,
                                      earlier->line));
    }
  }

  void check_what_it_is(const DeviceSettings& device) {
    std::vector<std::string_view> given;
    for (const std::string_view key : {"pci", "vdev", "interface"}) {
      if (is_written(device.places, key)) given.push_back(key);
    }
    // `traffic = false` says nothing; a value that is no boolean was meant to say something.
    if (device.traffic) given.push_back("traffic");
    if (given.empty()) {
      if (is_written(device.places, "traffic") && !traffic_was_read(device)) return;
      found_.fault(device.place,
                   fmt::format("{} is nothing yet; add one of pci, vdev, interface or traffic = true", called(device)));
    } else if (given.size() > 1) {
      found_.fault(place_of(device, given[1]),
                   fmt::format("{} cannot be {} at once; keep one of them", called(device), fmt::join(given, " and ")));
    }
  }

  /// False where reading has left a fault at that value.
  bool traffic_was_read(const DeviceSettings& device) const {
    return !found_.has_fault_at(place_of(device, "traffic"));
  }

  void check_forms(const DeviceSettings& device) {
    if (!device.pci.empty() && !is_pci_address(device.pci)) {
      found_.fault(place_of(device, "pci"),
                   fmt::format("{} is not a PCI address; write it as \"0000:3b:00.0\" (see: dpdk-devbind.py -s)",
                               in_quotes(device.pci)));
    }
    if (!device.interface.empty() && !is_interface_name(device.interface)) {
      found_.fault(
          place_of(device, "interface"),
          fmt::format("{} is not an interface name; write one that `ip link` shows", in_quotes(device.interface)));
    }
    if (!device.vdev.empty() && !is_vdev_name(std::string_view(device.vdev).substr(0, device.vdev.find(',')))) {
      found_.fault(place_of(device, "vdev"), fmt::format("{} is not a virtual device; write its driver and a number, "
                                                         "then its arguments, such as \"net_pcap0,rx_pcap=in.pcap\"",
                                                         in_quotes(device.vdev)));
    }
  }

  void check_driver(const DeviceSettings& device) {
    const bool has_interface = is_written(device.places, "interface");
    const bool has_driver = is_written(device.places, "driver");
    if (has_interface && !has_driver) {
      found_.fault(place_of(device, "interface"),
                   fmt::format("{} has an interface without a driver; add driver = \"af_xdp\", or \"af_packet\"",
                               called(device)));
    } else if (has_driver && !has_interface) {
      found_.fault(
          place_of(device, "driver"),
          fmt::format("{} has a driver without an interface; remove it, as only an interface has a choice of drivers",
                      called(device)));
    }
    if (!device.driver.empty() && device.driver != "af_xdp" && device.driver != "af_packet") {
      found_.fault(
          place_of(device, "driver"),
          fmt::format("{} does not drive interfaces; write \"af_xdp\" or \"af_packet\"", in_quotes(device.driver)));
    }
  }

  void check_share(const DeviceSettings& device) {
    if (!device.share) return;
    if (device.driver != "af_xdp") {
      found_.fault(place_of(device, "share"),
                   fmt::format("{} cannot be shared with the kernel; only an interface with driver = \"af_xdp\" can: "
                               "write that, or remove share",
                               called(device)));
    } else if (device.addresses.empty() && !found_.has_fault_at(place_of(device, "addresses"))) {
      found_.fault(place_of(device, "share"),
                   fmt::format("{} shares nothing yet; add addresses, those of the interface whose bound ports shall "
                               "come here (see: ip address show dev {})",
                               called(device), device.interface));
    } else if (device.addresses.size() > nic::max_shared_addresses) {
      found_.fault(place_of(device, "addresses"),
                   fmt::format("{} is shared with the kernel, and then at most {} addresses can be its own; keep those "
                               "whose bound ports shall come here",
                               called(device), nic::max_shared_addresses));
    }
  }

  /// Whoever shares a device wants to keep the way in.
  void check_ssh(const DeviceSettings& device) {
    if (!device.share) return;
    for (const auto& service : settings_.services) {
      for (const auto& [text, binding, place] : service.bindings) {
        const auto covers = [&binding = binding](const AddressSettings& own) {
          return binding.destination.contains(own.address);
        };
        if (binding.transport != packet::Transport::tcp || !binding.covers_port(22)) continue;
        if (std::none_of(device.addresses.begin(), device.addresses.end(), covers)) continue;
        return found_.warning(place,
                              fmt::format("binding '{}' takes port 22, SSH, from the kernel on device '{}', which "
                                          "is shared with it; leave that port out, unless it is meant",
                                          text, device.name));
      }
    }
  }

  void check_twins(const DeviceSettings& device) {
    check_twin(device, "pci", canonical_pci(device.pci), pcis_);
    check_twin(device, "interface", device.interface, interfaces_);
    check_twin(device, "vdev", device.vdev.substr(0, device.vdev.find(',')), vdevs_);
  }

  void check_twin(const DeviceSettings& device, std::string_view key, const std::string& value, SeenBefore& seen) {
    if (value.empty() || !is_written(device.places, key)) return;
    const auto place = place_of(device, key);
    if (const auto* earlier = seen.earlier(value, place)) {
      found_.fault(place, fmt::format("{} {} belongs to another device already, at line {}; remove one of the two", key,
                                      in_quotes(value), earlier->line));
    }
  }

  void check_addresses(const DeviceSettings& device) {
    for (const auto& address : device.addresses) {
      const auto text = to_text(address.address);
      if (const auto* earlier = addresses_.earlier(text, address.place)) {
        found_.fault(address.place,
                     fmt::format("address {} is ours already, at line {}; remove one of the two", text, earlier->line));
      }
    }
  }

  void check_traffic() {
    const DeviceSettings* source = nullptr;
    for (const auto& device : settings_.devices) {
      if (!device.traffic) continue;
      if (source) {
        found_.fault(place_of(device, "traffic"),
                     fmt::format("only one device can be the traffic source, and line {} has it; remove this one",
                                 place_of(*source, "traffic").line));
      } else {
        source = &device;
      }
    }
    if (!source && settings_.places.contains("traffic")) {
      found_.warning(settings_.places.at("traffic"), "[traffic] does nothing, as no device has traffic = true");
    }
  }

  const Settings& settings_;
  Faults& found_;
  SeenBefore names_, pcis_, interfaces_, vdevs_, addresses_;
};

}  // namespace

void check_devices(const Settings& settings, Faults& found) { DeviceChecks(settings, found).run(); }

}  // namespace portier::control
