/// The checks over the whole, one function per question.
#include "control/checks.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "control/address_text.hpp"
#include "control/binding_text.hpp"
#include "control/core_plan.hpp"
#include "control/spelling.hpp"

namespace portier::control {
namespace {

bool is_written(const Places& places, std::string_view key) { return places.contains(key); }

/// Says where the same text stood before, for keys that must differ.
class SeenBefore {
 public:
  /// Null at first sight.
  const Place* earlier(const std::string& text, Place place) {
    const auto [entry, is_new] = seen_.emplace(text, place);
    return is_new ? nullptr : &entry->second;
  }

 private:
  std::map<std::string, Place> seen_;
};

// --- devices ------------------------------------------------------------------------------------------------------

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
    if (settings_.devices.empty() && !settings_.places.contains("device")) {
      found_.fault({},
                   "no device: nothing could be received; add a [[device]] with a name and pci, vdev, interface or "
                   "traffic = true");
    }
    for (const auto& device : settings_.devices) {
      check_name(device);
      check_what_it_is(device);
      check_forms(device);
      check_driver(device);
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

// --- services -----------------------------------------------------------------------------------------------------

void check_service_names(const Settings& settings, Faults& found) {
  SeenBefore seen;
  for (const auto& service : settings.services) {
    if (service.name.empty()) continue;
    const auto place = place_of(service, "name");
    if (service.name == "answer" || service.name == "closed") {
      found.fault(place, fmt::format("service name '{}' is taken by portier itself; choose another", service.name));
    } else if (const auto* earlier = seen.earlier(service.name, place)) {
      found.fault(
          place,
          fmt::format("service '{}' exists already, at line {}; give this one another name, or join their bindings",
                      service.name, earlier->line));
    }
  }
}

void check_handlers(const Settings& settings, std::span<const std::string> handlers, Faults& found) {
  const std::vector<std::string_view> known(handlers.begin(), handlers.end());
  for (const auto& service : settings.services) {
    for (const auto& target : service.deliver) {
      if (std::find(known.begin(), known.end(), target.handler) != known.end()) continue;
      if (target.handler == "answer") {
        found.fault(target.place,
                    "handler 'answer' works by itself for the addresses of devices; remove it from the chain");
      } else if (const auto meant = nearest(target.handler, known)) {
        found.fault(target.place,
                    fmt::format("unknown handler {}; did you mean '{}'?", in_quotes(target.handler), *meant));
      } else {
        found.fault(target.place, fmt::format("unknown handler {}; write one of: {}", in_quotes(target.handler),
                                              fmt::join(known, ", ")));
      }
    }
  }
}

/// Where the cores that deliver are written down, services must keep to them.
void check_workers(const Settings& settings, Mode mode, Faults& found) {
  const auto& router = settings.router;
  const bool one_kind = mode == Mode::run_to_completion;
  const auto& cores = one_kind ? router.rx_cores : router.worker_cores;
  if (cores.empty()) return;
  for (const auto& service : settings.services) {
    for (const auto cpu : service.workers) {
      if (std::find(cores.begin(), cores.end(), cpu) != cores.end()) continue;
      found.fault(place_of(service, "workers"),
                  fmt::format("CPU {} is not among router.{}; write some of: {}", cpu,
                              one_kind ? "rx_cores" : "worker_cores", fmt::join(cores, ", ")));
    }
  }
}

// --- router and closed ports --------------------------------------------------------------------------------------

void check_shared_cores(const RouterSettings& router, Faults& found) {
  if (router.mode == Mode::run_to_completion) return;
  for (const auto cpu : router.worker_cores) {
    if (std::find(router.rx_cores.begin(), router.rx_cores.end(), cpu) == router.rx_cores.end()) continue;
    found.warning(
        place_of(router, "worker_cores"),
        fmt::format(
            "CPU {} is both an rx core and a worker core: the two take turns on it, which costs throughput and latency",
            cpu));
  }
}

void check_closed_ports(const Settings& settings, Faults& found) {
  if (settings.closed_ports.action != ClosedAction::kernel) return;
  for (const auto& device : settings.devices) {
    // A driver that could not be read, or that does not exist, has its own fault.
    if (is_written(device.places, "driver") && device.driver != "af_xdp") continue;
    found.fault(
        place_of(settings.closed_ports, "action"),
        fmt::format("closed_ports.action = \"kernel\" needs the kernel to have its own copy of each packet, which only "
                    "driver = \"af_packet\" gives, and device '{}' at line {} is driven otherwise; write \"reject\" or "
                    "\"drop\"",
                    device.name, device.place.line));
    return;
  }
}

}  // namespace

std::vector<std::string> built_in_handlers() { return {"count", "echo", "drop", "reject"}; }

void check_bindings(std::span<const ServiceSettings> services, Faults& found) {
  struct Entry {
    const BindingSettings* binding;
    const ServiceSettings* service;
  };
  std::vector<Entry> entries;
  for (const auto& service : services) {
    for (const auto& binding : service.bindings) entries.push_back({&binding, &service});
  }
  // Conflicting bindings have the same transport, destination and number of ports (else one beats the other). Among
  // these, sorted by their first port, an overlap anywhere means an overlap of two neighbours.
  const auto group = [](const table::Binding& b) { return std::tuple(b.transport, b.destination, b.port_count()); };
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    return std::tuple_cat(group(a.binding->binding), std::tuple(a.binding->binding.first_port, a.binding->place)) <
           std::tuple_cat(group(b.binding->binding), std::tuple(b.binding->binding.first_port, b.binding->place));
  });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    auto earlier = entries[i - 1];
    auto later = entries[i];
    if (!table::conflict(earlier.binding->binding, later.binding->binding)) continue;
    if (later.binding->place < earlier.binding->place) std::swap(earlier, later);
    const bool same = earlier.binding->binding.first_port == later.binding->binding.first_port;
    found.fault(
        later.binding->place,
        fmt::format(
            "binding '{}' of service '{}' conflicts with '{}' of service '{}' at line {}: neither is more specific{}",
            to_text(later.binding->binding), later.service->name, to_text(earlier.binding->binding),
            earlier.service->name, earlier.binding->place.line,
            same ? "; remove one of the two" : "; make the ranges disjoint, or one of them narrower"));
  }
}

void check_settings(const Settings& settings, const CheckInputs& inputs, Faults& found) {
  DeviceChecks(settings, found).run();
  check_service_names(settings, found);
  check_handlers(settings, inputs.handlers, found);
  check_bindings(settings.services, found);
  check_shared_cores(settings.router, found);
  check_closed_ports(settings, found);
  if (settings.services.empty() && !settings.places.contains("service")) {
    found.warning({}, "no service: every port is closed; add a [[service]] with bindings and deliver");
  }
  if (inputs.cpus.empty()) return check_workers(settings, settings.router.mode.value_or(Mode::pipeline), found);
  const auto plan = plan_cores(settings.router, inputs.cpus, found);
  const bool one_kind = plan.mode == Mode::run_to_completion;
  const auto& written = one_kind ? settings.router.rx_cores : settings.router.worker_cores;
  if (written.empty()) check_workers_are_planned(settings, plan, found);
  else check_workers(settings, plan.mode, found);
}

Loaded load_checked(const std::string& path, const CheckInputs& inputs) {
  auto draft = read_settings_file(path);
  if (draft.readable) check_settings(draft.settings, inputs, draft.found);
  return finish(std::move(draft));
}

Loaded parse_checked(std::string_view text, const std::string& name, const CheckInputs& inputs) {
  auto draft = read_settings(text, name);
  if (draft.readable) check_settings(draft.settings, inputs, draft.found);
  return finish(std::move(draft));
}

}  // namespace portier::control
