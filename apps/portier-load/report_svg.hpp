/// Plots as SVG that takes its colours from the page: lines, steps, points, marks, with axes and hover titles.
///
/// Classes that the page must style (see report_style.hpp): plot, grid, tick, axis-title, mark, mark-label, reference,
/// alt (labels that may go where room is short), s1 to s4 (series), good, bad, limited (points).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report_axis.hpp"

namespace portier::load {

struct PlotPoint {
  double x = 0;
  double y = 0;
  std::string title;  ///< said on hover; may be empty
};

enum class Shape : std::uint8_t { circle, cross, triangle };

class Plot {
 public:
  /// The description is for people who do not see the plot.
  Plot(std::string description, Axis x, Axis y);

  /// `css_class` says which series it is; a line of one point is drawn as a point.
  void add_line(const std::vector<PlotPoint>& points, const std::string& css_class, const std::string& title);
  /// Level from each point to the next, then up or down.
  void add_steps(const std::vector<PlotPoint>& points, const std::string& css_class, const std::string& title);
  void add_points(const std::vector<PlotPoint>& points, const std::string& css_class, Shape shape);
  /// A vertical line with a label at its top.
  void add_mark_x(double x, const std::string& label);
  /// A straight line that is no data, e.g. "all received".
  void add_reference(const PlotPoint& from, const PlotPoint& to, const std::string& title);

  /// One <svg> element that fills the width it is given.
  std::string svg() const;

 private:
  double x_of(double value) const;
  double y_of(double value) const;
  void add_path(const std::string& data, const std::string& css_class, const std::string& title);

  std::string description_;
  Axis x_;
  Axis y_;
  std::string body_;
  std::string marks_;  ///< drawn last, above the data
};

/// Text as it may stand in HTML, SVG and quoted attributes. What is no UTF-8 and control characters become U+FFFD.
std::string escaped(const std::string& text);

}  // namespace portier::load
