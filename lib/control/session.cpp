/// Settings -> checks -> plan, with every fault on stderr.
#include "control/session.hpp"

#include <cstdio>

#include "control/device_plan.hpp"
#include "control/driver_profile.hpp"
#include "control/target_check.hpp"

namespace portier::control {

namespace {

void print(const std::vector<Fault>& faults, const char* kind) {
  for (const auto& fault : faults) std::fprintf(stderr, "%s%s\n", kind, to_text(fault).c_str());
}

}  // namespace

std::optional<Session> prepare(const ConfigSource& source, const handlers::Registry& registry,
                               const std::vector<unsigned>& cpus) {
  auto loaded = source.file.empty() ? parse_checked(source.built_in, std::string(source.built_in_name), registry, cpus)
                                    : load_checked(source.file, registry, cpus);
  print(loaded.warnings, "warning: ");
  print(loaded.faults, "");
  if (!loaded.settings) return std::nullopt;

  Session session{.settings = std::move(*loaded.settings), .plan = {}, .devices = {}};
  Faults found(session.settings.file);
  session.plan = plan_cores(session.settings.router, cpus, found);
  const auto directory = drivers_directory();
  for (std::size_t i = 0; i < session.settings.devices.size(); ++i) {
    const auto& device = session.settings.devices[i];
    if (device.traffic) {
      session.devices.emplace_back();
      continue;
    }
    if (directory.empty()) {
      print({{"drivers-config", {}, "the driver profiles were not found; set PORTIER_DRIVERS to their directory"}}, "");
      return std::nullopt;
    }
    auto profile = load_driver_profile(profile_name(device), directory);
    print(profile.faults, "");
    if (!profile.profile) return std::nullopt;
    session.devices.push_back(plan_device(device, *profile.profile, session.plan, i, session.settings.fragments));
  }
  const auto faults = found.take_faults();
  print(faults, "");
  if (!faults.empty()) return std::nullopt;
  return session;
}

}  // namespace portier::control
