/// Coordinates and elements.
#include "report_svg.hpp"

#include <fmt/format.h>

#include <utility>

#include "report_units.hpp"

namespace portier::load {

namespace {

// A plot is 640 wide; where it is shown smaller, the page makes its text larger, for which the margins have room.
constexpr double width = 640;
constexpr double height = 340;
constexpr double left = 84;
constexpr double right = 38;
constexpr double top = 34;
constexpr double bottom = 58;

std::string escaped_number(double value) { return fmt::format("{:.1f}", value); }

std::string title_element(const std::string& title) {
  return title.empty() ? "" : fmt::format("<title>{}</title>", escaped(title));
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_control = (byte < 0x20 && c != '\n' && c != '\t') || byte == 0x7f;
        if (is_control) {
          out += "&#xfffd;";
        } else {
          out += c;
        }
      }
    }
  }
  return out;
}

Plot::Plot(std::string description, Axis x, Axis y)
    : description_(std::move(description)), x_(std::move(x)), y_(std::move(y)) {}

double Plot::x_of(double value) const { return left + x_.place(value) * (width - left - right); }
double Plot::y_of(double value) const { return height - bottom - y_.place(value) * (height - top - bottom); }

void Plot::add_path(const std::string& data, const std::string& css_class, const std::string& title) {
  body_ += fmt::format("<path class=\"line {}\" d=\"{}\">{}</path>\n", escaped(css_class), data, title_element(title));
}

void Plot::add_line(const std::vector<PlotPoint>& points, const std::string& css_class, const std::string& title) {
  if (points.size() == 1) {
    add_points({{points[0].x, points[0].y, title}}, "dot " + css_class, Shape::circle);
    return;
  }
  std::string data;
  for (const auto& point : points) {
    data += (data.empty() ? "M" : "L") + escaped_number(x_of(point.x)) + " " + escaped_number(y_of(point.y));
  }
  if (!data.empty()) add_path(data, css_class, title);
}

void Plot::add_steps(const std::vector<PlotPoint>& points, const std::string& css_class, const std::string& title) {
  std::string data;
  for (const auto& point : points) {
    const auto x = escaped_number(x_of(point.x));
    const auto y = escaped_number(y_of(point.y));
    data += data.empty() ? "M" + x + " " + y : "H" + x + "V" + y;
  }
  if (!data.empty()) add_path(data, css_class, title);
}

void Plot::add_points(const std::vector<PlotPoint>& points, const std::string& css_class, Shape shape) {
  for (const auto& point : points) {
    const double x = x_of(point.x);
    const double y = y_of(point.y);
    const auto cls = escaped(css_class);
    const auto title = title_element(point.title);
    switch (shape) {
      case Shape::circle:
        body_ +=
            fmt::format("<circle class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4.5\">{}</circle>\n", cls, x, y, title);
        break;
      case Shape::cross:  // the transparent circle is easier to hit with a pointer than two strokes
        body_ += fmt::format(
            "<g class=\"{0}\"><path d=\"M{1:.1f} {2:.1f}l9 9m0 -9l-9 9\"/><circle class=\"hit\" cx=\"{3:.1f}\" "
            "cy=\"{4:.1f}\" r=\"7\">{5}</circle></g>\n",
            cls, x - 4.5, y - 4.5, x, y, title);
        break;
      case Shape::triangle:
        body_ +=
            fmt::format("<path class=\"{}\" d=\"M{:.1f} {:.1f}l5.5 9.5h-11z\">{}</path>\n", cls, x, y - 5.5, title);
        break;
    }
  }
}

void Plot::add_mark_x(double x, const std::string& label) {
  const double at = x_of(x);
  const bool is_left_half = at < width / 2;
  marks_ += fmt::format("<line class=\"mark\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"{1}\" y2=\"{2}\"/>\n", at, top,
                        height - bottom);
  marks_ += fmt::format("<text class=\"mark-label\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                        is_left_half ? at + 6 : at - 6, top + 16, is_left_half ? "start" : "end", escaped(label));
}

void Plot::add_reference(const PlotPoint& from, const PlotPoint& to, const std::string& title) {
  body_ += fmt::format("<line class=\"reference\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\">{}</line>\n",
                       x_of(from.x), y_of(from.y), x_of(to.x), y_of(to.y), title_element(title));
}

std::string Plot::svg() const {
  auto out = fmt::format("<svg class=\"plot\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", width, height,
                         escaped(description_));
  for (const auto& tick : y_.ticks()) {
    const double y = y_of(tick.value);
    out += fmt::format("<line class=\"grid{}\" x1=\"{}\" x2=\"{}\" y1=\"{:.1f}\" y2=\"{:.1f}\"/>\n",
                       tick.label.empty() ? " fine" : "", left, width - right, y, y);
    if (tick.label.empty()) continue;
    out += fmt::format("<text class=\"tick{}\" x=\"{}\" y=\"{:.1f}\" text-anchor=\"end\" dy=\"0.35em\">{}</text>\n",
                       tick.is_dispensable ? " alt" : "", left - 8, y, escaped(tick.label));
  }
  for (const auto& tick : x_.ticks()) {
    const double x = x_of(tick.value);
    out += fmt::format("<line class=\"grid{}\" x1=\"{:.1f}\" x2=\"{:.1f}\" y1=\"{}\" y2=\"{}\"/>\n",
                       tick.label.empty() ? " fine" : "", x, x, top, height - bottom);
    if (tick.label.empty()) continue;
    out += fmt::format("<text class=\"tick{}\" x=\"{:.1f}\" y=\"{}\" text-anchor=\"middle\" dy=\"1.15em\">{}</text>\n",
                       tick.is_dispensable ? " alt" : "", x, height - bottom + 3, escaped(tick.label));
  }
  out += fmt::format("<text class=\"axis-title\" x=\"2\" y=\"18\">{}</text>\n", escaped(y_.title()));
  out += fmt::format("<text class=\"axis-title\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", width - right,
                     height - 6, escaped(x_.title()));
  return out + body_ + marks_ + "</svg>\n";
}

}  // namespace portier::load
