/// The checks over the whole, one function per question.
#include "control/checks.hpp"

#include <algorithm>
#include <set>
#include <tuple>

#include <fmt/format.h>

#include "control/binding_text.hpp"
#include "control/core_plan.hpp"
#include "control/device_checks.hpp"
#include "control/seen_before.hpp"
#include "control/spelling.hpp"
#include "handlers/registry.hpp"
#include "table/port_tables.hpp"

namespace portier::control {
namespace {

bool is_written(const Places& places, std::string_view key) { return places.contains(key); }

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

void check_priorities(const Settings& settings, Faults& found) {
  for (const auto& service : settings.services) {
    if (service.priority == "normal") continue;
    found.fault(place_of(service, "priority"),
                fmt::format("priority {} is not offered by this version; write \"normal\", or leave it out",
                            in_quotes(service.priority)));
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

/// Each distinct destination prefix takes a slot of the port tables.
void check_prefixes(const Settings& settings, Faults& found) {
  std::set<packet::Prefix> distinct;
  for (const auto& service : settings.services) {
    for (const auto& written : service.bindings) {
      if (written.binding.destination.is_any()) continue;
      distinct.insert(written.binding.destination);
      if (distinct.size() < table::max_address_slots) continue;
      return found.fault(written.place,
                         fmt::format("the bindings name more than {} distinct destinations; use shorter prefixes",
                                     table::max_address_slots - 1));
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

/// Whoever has written down what closed ports get should know where it does not apply.
void check_closed_ports_of_shared(const Settings& settings, Faults& found) {
  if (!is_written(settings.closed_ports.places, "action")) return;
  const auto shared = std::ranges::find_if(settings.devices, &DeviceSettings::share);
  if (shared == settings.devices.end()) return;
  found.warning(place_of(settings.closed_ports, "action"),
                fmt::format("closed_ports.action does not reach device '{}' at line {}: with share = true the kernel "
                            "keeps what comes to closed ports there",
                            shared->name, shared->place.line));
}

void check_closed_ports(const Settings& settings, Faults& found) {
  if (settings.closed_ports.action != ClosedAction::kernel) return check_closed_ports_of_shared(settings, found);
  for (const auto& device : settings.devices) {
    // A driver that could not be read, or that does not exist, has its own fault.
    if (is_written(device.places, "driver") && device.driver != "af_xdp") continue;
    if (device.share) continue;  // closed ports are the kernel's there anyway
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

std::vector<std::string> built_in_handlers() { return handlers::Registry::with_builtins().names(); }

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
  check_devices(settings, found);
  if (settings.devices.empty() && !settings.places.contains("device") && !inputs.cpus.empty()) {
    found.fault({},
                "no device: nothing could be received; add a [[device]] with a name and pci, vdev, interface or "
                "traffic = true");
  }
  check_service_names(settings, found);
  check_priorities(settings, found);
  check_prefixes(settings, found);
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
