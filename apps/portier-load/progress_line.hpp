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

  /// What stands before the figures of a trial: its name, or where a search is.
  void set_phase(std::string phase) { phase_ = std::move(phase); }
  /// Ten times a second at most.
  void show(const TrialProgress& progress);
  /// Takes the line away, before something else is printed.
  void clear();

 private:
  bool is_terminal_;
  bool is_shown_ = false;
  std::string phase_;
  std::chrono::steady_clock::time_point shown_at_;
};

}  // namespace portier::load
