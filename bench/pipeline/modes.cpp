/// The subcommands and their own options.
#include "modes.hpp"

namespace portier::bench {

void add_modes(CLI::App& app, Mode& mode, Options& options) {
  app.require_subcommand(0, 1);
  app.fallthrough();
  const auto add = [&](const char* name, const char* what, Mode run) {
    auto* command = app.add_subcommand(name, what);
    command->callback([&mode, run] { mode = run; });
    return command;
  };
  add("latency", "Receive to handler at 1,000 pps, 50 % and 80 % of the throughput, beside the bare ring", run_latency);
  add("overload", "What is delivered at twice the worker's capacity, and in the second behind it", run_overload)
      ->add_option("--cost-ticks", options.cost_ticks, "What the handler costs a packet, in ticks (default 400)")
      ->check(CLI::Range(1, 1'000'000));
  add("spread", "One rx core and 1, 2, 4, 8 workers", run_spread)
      ->add_option("--workers", options.workers, "Numbers of workers, comma-separated")
      ->delimiter(',')
      ->check(CLI::Range(1, 63))
      ->type_name("COUNTS");
  add("scaling", "Run-to-completion with 2 to 131,072 bindings, 1 to 1,000 addresses, 1 to 64 services", run_scaling);
}

}  // namespace portier::bench
