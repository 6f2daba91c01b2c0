/// `portier run`: the router with the built-in handlers, and with the built-in source where a device asks for one.
#include <memory>

#include "commands.hpp"
#include "control/run_loop.hpp"
#include "default_config.hpp"
#include "feeder.hpp"
#include "handlers/registry.hpp"

namespace portier::app {

namespace {

static_assert(exit_ok == control::run_ok && exit_failed == control::run_failed &&
              exit_bad_input == control::run_bad_config);

class FeederSource final : public control::Source {
 public:
  explicit FeederSource(const control::FarEnd& to) : feeder_(to.settings, to.ring, to.device_mac, to.queues) {}
  void start() override { feeder_.start(); }
  void stop() override { feeder_.stop(); }

 private:
  Feeder feeder_;
};

}  // namespace

int cmd_run(const RunOptions& options) {
  control::RunOptions run;
  run.config = {options.file, default_config, default_config_name};
  run.seconds = options.seconds;
  run.json = options.json;
  run.eal_args = options.eal_args;
  return control::run_router(run, handlers::Registry::with_builtins(),
                             [](const control::FarEnd& to) { return std::make_unique<FeederSource>(to); });
}

}  // namespace portier::app
