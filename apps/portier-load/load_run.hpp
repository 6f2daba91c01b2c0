/// The frame around every subcommand: check, open, self-test, measure, close, report.
#pragma once

#include <functional>

#include "options.hpp"
#include "outputs.hpp"
#include "tester.hpp"

namespace portier::load {

struct RunParts {
  Tester& tester;
  const LoadSetup& setup;
  Report& report;
  ProgressLine& line;
  Interrupts& interrupts;
};

/// Everything but the measurement itself, which fills the report. `recording` may be null. `self_tests`: the request
/// is first run on the looped-back tester. Returns the exit code.
int run_with(const std::string& command, const LoadOptions& options, const Recording* recording,
             const std::function<void(RunParts&)>& measure);

}  // namespace portier::load
