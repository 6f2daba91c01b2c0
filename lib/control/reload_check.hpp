/// What a reload may change, and how a service is called in reports.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "control/ledger.hpp"
#include "control/service_ids.hpp"
#include "control/settings.hpp"

namespace portier::control {

/// A sentence naming the part that cannot change while the router runs; nothing when all changes can be made.
std::optional<std::string> needs_restart(const Settings& running, const Settings& wanted);

/// Names, bindings and categories by ServiceId; services that are gone keep their name.
std::vector<ServiceLabel> service_labels(const Settings& settings, const ServiceIds& ids);

}  // namespace portier::control
