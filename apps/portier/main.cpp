/// portier: one program, its subcommands and their help.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>

#include "commands.hpp"

namespace {

using namespace portier::app;

constexpr auto footer = R"(Exit codes: 0 ok, 1 the operation failed, 2 usage or configuration fault.
First steps:
  portier run --seconds 5             the built-in traffic source, routed to six services
  portier check --reference           every setting there is
  portier run -c portier.toml         a configuration of yours
  portier explain -c portier.toml udp 198.51.100.7:4242 192.0.2.1:53
)";

/// CLI11's own ranges let NaN pass and print their bounds with hundreds of digits.
std::string seconds_check(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  const bool is_sound = end != text.c_str() && *end == '\0' && seconds >= 0.001 && seconds <= 1e8;
  return is_sound ? std::string() : "write a number of seconds from 0.001 to 100000000";
}

/// CLI11 says that a subcommand is missing where one was written that does not exist.
int refuse(const CLI::App& app, const CLI::ParseError& error, const std::string& first_word) {
  std::string known;
  bool is_known = first_word.empty() || first_word.front() == '-';
  for (const auto* subcommand : app.get_subcommands([](const CLI::App*) { return true; })) {
    known += " " + subcommand->get_name();
    is_known = is_known || subcommand->get_name() == first_word;
  }
  if (is_known) return app.exit(error) == 0 ? exit_ok : exit_bad_input;
  std::fprintf(stderr, "'%s' is no subcommand; there are:%s. Run with --help for more information.\n",
               first_word.c_str(), known.c_str());
  return exit_bad_input;
}

int run(int argc, char** argv) {
  CLI::App app{"portier routes packets by destination port: from NIC queues to the services that own the ports."};
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("portier ") + PORTIER_VERSION);
  int code = exit_ok;

  RunOptions run_options;
  auto* run_command = app.add_subcommand("run", "Run the router (without -c: a built-in example, no NIC needed)");
  run_command->add_option("-c,--config", run_options.file, "Configuration file (TOML); SIGHUP reads it again")
      ->type_name("FILE");
  run_command->add_option("--seconds", run_options.seconds, "End by itself after this time")
      ->check(seconds_check)
      ->type_name("N");
  run_command->add_flag("--json", run_options.json, "JSON lines instead of tables; the last one is the ledger");
  run_command->add_option("eal", run_options.eal_args, "Behind --: arguments for DPDK's EAL")->type_name("-- EAL ARGS");
  run_command->callback([&] { code = cmd_run(run_options); });

  ReplayOptions replay;
  auto* replay_command = app.add_subcommand("replay", "Say what becomes of each frame of a capture, offline");
  replay_command->add_option("-c,--config", replay.file, "Configuration file; without it every port is closed")
      ->type_name("FILE");
  replay_command->add_option("capture", replay.capture, "pcap or pcapng file, Ethernet")
      ->required()
      ->type_name("CAPTURE");
  replay_command->add_flag("--json", replay.json, "One JSON object per frame");
  replay_command->callback([&] { code = cmd_replay(replay); });

  ExplainOptions explain;
  auto* explain_command = app.add_subcommand("explain", "Say which binding takes a packet, and which ones it beat");
  explain_command->add_option("-c,--config", explain.file, "Configuration file")->required()->type_name("FILE");
  explain_command->add_option("transport", explain.transport, "tcp, udp, udplite, sctp or dccp")->required();
  explain_command->add_option("source", explain.source, "Source, e.g. 198.51.100.7:4242 or [2001:db8::7]:4242")
      ->required();
  explain_command->add_option("destination", explain.destination, "Destination, e.g. 192.0.2.1:53")->required();
  explain_command->add_flag("--json", explain.json, "One JSON object");
  explain_command->callback([&] { code = cmd_explain(explain); });

  CheckOptions check;
  auto* check_command = app.add_subcommand("check", "Check a configuration: every fault in one pass");
  check_command->add_option("file", check.file, "Configuration file (TOML), - for standard input")->type_name("FILE");
  check_command->add_flag("--reference", check.reference, "Print the reference of all settings instead");
  check_command->add_flag("--json", check.json, "Faults as JSON");
  check_command->callback([&] { code = cmd_check(check); });

  PortsOptions ports;
  auto* ports_command = app.add_subcommand("ports", "Say what a port is called and which category it is in");
  ports_command->add_option("what", ports.what, "A port number or a service name, e.g. https")
      ->type_name("NAME|NUMBER");
  ports_command->add_flag("--json", ports.json, "JSON");
  ports_command->callback([&] { code = cmd_ports(ports); });

  ServicesOptions services;
  auto* services_command = app.add_subcommand("services", "List the services of a configuration");
  services_command->add_option("-c,--config", services.file, "Configuration file")->required()->type_name("FILE");
  services_command->add_flag("--json", services.json, "JSON");
  services_command->callback([&] { code = cmd_services(services); });

  DoctorOptions doctor;
  auto* doctor_command = app.add_subcommand("doctor", "Look for what portiers that were killed have left behind");
  doctor_command->add_flag("--fix", doctor.fix, "Clear it away");
  doctor_command->add_flag("--json", doctor.json, "One JSON object");
  doctor_command->footer("Exit codes: 0 nothing is left to do, 1 something is, or could not be looked at, 2 usage.");
  doctor_command->callback([&] { code = cmd_doctor(doctor); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return refuse(app, error, argc > 1 ? argv[1] : "");
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "portier: %s\n", failure.what());
    return exit_failed;
  }
}
