/// XDP programs that are attached to interfaces, and the processes behind them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portier::nic {

struct ProcessName {
  int pid = 0;
  std::string command;  ///< as in /proc/PID/comm
};

struct AttachedProgram {
  std::string interface;
  std::uint32_t id = 0;
  std::string name;
  /// An AF_XDP program as portier and libxdp load it. Without a process behind it nothing reads what it redirects.
  bool is_for_sockets = false;
  std::vector<ProcessName> holders;  ///< processes with the program or one of its maps open

  bool is_left_over() const { return is_for_sockets && holders.empty(); }
};

/// The program of one interface, or of all; of this network namespace. Throws `Failure` where the kernel refuses to
/// tell, as it does without CAP_SYS_ADMIN.
std::vector<AttachedProgram> attached_programs(const std::string& interface);
std::vector<AttachedProgram> attached_programs();

/// Detaches it if it is still that one. Throws `Failure`.
void detach(const AttachedProgram& program);

}  // namespace portier::nic
