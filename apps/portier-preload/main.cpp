/// portier-preload: starts an ordinary program with its UDP sockets on a mailbox.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

#include "client/preload/settings.hpp"
#include "elf_check.hpp"

namespace {

namespace fs = std::filesystem;

constexpr auto footer =
    R"(The program's sockets stay real ones: what the mailbox does not bring, the kernel still may. Everything else
(TCP, other ports, files) goes to the kernel untouched. The mailbox is asked for when the program first waits for
packets, by the user that it runs as then; a router may come, go and come back.

Exit codes: the program's own; 125 usage, or the library is missing; 126 the program cannot be started, or would
ignore LD_PRELOAD; 127 there is no such program.
Examples:
  portier-preload --mailbox dns -- nsd -d -c nsd.conf
  portier-preload --mailbox dns --ports 53 --verbose -- unbound -d)";

constexpr int exit_usage = 125;
constexpr int exit_not_started = 126;
constexpr int exit_not_found = 127;

int complain(int code, const std::string& sentence) {
  std::fprintf(stderr, "portier-preload: %s\n", sentence.c_str());
  return code;
}

std::string ports_check(const std::string& text) {
  if (portier::preload::parse_ports(text)) return {};
  return "write ports and ranges from 1 to 65535 with commas between, such as 53,5300-5310";
}

std::string name_check(const std::string& text) {
  const bool is_sound = !text.empty() && text.size() < 64;
  return is_sound ? std::string() : "the name of a mailbox has 1 to 63 characters";
}

/// Beside this program: as installed, or in the folder of a build.
fs::path find_library() {
  if (const char* said = std::getenv("PORTIER_PRELOAD_LIBRARY"); said != nullptr && *said != '\0') return said;
  std::error_code error;
  const auto folder = fs::read_symlink("/proc/self/exe", error).parent_path();
  const std::vector<fs::path> places = {
      folder.parent_path() / PORTIER_PRELOAD_FOLDER / "libportier-preload.so",
      folder.parent_path().parent_path() / "lib/client/preload/libportier-preload.so",
      fs::path(PORTIER_PRELOAD_PREFIX) / PORTIER_PRELOAD_FOLDER / "libportier-preload.so",
  };
  for (const auto& place : places) {
    if (fs::exists(place, error)) return place;
  }
  return {};
}

/// As execvp would find it; empty: there is none.
std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos) return access(name.c_str(), F_OK) == 0 ? name : "";
  const char* path = std::getenv("PATH");
  std::string rest = path == nullptr ? "/usr/bin:/bin" : path;
  while (true) {
    const auto end = rest.find(':');
    const auto folder = rest.substr(0, end);
    auto candidate = (folder.empty() ? "." : folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0 && !fs::is_directory(candidate)) return candidate;
    if (end == std::string::npos) return {};
    rest.erase(0, end + 1);
  }
}

void set(const char* name, const std::string& value) {
  if (!value.empty()) setenv(name, value.c_str(), 1);
}

int run(int argc, char** argv) {
  CLI::App app{"portier-preload starts an ordinary program with its UDP sockets on a mailbox of a portier router."};
  app.footer(footer);
  app.set_version_flag("--version", std::string("portier-preload ") + PORTIER_VERSION);
  std::string mailbox;
  std::string socket;
  std::string ports;
  std::size_t mtu = 1500;
  bool is_verbose = false;
  std::vector<std::string> command;
  app.add_option("--mailbox", mailbox, "The mailbox, as the router's configuration names it")
      ->required()
      ->check(name_check)
      ->type_name("NAME");
  app.add_option("--socket", socket, "The router's socket (default: $PORTIER_MAILBOX_SOCKET, or the usual place)")
      ->type_name("PATH");
  app.add_option("--ports", ports,
                 "Ports whose sockets go on it (default: every port that the program binds by number)")
      ->check(ports_check)
      ->type_name("PORTS");
  app.add_option("--mtu", mtu, "Longest IP packet to send; longer datagrams fail with EMSGSIZE")
      ->check(CLI::Range(portier::preload::least_mtu, portier::preload::most_mtu))
      ->capture_default_str()
      ->type_name("BYTES");
  app.add_flag("--verbose", is_verbose, "Each process says at its end, on stderr, what became of its packets");
  app.add_option("command", command, "Behind --: the program and its arguments")->required()->type_name("PROGRAM ARGS");
  app.positionals_at_end();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_usage;
  }

  const auto library = find_library();
  std::error_code ignored;
  if (library.empty() || !fs::exists(library, ignored)) {
    return complain(exit_usage, "libportier-preload.so is not where it belongs; set PORTIER_PRELOAD_LIBRARY to it");
  }
  const auto program = find_program(command.front());
  if (program.empty()) return complain(exit_not_found, "there is no program '" + command.front() + "'");
  const auto why = portier::app::why_not_preloadable(program);
  if (!why.empty()) return complain(exit_not_started, program + " cannot be on a mailbox: " + why);

  const char* before = std::getenv("LD_PRELOAD");
  const auto others = before == nullptr || *before == '\0' ? std::string() : ":" + std::string(before);
  set("LD_PRELOAD", fs::absolute(library).string() + others);
  set("PORTIER_PRELOAD_MAILBOX", mailbox);
  set("PORTIER_MAILBOX_SOCKET", socket.empty() ? "" : fs::absolute(socket).string());
  set("PORTIER_PRELOAD_PORTS", ports);
  set("PORTIER_PRELOAD_MTU", std::to_string(mtu));
  set("PORTIER_PRELOAD_VERBOSE", is_verbose ? "1" : "");
  std::vector<char*> arguments;
  for (auto& argument : command) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  execv(program.c_str(), arguments.data());
  return complain(exit_not_started, program + " cannot be started: " + std::strerror(errno));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& fault) {
    return complain(exit_usage, fault.what());
  }
}
