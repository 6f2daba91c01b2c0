/// DPDK's own test program as a process beside us, on the same capture and the same core, driven by its prompt.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "contenders.hpp"

namespace portier::bench {

/// The program: `wanted`, or dpdk-testpmd of the search path; empty where there is none.
std::string find_testpmd(const std::string& wanted);

/// One process, for all its forwarding modes in turn. It sleeps while it is not asked to forward.
class Testpmd {
 public:
  /// `capture`: the file that its net_pcap loops; the pool is as large as ours. Throws `nic::Failure`.
  Testpmd(const std::string& program, const std::string& capture, std::size_t frames, const Arena& arena,
          const Options& options);
  ~Testpmd();
  Testpmd(const Testpmd&) = delete;
  Testpmd& operator=(const Testpmd&) = delete;

  void start(const std::string& mode);
  void stop();
  /// Packets received since the process was started.
  std::uint64_t received();

 private:
  std::string ask(const std::string& command);
  std::string read_to_prompt(double seconds);

  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
};

/// `mode`: rxonly, macswap or 5tswap. `process` is shared by the modes and made when the first of them runs.
std::unique_ptr<Contender> make_testpmd(std::shared_ptr<Testpmd> process, const std::string& mode);

}  // namespace portier::bench
