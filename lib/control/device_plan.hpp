/// From a device's settings and its driver's profile to what nic opens. Pure.
#pragma once

#include <string>
#include <vector>

#include "control/core_plan.hpp"
#include "control/driver_profile.hpp"
#include "control/settings.hpp"
#include "nic/device.hpp"
#include "nic/eal.hpp"

namespace portier::control {

/// `index`: the device's place in the configuration, part of the names of virtual devices. `fragments`: what the
/// memory of fragments of a shared interface is like; as the router's own.
nic::DeviceSpec plan_device(const DeviceSettings& device, const DriverProfile& profile, const CorePlan& plan,
                            std::size_t index, const FragmentSettings& fragments = {});

/// Core plan to EAL: lcore 0 floats over the control CPUs, one pinned lcore for each data path core.
nic::EalOptions plan_eal(const Settings& settings, const CorePlan& plan, std::vector<std::string> extra);

}  // namespace portier::control
