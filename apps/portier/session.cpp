/// Settings -> checks -> plan, with every fault on stderr.
#include "session.hpp"

#include <cstdio>

#include "control/checks.hpp"
#include "control/device_plan.hpp"
#include "control/driver_profile.hpp"
#include "default_config.hpp"

namespace portier::app {

namespace {

void print(const std::vector<control::Fault>& faults, const char* kind) {
  for (const auto& fault : faults) std::fprintf(stderr, "%s%s\n", kind, control::to_text(fault).c_str());
}

}  // namespace

std::optional<Session> prepare(const std::string& file, const handlers::Registry& registry) {
  const auto cpus = control::available_cpus();
  const control::CheckInputs inputs{.handlers = registry.names(), .cpus = cpus};
  auto loaded = file.empty() ? control::parse_checked(default_config, std::string(default_config_name), inputs)
                             : control::load_checked(file, inputs);
  print(loaded.warnings, "warning: ");
  print(loaded.faults, "");
  if (!loaded.settings) return std::nullopt;

  Session session{.settings = std::move(*loaded.settings), .plan = {}, .devices = {}};
  control::Faults found(session.settings.file);
  session.plan = control::plan_cores(session.settings.router, cpus, found);
  const auto directory = control::drivers_directory();
  for (std::size_t i = 0; i < session.settings.devices.size(); ++i) {
    const auto& device = session.settings.devices[i];
    if (device.traffic) {
      session.devices.emplace_back();
      continue;
    }
    auto profile = control::load_driver_profile(control::profile_name(device), directory);
    print(profile.faults, "");
    if (!profile.profile) return std::nullopt;
    session.devices.push_back(control::plan_device(device, *profile.profile, session.plan, i));
  }
  const auto faults = found.take_faults();
  print(faults, "");
  if (!faults.empty()) return std::nullopt;
  return session;
}

}  // namespace portier::app
