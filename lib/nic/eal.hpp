/// DPDK's environment, started once per process and cleaned up with it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portier::nic {

struct EalOptions {
  /// CPUs of each lcore: lcore 0 is the caller's (control), lcores 1..n run the data path. Inner lists: CPU numbers
  /// that the lcore may use. Empty: one lcore, unpinned.
  std::vector<std::vector<unsigned>> lcore_cpus;
  unsigned memory_mb = 512;
  bool hugepages = false;
  std::vector<std::string> pci_devices;  ///< the only PCI devices that are probed
  std::vector<std::string> extra;        ///< passed on as they are, after ours
};

class Eal {
 public:
  /// Throws `Failure`. DPDK's own messages are kept aside; the last error is part of the sentence.
  explicit Eal(const EalOptions& options);
  ~Eal();
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

  /// Runs `job(argument)` on data path lcore `index` (1..n) until it returns; `wait` joins it.
  void launch(unsigned index, int (*job)(void*), void* argument);
  void wait(unsigned index);
};

/// The first message that DPDK wrote at level "error" or worse since the last call; empty when there was none.
std::string first_dpdk_error();

/// Removes what DPDK keeps in the file system for this process, and its parent folder unless others use it. Done by
/// ~Eal; to be called before an exit that does not get there.
void remove_runtime_directory();

double tsc_hz();
std::uint64_t tsc_now();
std::string dpdk_version();

}  // namespace portier::nic
