/// The subcommands: options in, exit code out.
#pragma once

#include <string>

#include "options.hpp"

namespace portier::load {

/// One trial.
int cmd_run(const LoadOptions& options);
/// One trial with the frames of a capture.
int cmd_replay(LoadOptions options);
/// The tester alone, looped back.
int cmd_self_test(const LoadOptions& options);
/// "throughput", "latency", "loss", "back-to-back", "ndr", "pdr" or "mlr".
int cmd_search(const std::string& procedure, const LoadOptions& options, const SearchOptions& search);
/// Text, CSV and HTML of a result that `--json` stored.
int cmd_report(const std::string& path, const LoadOptions& options);

}  // namespace portier::load
