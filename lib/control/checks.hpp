/// Checks over a whole configuration: what no single value shows. Pure: settings in, faults out.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "control/settings.hpp"

namespace portier::control {

/// What the checks must know besides the settings.
struct CheckInputs {
  std::vector<std::string> handlers;  ///< names that a delivery chain may use
  std::vector<unsigned> cpus;  ///< CPUs that this process may use; empty: nothing will run here, so cores are not
                               ///< planned and no device is needed
};

/// The names of the built-in handlers that a chain may use; `answer` is not one: it is always there.
std::vector<std::string> built_in_handlers();

/// Adds its findings to `found`. Sound on settings that were read only in part: it says nothing about keys that were
/// written but could not be read.
void check_settings(const Settings& settings, const CheckInputs& inputs, Faults& found);

/// The part about bindings alone: in O(n log n), each binding is named at most once, together with an earlier one.
void check_bindings(std::span<const ServiceSettings> services, Faults& found);

/// Reads and checks in one pass: everything that is wrong, at once. What a configuration must pass before it is used.
Loaded load_checked(const std::string& path, const CheckInputs& inputs);
Loaded parse_checked(std::string_view text, const std::string& name, const CheckInputs& inputs);

}  // namespace portier::control
