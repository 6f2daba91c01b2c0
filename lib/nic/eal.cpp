/// Builds EAL's arguments for the two ways of having memory, and turns its refusals into sentences.
#include "nic/eal.hpp"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_version.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include "nic/failure.hpp"
#include "nic/output_aside.hpp"

namespace portier::nic {

namespace {

/// DPDK logs into this stream instead of the terminal.
struct LogCapture {
  char* text = nullptr;
  std::size_t size = 0;
  std::size_t read = 0;  ///< what `first_dpdk_error` has seen
  std::FILE* stream = nullptr;
};
LogCapture dpdk_log;

void capture_log() {
  dpdk_log.stream = open_memstream(&dpdk_log.text, &dpdk_log.size);
  if (dpdk_log.stream != nullptr) rte_openlog_stream(dpdk_log.stream);
}

std::string lcore_argument(const std::vector<std::vector<unsigned>>& lcores) {
  std::string text;
  for (std::size_t lcore = 0; lcore < lcores.size(); ++lcore) {
    text += (lcore == 0 ? "" : ",") + std::to_string(lcore) + "@(";
    for (std::size_t i = 0; i < lcores[lcore].size(); ++i) {
      text += (i == 0 ? "" : ",") + std::to_string(lcores[lcore][i]);
    }
    text += ")";
  }
  return text;
}

std::vector<std::string> arguments(const EalOptions& options) {
  std::vector<std::string> args{"portier", "--no-telemetry", "--file-prefix=portier" + std::to_string(getpid())};
  args.push_back("-m");
  args.push_back(std::to_string(options.memory_mb));
  if (options.hugepages) {
    args.push_back("--in-memory");
  } else {
    args.push_back("--no-huge");  // together with --in-memory it is refused by 22.11
    args.push_back("--no-shconf");
  }
  args.push_back("--iova-mode=va");
  if (options.pci_devices.empty()) args.push_back("--no-pci");
  for (const auto& pci : options.pci_devices) {
    args.push_back("-a");
    args.push_back(pci);
  }
  if (!options.lcore_cpus.empty()) {
    args.push_back("--lcores");
    args.push_back(lcore_argument(options.lcore_cpus));
  }
  args.insert(args.end(), options.extra.begin(), options.extra.end());
  return args;
}

std::string advice(const EalOptions& options) {
  if (options.hugepages) {
    return "router.hugepages = true needs free hugepages: reserve some (echo 256 > "
           "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages, as root) or set router.hugepages = false";
  }
  return "check the EAL arguments behind -- and that router.memory_mb (" + std::to_string(options.memory_mb) +
         " MiB) is free on this machine";
}

}  // namespace

void remove_runtime_directory() {
  const std::filesystem::path directory(rte_eal_get_runtime_dir());
  std::error_code ignored;
  if (!directory.has_filename()) return;
  std::filesystem::remove_all(directory, ignored);
  std::filesystem::remove(directory.parent_path(), ignored);
}

std::string first_dpdk_error() {
  if (dpdk_log.stream == nullptr) return {};
  std::fflush(dpdk_log.stream);
  std::string_view text{dpdk_log.text, dpdk_log.size};
  text.remove_prefix(std::min(dpdk_log.read, text.size()));
  dpdk_log.read = dpdk_log.size;
  return std::string(text.substr(0, text.find('\n')));
}

namespace {

/// A portier that was killed has left its runtime directory behind; its name says whose it was.
void remove_stale_directories() {
  const std::filesystem::path own(rte_eal_get_runtime_dir());
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(own.parent_path(), ignored)) {
    const auto name = entry.path().filename().string();
    int pid = 0;
    if (std::sscanf(name.c_str(), "portier%d", &pid) != 1 || pid <= 0) continue;
    if (kill(pid, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Eal::Eal(const EalOptions& options) {
  // Without it DPDK would put its runtime directory into the root directory for a user without a session.
  if (geteuid() != 0) setenv("XDG_RUNTIME_DIR", "/tmp", /*overwrite=*/0);
  capture_log();
  rte_log_set_global_level(RTE_LOG_ERR);
  auto args = arguments(options);
  args.push_back("--log-level=*:error");
  std::vector<char*> argv;
  for (auto& arg : args) argv.push_back(arg.data());
  int error = 0;
  {
    const OutputAside no_notices(STDERR_FILENO);  // EAL says the same thing twice, and prints its usage
    const OutputAside no_usage(STDOUT_FILENO);
    error = rte_eal_init(static_cast<int>(argv.size()), argv.data());
  }
  if (error < 0) {
    const auto detail = first_dpdk_error();
    remove_runtime_directory();
    throw Failure("DPDK did not start" + (detail.empty() ? std::string() : " (" + detail + ")") + ": " +
                  advice(options));
  }
  remove_stale_directories();
}

Eal::~Eal() {
  rte_eal_cleanup();
  remove_runtime_directory();
  if (dpdk_log.stream != nullptr) {
    rte_openlog_stream(nullptr);
    std::fclose(dpdk_log.stream);
    std::free(dpdk_log.text);
    dpdk_log = {};
  }
}

void Eal::launch(unsigned index, int (*job)(void*), void* argument) {
  if (rte_eal_remote_launch(job, argument, index) != 0) {
    throw Failure("data path core " + std::to_string(index) + " is not available: name fewer cores");
  }
}

void Eal::wait(unsigned index) { rte_eal_wait_lcore(index); }

double tsc_hz() { return static_cast<double>(rte_get_tsc_hz()); }
std::uint64_t tsc_now() { return rte_rdtsc(); }
std::string dpdk_version() { return rte_version(); }

}  // namespace portier::nic
