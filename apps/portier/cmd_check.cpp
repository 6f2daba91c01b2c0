/// portier check: every fault of a configuration at once, or a summary of what it would run.
#include <algorithm>
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "control/address_text.hpp"
#include "control/core_plan.hpp"
#include "control/driver_profile.hpp"
#include "control/schema.hpp"
#include "control/target_check.hpp"
#include "handlers/registry.hpp"
#include "service_report.hpp"

namespace portier::app {
namespace {

using nlohmann::json;

struct DeviceReport {
  const control::DeviceSettings* device;
  std::string what;  ///< "interface eth1"
  control::DriverProfile profile;
};

std::string what_it_is(const control::DeviceSettings& device) {
  if (!device.pci.empty()) return "pci " + device.pci;
  if (!device.vdev.empty()) return "vdev " + device.vdev;
  if (!device.interface.empty()) return "interface " + device.interface;
  return "traffic source";
}

/// Adds the faults of profiles to `loaded`, so that they are shown with the others.
std::vector<DeviceReport> reports_of(const control::Settings& settings, control::Loaded& loaded) {
  std::vector<DeviceReport> reports;
  const auto directory = control::drivers_directory();
  if (directory.empty()) {
    loaded.faults.push_back(
        {"drivers-config", {}, "the driver profiles were not found; set PORTIER_DRIVERS to their directory"});
    return reports;
  }
  for (const auto& device : settings.devices) {
    auto profile = control::load_driver_profile(control::profile_name(device), directory);
    if (profile.profile) {
      reports.push_back({&device, what_it_is(device), *profile.profile});
      continue;
    }
    for (auto& fault : profile.faults) {
      const bool is_known = std::any_of(loaded.faults.begin(), loaded.faults.end(),
                                        [&](const auto& known) { return to_text(known) == to_text(fault); });
      if (!is_known) loaded.faults.push_back(std::move(fault));
    }
  }
  return reports;
}

json plan_json(const control::CorePlan& plan) {
  return {{"mode", control::to_text(plan.mode)},
          {"rx_cpus", plan.rx_cpus},
          {"worker_cpus", plan.worker_cpus},
          {"control_cpus", plan.control_cpus},
          {"notes", plan.notes}};
}

json devices_json(const std::vector<DeviceReport>& reports) {
  auto all = json::array();
  for (const auto& [device, what, profile] : reports) {
    auto addresses = json::array();
    for (const auto& address : device->addresses) {
      addresses.push_back(fmt::format("{}/{}", control::to_text(address.address), address.prefix_length));
    }
    all.push_back({{"name", device->name},
                   {"what", what},
                   {"profile", profile.driver},
                   {"share", device->share},
                   {"quirks", profile.quirks},
                   {"addresses", addresses}});
  }
  return all;
}

void print_summary(const control::Settings& settings, const control::CorePlan& plan,
                   const std::vector<DeviceReport>& reports) {
  fmt::print("{}: sound\n\n", settings.file);
  for (const auto& [device, what, profile] : reports) {
    fmt::print("device {}: {}, profile {}{}\n", device->name, what, profile.driver,
               device->share ? ", shared with the kernel: it keeps all but the bound ports of" : "");
    for (const auto& address : device->addresses) {
      fmt::print("  address {}/{}\n", control::to_text(address.address), address.prefix_length);
    }
    for (const auto& quirk : profile.quirks) fmt::print("  note: {}\n", quirk);
  }
  fmt::print("\ncores: {}, {} {}", control::to_text(plan.mode),
             plan.mode == control::Mode::pipeline ? "rx on CPU" : "CPU", fmt::join(plan.rx_cpus, ","));
  if (plan.mode == control::Mode::pipeline) fmt::print(", workers on CPU {}", fmt::join(plan.worker_cpus, ","));
  fmt::print(", control on CPU {}\n", fmt::join(plan.control_cpus, ","));
  for (const auto& note : plan.notes) fmt::print("  note: {}\n", note);
  fmt::print("closed ports: {}\n\n{}", control::to_text(settings.closed_ports.action),
             services_table(settings.services, plan.delivering_cpus()));
}

}  // namespace

int cmd_check(const CheckOptions& options) {
  if (options.reference) {
    fmt::print("{}", control::reference_markdown());
    return exit_ok;
  }
  if (options.file.empty()) {
    fmt::print(stderr, "portier check: name a configuration file, or - for standard input\n");
    return exit_bad_input;
  }
  const auto cpus = control::available_cpus();
  auto loaded = control::load_checked(options.file, handlers::Registry::with_builtins(), cpus);
  control::CorePlan plan;
  std::vector<DeviceReport> reports;
  if (loaded.settings) {
    control::Faults planned(loaded.settings->file);  // load_checked has found none
    plan = control::plan_cores(loaded.settings->router, cpus, planned);
    reports = reports_of(*loaded.settings, loaded);
  }
  const bool is_sound = loaded.faults.empty();
  if (options.json) {
    json out = {{"file", options.file},
                {"ok", is_sound},
                {"faults", faults_json(loaded.faults)},
                {"warnings", faults_json(loaded.warnings)}};
    if (is_sound) {
      out["devices"] = devices_json(reports);
      out["cores"] = plan_json(plan);
      out["services"] = services_json(loaded.settings->services, plan.delivering_cpus());
    }
    fmt::print("{}\n", out.dump(2, ' ', false, json::error_handler_t::replace));
  } else {
    print_findings(loaded);
    if (is_sound) print_summary(*loaded.settings, plan, reports);
  }
  return is_sound ? exit_ok : exit_bad_input;
}

}  // namespace portier::app
