/// portier services: what is bound to which service, and where it is delivered.
#include <cstdio>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "control/checks.hpp"
#include "service_report.hpp"

namespace portier::app {

int cmd_services(const ServicesOptions& options) {
  if (options.file.empty()) {
    fmt::print(stderr, "portier services: name a configuration file with -c FILE\n");
    return exit_bad_input;
  }
  // Without CPUs: the list is the same on a machine that has others.
  const auto loaded = control::load_checked(options.file, {control::built_in_handlers(), {}});
  if (options.json) {
    nlohmann::json out = {
        {"file", options.file}, {"ok", loaded.settings.has_value()}, {"faults", faults_json(loaded.faults)}};
    if (loaded.settings) out["services"] = services_json(loaded.settings->services, {});
    fmt::print("{}\n", out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
  } else {
    print_findings(loaded);
    if (loaded.settings) fmt::print("{}", services_table(loaded.settings->services, {}));
  }
  return loaded.settings ? exit_ok : exit_bad_input;
}

}  // namespace portier::app
