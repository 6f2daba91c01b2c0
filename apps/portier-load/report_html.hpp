/// A report as one HTML page that needs nothing else: no link, no script, plots as inline SVG.
#pragma once

#include <string>

#include "report_model.hpp"

namespace portier::load {

/// Shows at most `max_rows` services (most loss first) and the last `max_rows` trials; the CSV has all. Whatever a
/// string of the report holds, the page stays well formed XML.
std::string report_to_html(const Report& report, std::size_t max_rows = 100);

}  // namespace portier::load
