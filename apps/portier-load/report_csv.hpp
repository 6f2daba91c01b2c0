/// A report as tables for spreadsheets (RFC 4180): one of trials, one of services.
#pragma once

#include <string>

#include "report_model.hpp"

namespace portier::load {

/// One row per trial. Lines end in CR LF; the first names the columns with their units.
std::string trials_to_csv(const Report& report);

/// One row per trial and service; the column `trial` is that of trials_to_csv.
std::string services_to_csv(const Report& report);

/// A field as RFC 4180 wants it: in quotes when it has a comma, a quote or a line break.
std::string csv_field(const std::string& text);

}  // namespace portier::load
