/// What every mode starts from: the machine, its cores, DPDK, and what must be said about the result.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lcore_job.hpp"
#include "machine.hpp"
#include "options.hpp"

namespace portier::bench {

class BenchSession {
 public:
  /// `workers`: lcores wanted beside the rx core; where CPUs are too few, several share one. Of one CPU in all there is
  /// no worker. Throws `std::invalid_argument` for CPUs that do not exist, `nic::Failure` when DPDK does not start.
  BenchSession(const Options& options, unsigned workers, unsigned memory_mb);

  const Machine& machine() const { return machine_; }
  Arena& arena() { return *arena_; }
  const std::vector<std::string>& notes() const { return notes_; }
  void note(std::string sentence) { notes_.push_back(std::move(sentence)); }

 private:
  std::vector<unsigned> choose_cpus(const Options& options, unsigned workers);

  Machine machine_;
  std::vector<std::string> notes_;
  std::unique_ptr<nic::Eal> eal_;
  std::unique_ptr<Arena> arena_;
};

}  // namespace portier::bench
