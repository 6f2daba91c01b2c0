/// Settings and workers without opening anything.
#include "offline.hpp"

#include <set>

#include "control/checks.hpp"
#include "control/core_plan.hpp"
#include "service_report.hpp"

namespace portier::app {

std::optional<Offline> prepare_offline(const std::string& file) {
  Offline offline;
  if (!file.empty()) {
    // Without CPUs: the file may be meant for a larger machine.
    auto loaded = control::load_checked(file, {control::built_in_handlers(), {}});
    print_findings(loaded);
    if (!loaded.settings) return std::nullopt;
    offline.settings = std::move(*loaded.settings);
  }
  const auto& router = offline.settings.router;
  offline.workers = router.worker_cores;
  if (offline.workers.empty() && router.mode == control::Mode::run_to_completion) offline.workers = router.rx_cores;
  if (offline.workers.empty()) {
    control::Faults ignored(file);
    offline.workers = control::plan_cores(router, control::available_cpus(), ignored).delivering_cpus();
  }
  // A file for a larger machine may name workers that this one could not plan.
  if (router.worker_cores.empty() && router.rx_cores.empty()) {
    std::set<unsigned> all(offline.workers.begin(), offline.workers.end());
    for (const auto& service : offline.settings.services) all.insert(service.workers.begin(), service.workers.end());
    offline.workers.assign(all.begin(), all.end());
  }
  if (offline.workers.empty()) offline.workers = {0};
  return offline;
}

std::unique_ptr<nic::Eal> start_offline_eal(const control::Settings& settings) {
  nic::EalOptions options;
  options.memory_mb = settings.router.memory_mb;
  return std::make_unique<nic::Eal>(options);
}

}  // namespace portier::app
