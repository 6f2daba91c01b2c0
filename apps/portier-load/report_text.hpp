/// A report for the terminal: the verdict, its figures, the trials and the services as compact tables.
#pragma once

#include <string>

#include "report_model.hpp"

namespace portier::load {

/// At most `max_rows` trials and services each, the last trials and the services with most loss. No control characters
/// reach the terminal.
std::string report_to_text(const Report& report, std::size_t max_rows = 24);

/// Where a search is, for a terminal: "confirm  trial 9 of about 11  14.2 Mpps for 1 min 00 s".
std::string progress_text(const Progress& progress);

/// The intended rate, or "unpaced".
std::string request_rate_text(const TrialRequest& request);

/// Whether a service answered SYN packets or refused them, so that the counts are worth a column.
bool has_answers(const TrialResult& trial);

/// The services with most loss first, then by packets sent; at most `max_rows`.
std::vector<const ServiceResult*> worst_services(const TrialResult& trial, std::size_t max_rows);

}  // namespace portier::load
