/// Options of delivery targets, checked by those who know them: the handlers' own factories.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "control/settings.hpp"
#include "handlers/registry.hpp"

namespace portier::control {

/// Makes each distinct (handler, options) once and destroys it at once. What a factory says with
/// `std::invalid_argument` becomes a fault at every target with these options; any other exception is about the
/// machine and not about the text, and is left to the start of the router. Handlers that `registry` does not offer by
/// name are passed over: `check_settings` has said so.
///
/// Factories are called without DPDK and before any device is open: MACs are zero, `tsc_hz` is a stand-in.
void check_targets(const Settings& settings, const handlers::Registry& registry, Faults& found);

/// As their namesakes in checks.hpp, with `check_targets` in the same pass: everything that is wrong, at once.
/// `cpus` as in `CheckInputs`.
Loaded load_checked(const std::string& path, const handlers::Registry& registry, const std::vector<unsigned>& cpus);
Loaded parse_checked(std::string_view text, const std::string& name, const handlers::Registry& registry,
                     const std::vector<unsigned>& cpus);

}  // namespace portier::control
