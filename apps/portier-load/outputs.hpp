/// Where a report goes: the terminal, and the files that were asked for.
#pragma once

#include "load_setup.hpp"
#include "options.hpp"
#include "report_model.hpp"
#include "tester.hpp"

namespace portier::load {

/// Exit codes of every subcommand.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;     ///< the run failed
inline constexpr int exit_bad_input = 2;  ///< usage

/// A report with what is known before the first packet: what was asked, the machine, what makes the result worth less.
Report start_report(const std::string& command, const LoadOptions& options, const LoadSetup& setup,
                    const Tester& tester);

/// Runs the self-test and puts its result, and what is wrong with it, into the report.
void run_self_test(Tester& tester, const TrialRequest& request, Report& report);

/// What a trial says against itself: a rate that was not reached, buffers that ran out.
void add_warnings_of(const TrialResult& trial, Report& report);

/// False: a file takes standard output.
bool prints_text(const LoadOptions& options);

/// Writes the files and, unless one of them takes standard output, prints the text. False: something could not be
/// written; stderr says what.
bool write_outputs(const LoadOptions& options, const Report& report);

}  // namespace portier::load
