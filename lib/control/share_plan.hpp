/// What a shared device takes from the kernel, by the bindings. Pure.
#pragma once

#include "control/settings.hpp"
#include "nic/xdp/share_table.hpp"

namespace portier::control {

/// The bound ports of each of the device's addresses: a packet is in the table exactly if it is for one of them and the
/// ruleset of `settings` has a service for it.
nic::ShareTable plan_share(const Settings& settings, const DeviceSettings& device);

/// What both tables have.
nic::ShareTable shared_by_both(const nic::ShareTable& a, const nic::ShareTable& b);

}  // namespace portier::control
