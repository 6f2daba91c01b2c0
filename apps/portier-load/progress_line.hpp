/// One line on a terminal that says where a run is and how long it will take; elsewhere silence.
#pragma once

#include <chrono>
#include <string>

#include "engine.hpp"

namespace portier::load {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// What stands before the figures of a trial: its name, or where a search is, with the seconds that the search will
  /// take from now on (0: what is left of the trial is all there is to say).
  void set_phase(std::string phase, double left_s = 0) {
    phase_ = std::move(phase);
    left_s_ = left_s;
  }
  /// Ten times a second at most.
  void show(const TrialProgress& progress);
  /// Takes the line away, before something else is printed.
  void clear();

 private:
  bool is_terminal_;
  bool is_shown_ = false;
  std::string phase_;
  double left_s_ = 0;
  std::chrono::steady_clock::time_point shown_at_;
};

}  // namespace portier::load
