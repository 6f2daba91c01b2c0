/// A report as one JSON object, and back: what is stored can be shown again.
#pragma once

#include <nlohmann/json.hpp>

#include "report_model.hpp"

namespace portier::load {

/// Numbers carry their unit in the name; histograms are lists of [largest value in ns, packets]. What was not measured
/// is null.
nlohmann::ordered_json report_to_json(const Report& report);

/// Throws std::runtime_error with a sentence when this is not such a report.
Report report_from_json(const nlohmann::ordered_json& json);

inline constexpr const char* report_format = "portier-load report 1";

}  // namespace portier::load
