/// Services, faults and warnings as text and as JSON, for the subcommands that show a configuration.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "control/settings.hpp"

namespace portier::app {

/// "echo -> drop".
std::string chain_text(const control::ServiceSettings& service);
/// The services as an aligned table; `workers` stands for those without workers of their own.
std::string services_table(std::span<const control::ServiceSettings> services, std::span<const unsigned> workers);
nlohmann::json services_json(std::span<const control::ServiceSettings> services, std::span<const unsigned> workers);

nlohmann::json faults_json(std::span<const control::Fault> faults);
/// One a line on standard error, warnings first.
void print_findings(const control::Loaded& loaded);

}  // namespace portier::app
