/// A plot with its heading, legend and caption, as HTML; and points of trials sorted by what they mean.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "report_model.hpp"
#include "report_svg.hpp"

namespace portier::load {

struct LegendEntry {
  std::string css_class;  ///< s1 to s4, "s4 dashed", good, bad, limited, reference
  std::string name;
};

/// `caption` may be empty.
std::string figure_html(const std::string& heading, const std::vector<LegendEntry>& legend, const Plot& plot,
                        const std::string& caption);

/// Adds every trial as a point: good, with loss, or with the generator as the limit. Returns the legend for those that
/// there are.
std::vector<LegendEntry> add_trials(Plot& plot, const Report& report,
                                    const std::function<PlotPoint(const SearchTrial&, std::size_t)>& point_of);

/// "Trial 3 (confirm): 12.2 Mpps offered, 12.2 Mpps received, lost 0"
std::string trial_title(const SearchTrial& trial, std::size_t index);

}  // namespace portier::load
