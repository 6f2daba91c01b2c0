/// Axes of plots: where a value lies between the two ends, and ticks at round numbers.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace portier::load {

struct Tick {
  double value = 0;
  std::string label;            ///< empty: only a thin line
  bool is_dispensable = false;  ///< its label goes first where there is little room
};

class Axis {
 public:
  using Label = std::function<std::string(double)>;

  /// From low to high, widened to round numbers; about `ticks` labels.
  static Axis linear(std::string title, double low, double high, const Label& label, int ticks = 6);
  /// Whole decades around [low, high]; both above 0, else they are taken as 1.
  static Axis logarithmic(std::string title, double low, double high, const Label& label);
  /// Like logarithmic, with a place for zero at the lower end. `low` is the smallest value above zero.
  static Axis logarithmic_with_zero(std::string title, double low, double high, const Label& label);
  /// 0 %, 50 %, 90 %, 99 % ... up to so many nines (1 to 7), every further nine as wide as the one before.
  static Axis percentiles(std::string title, int nines);

  /// 0 at the lower end, 1 at the upper; what is outside is put at the end. Never NaN.
  double place(double value) const;
  const std::string& title() const { return title_; }
  const std::vector<Tick>& ticks() const { return ticks_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  enum class Scale : std::uint8_t { linear, logarithmic, logarithmic_with_zero, percentiles };

  Axis(std::string title, Scale scale, double low, double high);

  std::string title_;
  Scale scale_;
  double low_;
  double high_;
  std::vector<Tick> ticks_;
};

/// 1, 2, 2.5 or 5 times a power of ten, so that a span has about so many steps; above 0 for any input.
double round_step(double span, int steps);

}  // namespace portier::load
