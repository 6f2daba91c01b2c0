/// The modes of the program, each a subcommand; without one, the contest.
#pragma once

#include <CLI/CLI.hpp>

#include "options.hpp"

namespace portier::bench {

inline constexpr int exit_interrupted = 130;

/// Runs and prints; returns the exit code.
using Mode = int (*)(const Options& options);

/// All contenders in rounds.
int run_contest(const Options& options);

/// Latency from receive to handler under loads.
int run_latency(const Options& options);
/// What is delivered at twice the capacity, and behind it.
int run_overload(const Options& options);
/// One rx core and more and more workers.
int run_spread(const Options& options);
/// More and more bindings, addresses and services.
int run_scaling(const Options& options);

/// Adds the subcommands; the one that is called becomes `mode`.
void add_modes(CLI::App& app, Mode& mode, Options& options);

}  // namespace portier::bench
