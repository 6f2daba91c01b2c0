/// The subcommands of portier: options in, exit code out.
#pragma once

#include <string>
#include <vector>

namespace portier::app {

/// Exit codes of every subcommand.
inline constexpr int exit_ok = 0;
inline constexpr int exit_failed = 1;     ///< the operation failed
inline constexpr int exit_bad_input = 2;  ///< usage or configuration fault

struct RunOptions {
  std::string file;    ///< empty: the built-in default
  double seconds = 0;  ///< 0: until a signal
  bool json = false;
  std::vector<std::string> eal_args;
};
/// Runs the router: its table every second, its ledger at the end.
int cmd_run(const RunOptions& options);

struct ReplayOptions {
  std::string file;  ///< empty: everything is closed
  std::string capture;
  bool json = false;
};
/// Sends a capture through stages 2-5 and says what becomes of each frame.
int cmd_replay(const ReplayOptions& options);

struct ExplainOptions {
  std::string file;
  std::string transport;  ///< "udp"
  std::string source;     ///< "198.51.100.7:4242", "[2001:db8::7]:4242"
  std::string destination;
  bool json = false;
};
/// Says which binding takes a packet, which ones it beat and why, its worker and its delivery.
int cmd_explain(const ExplainOptions& options);

struct CheckOptions {
  std::string file;        ///< "-": standard input
  bool reference = false;  ///< print the reference of all settings instead
  bool json = false;
};
/// Says everything that is wrong with a configuration, or what it would run.
int cmd_check(const CheckOptions& options);

struct PortsOptions {
  std::string what;  ///< a port, a service name, or empty: the overview
  bool json = false;
};
/// Says what a port is called and which category it is in.
int cmd_ports(const PortsOptions& options);

struct ServicesOptions {
  std::string file;
  bool json = false;
};
/// Lists the services of a configuration: bindings, delivery chains, workers.
int cmd_services(const ServicesOptions& options);

struct DoctorOptions {
  bool fix = false;  ///< clear away what is found
  bool json = false;
};
/// Looks for what killed portiers have left behind. exit_ok: nothing, or nothing any more; exit_failed: something is
/// left, or could not be looked at.
int cmd_doctor(const DoctorOptions& options);

}  // namespace portier::app
