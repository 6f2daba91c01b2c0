/// The device of a command line, through the same checks, driver profiles and planning as a router's.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nic/device.hpp"
#include "options.hpp"

namespace portier::load {

/// Faults go to `faults`, with `prefix` ("", "rx-") in the names of options; then nothing is returned. `index` keeps
/// the names of virtual devices apart.
std::optional<nic::DeviceSpec> choose_device(const DeviceOptions& options, const std::string& prefix, std::size_t index,
                                             std::vector<std::string>& faults);

/// The MAC address that the kernel knows for an IPv4 address on an interface (/proc/net/arp); empty: none.
std::string neighbour_mac(const std::string& interface, const std::string& address);

}  // namespace portier::load
