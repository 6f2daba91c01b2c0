/// Chooses CPUs and starts DPDK.
#include "bench_session.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace portier::bench {

BenchSession::BenchSession(const Options& options, unsigned workers, unsigned memory_mb) : machine_(look_at_machine()) {
  const auto cpus = choose_cpus(options, workers);
  nic::EalOptions eal;
  eal.lcore_cpus.push_back(machine_.cpus);
  for (const auto cpu : cpus) eal.lcore_cpus.push_back({cpu});
  eal.memory_mb = memory_mb;
  eal.hugepages = options.hugepages;
  eal_ = std::make_unique<nic::Eal>(eal);
  arena_ = std::make_unique<Arena>(Arena{*eal_, cpus});
}

/// The rx core on the last CPU, workers from the first on: interrupts tend to land on the first.
std::vector<unsigned> BenchSession::choose_cpus(const Options& options, unsigned workers) {
  auto cpus = options.cpus;
  for (const auto cpu : cpus) {
    if (std::ranges::find(machine_.cpus, cpu) != machine_.cpus.end()) continue;
    throw std::invalid_argument(fmt::format("--cpus: CPU {} does not exist or is not allowed here; there are: {}", cpu,
                                            fmt::join(machine_.cpus, ", ")));
  }
  if (cpus.size() > 1 && std::count(cpus.begin(), cpus.end(), cpus.front()) > 1) {
    throw std::invalid_argument(
        fmt::format("--cpus: CPU {} is the rx core's and cannot be a worker's too", cpus.front()));
  }
  if (cpus.empty()) {
    cpus.push_back(machine_.cpus.back());
    cpus.insert(cpus.end(), machine_.cpus.begin(), machine_.cpus.end() - 1);
  }
  if (cpus.size() == 1) {
    note("One CPU: only what needs one core is measured, and this program's own control thread shares that core.");
    return cpus;
  }
  const auto own = cpus.size() - 1;
  for (std::size_t k = own; k < workers; ++k) cpus.push_back(cpus[1 + k % own]);
  cpus.resize(1 + workers);
  const std::set<unsigned> distinct(cpus.begin(), cpus.end());
  if (distinct.size() < cpus.size()) {
    note(
        fmt::format("{} cores on {} CPUs ({}): those that share one wait for each other, so their figures say what "
                    "the scheduler does.",
                    cpus.size(), distinct.size(), fmt::join(cpus, ", ")));
  }
  if (distinct.size() == machine_.cpus.size()) {
    note("Every CPU is used: the control thread and everything else on this machine share them.");
  }
  return cpus;
}

}  // namespace portier::bench
