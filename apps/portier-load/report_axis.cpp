/// Round numbers, scales and labels.
#include "report_axis.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "report_units.hpp"

namespace portier::load {

namespace {

constexpr double zero_band = 0.1;  ///< the part of a logarithmic axis that belongs to zero

}  // namespace

double round_step(double span, int steps) {
  if (!std::isfinite(span) || span <= 0) return 1;
  const double raw = span / std::max(1, steps);
  const double decade = std::pow(10.0, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
    if (factor * decade >= raw * 0.999999) return factor * decade;
  }
  return 10 * decade;
}

Axis::Axis(std::string title, Scale scale, double low, double high)
    : title_(std::move(title)), scale_(scale), low_(low), high_(high) {}

Axis Axis::linear(std::string title, double low, double high, const Label& label, int ticks) {
  if (!std::isfinite(low)) low = 0;
  if (!std::isfinite(high) || high <= low) high = low + (low == 0 ? 1 : std::abs(low));
  const double step = round_step(high - low, ticks);
  const double first = std::floor(low / step + 1e-9);
  const double last = std::ceil(high / step - 1e-9);
  Axis axis(std::move(title), Scale::linear, first * step, last * step);
  for (double i = first; i <= last + 0.5; ++i) {
    axis.ticks_.push_back({i * step, label(i * step), (static_cast<long>(i - first) & 1) != 0});
  }
  return axis;
}

Axis Axis::logarithmic(std::string title, double low, double high, const Label& label) {
  if (!std::isfinite(low) || low <= 0) low = 1;
  if (!std::isfinite(high) || high < low) high = low;
  const double first = std::floor(std::log10(low) + 1e-9);
  const double last = std::max(first + 1, std::ceil(std::log10(high) - 1e-9));
  Axis axis(std::move(title), Scale::logarithmic, std::pow(10.0, first), std::pow(10.0, last));
  const bool is_narrow = last - first < 3;
  const bool is_wide = last - first > 5;
  for (double decade = first; decade <= last + 0.5; ++decade) {
    const double value = std::pow(10.0, decade);
    axis.ticks_.push_back({value, label(value), is_wide && static_cast<long>(decade - first) % 2 != 0});
    if (decade > last - 0.5) break;
    for (const double factor : {2.0, 5.0}) {
      axis.ticks_.push_back({factor * value, is_narrow ? label(factor * value) : "", true});
    }
  }
  return axis;
}

Axis Axis::logarithmic_with_zero(std::string title, double low, double high, const Label& label) {
  auto axis = logarithmic(std::move(title), low, high, label);
  axis.scale_ = Scale::logarithmic_with_zero;
  axis.ticks_.insert(axis.ticks_.begin(), {0, "0", false});
  return axis;
}

Axis Axis::percentiles(std::string title, int nines) {
  nines = std::clamp(nines, 1, 7);
  Axis axis(std::move(title), Scale::percentiles, 0, static_cast<double>(nines));
  // With many nines there is no room for the label of 0 %.
  axis.ticks_ = {{0, nines > 3 ? "" : "0 %", true}, {0.5, "50 %", false}};
  for (int n = 1; n <= nines; ++n) {
    const double value = 1 - std::pow(10.0, -n);
    axis.ticks_.push_back({value, fmt::format("{:.{}f} %", value * 100, std::max(0, n - 2)), nines > 5 && n % 2 == 0});
  }
  return axis;
}

double Axis::place(double value) const {
  double at = 0;
  switch (scale_) {
    case Scale::linear: at = (value - low_) / (high_ - low_); break;
    case Scale::logarithmic:
    case Scale::logarithmic_with_zero: {
      const bool has_zero = scale_ == Scale::logarithmic_with_zero;
      if (value <= 0) break;
      at = std::log10(value / low_) / std::log10(high_ / low_);
      at = std::max(0.0, at);
      if (has_zero) at = zero_band + at * (1 - zero_band);
      break;
    }
    case Scale::percentiles: at = value >= 1 ? 1 : -std::log10(1 - value) / high_; break;
  }
  return std::isfinite(at) ? std::clamp(at, 0.0, 1.0) : 0;
}

}  // namespace portier::load
