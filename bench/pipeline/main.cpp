/// portier-bench: how many packets a second, beside the floor of the machine and its peers, in one interleaved run.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <stdexcept>

#include "lineup.hpp"
#include "modes.hpp"
#include "nic/failure.hpp"

namespace {

using namespace portier;
using namespace portier::bench;

constexpr int exit_failed = 1;
constexpr int exit_bad_input = 2;

constexpr auto footer =
    R"(Exit codes: 0 ok, 1 the measurement failed or its account does not add up, 2 usage or bad input, 130 interrupted.
First steps:
  portier-bench                                  everything that this machine can measure, a minute
  portier-bench --contenders floor,r2c           one core only
  portier-bench --mbufs 65536 --contenders floor,r2c   beside: packets that are in no near cache
  portier-bench --traffic w4,imix --json out.json
Cycles are ticks of the time stamp counter. Read bench/pipeline/README.md before you quote a figure.
)";

std::string contender_list() {
  std::string text = "Who competes, comma-separated (default: all that can run here):";
  for (const auto& known : known_contenders()) text += fmt::format("\n{:<16} {}", known.name, known.what);
  return text;
}

std::string power_of_two(const std::string& text) {
  const auto value = std::strtoull(text.c_str(), nullptr, 10);
  return std::has_single_bit(value) && value >= 256 && value <= 65536
             ? std::string()
             : "write a power of two from 256 to 65536 instead of " + text;
}

std::string known_contender(const std::string& text) {
  const auto& known = known_contenders();
  if (std::ranges::find(known, text, &Known::name) != known.end()) return {};
  return "no contender '" + text + "'; --help lists them";
}

void add_options(CLI::App& app, Options& options) {
  app.add_option("--contenders", options.contenders, contender_list())
      ->delimiter(',')
      ->check(known_contender)
      ->type_name("NAMES");
  app.add_option("--traffic", options.traffic, "Built-in traffic, comma-separated: w4, w6, imix, vlan (default w4)")
      ->delimiter(',')
      ->check(CLI::IsMember({"w4", "w6", "imix", "vlan"}))
      ->type_name("KINDS");
  app.add_option("--source", options.source,
                 "builtin; a capture to loop; a DPDK device (net_...); a PCI address; interface:NAME")
      ->type_name("SOURCE");
  app.add_option("--driver", options.driver, "For interface:NAME: af_packet (default) or af_xdp")
      ->check(CLI::IsMember({"af_packet", "af_xdp"}))
      ->type_name("NAME");
  app.add_option("--mbufs", options.cold_mbufs,
                 "Beside, floor and run-to-completion on cold working sets of so many buffers, e.g. 4096,65536")
      ->delimiter(',')
      ->check(CLI::Range(4096, 1 << 20))
      ->type_name("COUNTS");
  app.add_option("--pool-mbufs", options.pool_mbufs, "Buffers of the hot pool, beside the capture's (default 16383)")
      ->check(CLI::Range(1023, 1 << 20));
  app.add_option("--services", options.services, "Services, each with a UDP and a TCP port (default 1000)")
      ->check(CLI::Range(1, 4094));
  app.add_option("--burst", options.burst, "Packets of a burst (default 32)")->check(CLI::Range(1, 64));
  app.add_option("--ring-slots", options.ring_slots,
                 "Slots of the pipeline's ring that may be full at once (default 4096)")
      ->check(power_of_two);
  app.add_option("--reads", options.reads,
                 "What pipeline and mbuf-ring read of a packet: none, first (line), all (default)")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Reads>{{"none", Reads::none}, {"first", Reads::first}, {"all", Reads::all}},
          CLI::ignore_case))
      ->type_name("WHAT");
  app.add_option("--rounds", options.rounds, "Rounds (default 5)")->check(CLI::Range(1, 1000));
  app.add_option("--windows", options.windows, "Windows a round (default 8)")->check(CLI::Range(1, 1000));
  app.add_option("--window-ms", options.window_ms, "Milliseconds of a window (default 50)")
      ->check(CLI::Range(1, 60'000));
  app.add_option("--cpus", options.cpus, "CPUs of the rx core and of the workers (default: last and first)")
      ->delimiter(',')
      ->type_name("CPUS");
  app.add_flag("--hugepages", options.hugepages, "Use hugepages, for portier and testpmd");
  app.add_option("--testpmd", options.testpmd, "dpdk-testpmd (default: that of the search path)")->type_name("PROGRAM");
  app.add_option("--keep-capture", options.keep_capture, "Directory in which the built-in captures stay")
      ->check(CLI::ExistingDirectory)
      ->type_name("DIR");
  app.add_flag("--quick", options.quick, "A smoke run of a few seconds, whose figures mean little");
  app.add_option("--json", options.json, "Write everything that was measured as JSON; - is standard output")
      ->type_name("FILE");
}

void shorten(Options& options) {
  options.rounds = 1;
  options.windows = 2;
  options.window_ms = 20;
  options.warm_up_ms = 5;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "portier-bench measures portier beside the floor of this machine and its peers, interleaved in one run."};
  app.footer(footer);
  app.set_version_flag("--version", std::string("portier-bench ") + PORTIER_VERSION);
  add_options(app, options);
  Mode mode = run_contest;
  add_modes(app, mode, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_bad_input;
  }
  if (options.quick) shorten(options);
  try {
    return mode(options);
  } catch (const std::invalid_argument& fault) {
    fmt::print(stderr, "portier-bench: {}\n", fault.what());
    return exit_bad_input;
  } catch (const std::exception& failure) {
    fmt::print(stderr, "portier-bench: {}\n", failure.what());
    return exit_failed;
  }
}
