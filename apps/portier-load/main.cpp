/// portier-load: the subcommands, their options and their help.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <string>

#include "commands.hpp"
#include "outputs.hpp"

namespace {

using namespace portier::load;

constexpr auto footer = R"(Exit codes: 0 ok, 1 the run failed, 2 usage.
First steps:
  portier-load run --duration 3 --rate 100k                      no device: the tester alone, looped back
  portier-load run --interface veth0 --rate 10k --services udp/53,tcp/443
  portier-load throughput --pci 0000:3b:00.0 --rx-pci 0000:3b:00.1 --dst-mac 02:00:00:00:00:02
)";

void add_devices(CLI::App& app, LoadOptions& o) {
  const auto* group = "Devices";
  app.add_option("--vdev", o.device.vdev, "DPDK virtual device, such as net_null0 or net_pcap0,tx_pcap=out.pcap")
      ->group(group);
  app.add_option("--interface", o.device.interface, "Interface of the kernel, driven by --driver")->group(group);
  app.add_option("--driver", o.device.driver, "af_packet (default) or af_xdp")->group(group);
  app.add_option("--pci", o.device.pci, "NIC with a DPDK driver, such as 0000:3b:00.0")->group(group);
  app.add_option("--rx-vdev", o.rx_device.vdev, "Receive here, where traffic does not come back to where it left")
      ->group(group);
  app.add_option("--rx-interface", o.rx_device.interface, "Likewise")->group(group);
  app.add_option("--rx-driver", o.rx_device.driver, "Of --rx-interface")->group(group);
  app.add_option("--rx-pci", o.rx_device.pci, "Likewise")->group(group);
  app.add_flag("--send-only", o.send_only, "Expect nothing back: no loss, no latency")->group(group);
  app.add_option("--cores", o.cores, "1: one core sends and receives; 2: one each (default: by what there is)")
      ->group(group);
  app.add_option("--memory", o.memory_mb, "MiB for DPDK")->capture_default_str()->group(group);
  app.add_flag("--hugepages", o.hugepages, "Packet memory in hugepages")->group(group);
}

void add_traffic(CLI::App& app, LoadOptions& o) {
  const auto* group = "Traffic";
  app.add_option("--services", o.services, "Where to: udp/53,tcp/https,udp/192.0.2.1:5000-5099; weights as udp/53=3")
      ->capture_default_str()
      ->group(group);
  app.add_option("--popularity", o.popularity, "Of the services: list (their weights), uniform, zipf, zipf:1.2")
      ->capture_default_str()
      ->group(group);
  app.add_option("--size", o.size, "Frame bytes without FCS: 60, imix, 60:7,590:4,1514:1, 60-1514")
      ->capture_default_str()
      ->group(group);
  app.add_option("--ipv6", o.ipv6_share, "Share of IPv6 packets, 0 to 1")->capture_default_str()->group(group);
  app.add_option("--flows", o.flows, "Flows (source address and port) of each service")
      ->capture_default_str()
      ->group(group);
  app.add_option("--churn", o.churn_per_s, "New flows a second, which take the place of the oldest")
      ->capture_default_str()
      ->group(group);
  app.add_option("--src", o.sources, "Source address or prefix; once per family (default 198.18.0.1, 2001:2::1)")
      ->group(group);
  app.add_option("--dst", o.destinations, "Destination; once per family (default 198.19.0.1, 2001:2:0:1::1)")
      ->group(group);
  app.add_option("--src-ports", o.src_ports, "Range of source ports")->capture_default_str()->group(group);
  app.add_option("--src-mac", o.src_mac, "Default: the device's")->group(group);
  app.add_option("--dst-mac", o.dst_mac, "Default: what the kernel knows; on virtual devices 02:00:00:00:00:02")
      ->group(group);
  app.add_option("--vlan", o.vlan, "VLAN tag, 0 to 4095")->group(group);
  app.add_option("--seed", o.seed, "Of everything random")->capture_default_str()->group(group);
  app.add_flag("--syn-flood", o.syn_flood, "TCP SYN packets to --services; only to a device that is named")
      ->group(group);
  app.add_option("--scan-closed", o.scan_closed, "Sweep ports, such as udp/1-1023; only to a device that is named")
      ->group(group);
}

void add_pace(CLI::App& app, LoadOptions& o) {
  const auto* group = "Pace";
  app.add_option("--pattern", o.pattern, "constant, poisson, bursts or ramp")->capture_default_str()->group(group);
  app.add_option("--burst-size", o.burst_packets, "Packets of a burst, with --pattern bursts")
      ->capture_default_str()
      ->group(group);
  app.add_option("--burst-every", o.burst_every_s, "Seconds from burst to burst, instead of --rate")->group(group);
  app.add_option("--ramp-to", o.ramp_to, "Rate at the end, with --pattern ramp")->group(group);
  app.add_option("--device-burst", o.device_burst, "Packets handed to the device at a time, at most")
      ->capture_default_str()
      ->group(group);
  app.add_option("--drain", o.drain_s,
                 "Seconds to wait for packets that are still missing (default 0.5; 2 where RFC 2544 says so)")
      ->group(group);
  app.add_flag("--no-self-test", o.no_self_test, "Do not measure the tester's own error first")->group(group);
}

void add_pages(CLI::App& app, LoadOptions& o) {
  const auto* group = "Results";
  app.add_option("--csv", o.csv, "Write trials, and services beside it")->type_name("FILE")->group(group);
  app.add_option("--html", o.html, "Write a report with plots in one file")->type_name("FILE")->group(group);
}

void add_results(CLI::App& app, LoadOptions& o) {
  app.add_option("--json", o.json, "Write everything as JSON; - is standard output")
      ->type_name("FILE")
      ->group("Results");
  add_pages(app, o);
}

CLI::App* add_command(CLI::App& app, const char* name, const char* what, LoadOptions& o, bool takes_capture = false) {
  auto* command = app.add_subcommand(name, what);
  add_devices(*command, o);
  add_traffic(*command, o);
  add_pace(*command, o);
  add_results(*command, o);
  if (takes_capture) {
    command->add_option("capture", o.capture, "pcap or pcapng file, Ethernet")->required()->type_name("CAPTURE");
  }
  command->add_option("eal", o.eal_args, "Behind --: arguments for DPDK's EAL")->type_name("-- EAL ARGS");
  return command;
}

CLI::Option* add_rate(CLI::App& app, LoadOptions& o, const char* what) {
  return app.add_option("--rate", o.rate, what)->group("Pace");
}

void add_search(CLI::App& app, SearchOptions& s) {
  const auto* group = "Search";
  app.add_option("--max-rate", s.max_rate, "Where it starts (default: what the device takes, measured)")->group(group);
  app.add_option("--min-rate", s.min_rate, "Where it ends")->group(group);
  app.add_option("--trial", s.trial_s, "Seconds of a trial that counts (default: what the RFC asks for)")->group(group);
  app.add_option("--search-trial", s.search_trial_s, "Seconds of a trial that looks for the place")->group(group);
  app.add_option("--resolution", s.resolution, "How close, as a share")->capture_default_str()->group(group);
  app.add_option("--loss-repeats", s.loss_repeats, "Repeat a trial with loss so often")->group(group);
  app.add_option("--repetitions", s.repetitions, "Of a measurement (default: the procedure's own)")->group(group);
  app.add_option("--pdr-loss", s.pdr_loss, "What PDR allows")->capture_default_str()->group(group);
  app.add_option("--max-search", s.max_search_s, "Seconds after which ndr, pdr and mlr start no other trial")
      ->group(group);
}

int run(int argc, char** argv) {
  CLI::App app{"portier-load sends packets at exact times and says what became of each of them."};
  app.footer(footer);
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("portier-load ") + PORTIER_VERSION);
  int code = exit_ok;
  LoadOptions options;
  SearchOptions search;

  auto* run_command = add_command(app, "run", "One trial: a rate, a duration, what came back", options);
  auto* self_test = add_command(app, "self-test", "The tester alone, looped back: its own error", options);
  for (auto* command : {run_command, self_test}) {
    add_rate(*command, options, "Packets a second: 1000, 250k, 1.5M, or max (default 1000)");
  }
  run_command->add_option("--duration", options.duration_s, "Seconds of sending")->capture_default_str()->group("Pace");
  run_command->callback([&] { code = cmd_run(options); });
  self_test->callback([&] { code = cmd_self_test(options); });

  auto* replay = add_command(app, "replay", "Send a capture, with its timing or at a rate", options, true);
  auto* replay_rate = add_rate(*replay, options, "Packets a second, instead of the recorded timing");
  auto* speed = replay->add_option("--speed", options.speed, "Factor on the recorded pace")->group("Pace");
  replay->add_option("--loops", options.loops, "How often")->capture_default_str()->group("Pace");
  replay->callback([&] {
    options.has_rate = replay_rate->count() != 0;
    options.has_speed = speed->count() != 0;
    code = cmd_replay(options);
  });

  const std::pair<const char*, const char*> searches[] = {
      {"throughput", "The highest rate without loss (RFC 2544 26.1)"},
      {"latency", "Latency at --rate and at shares of it (RFC 2544 26.2)"},
      {"loss", "Loss at 100 %, 90 %, 80 % ... of the highest rate (RFC 2544 26.3)"},
      {"back-to-back", "The longest burst without loss (RFC 9004)"},
      {"ndr", "The no-drop rate (MLRsearch, RFC 9971)"},
      {"pdr", "The partial-drop rate (MLRsearch)"},
      {"mlr", "Both in one search (MLRsearch)"},
  };
  for (const auto& [name, what] : searches) {
    auto* command = add_command(app, name, what, options);
    add_search(*command, search);
    auto* rate = add_rate(*command, options, "For latency and back-to-back: the throughput that was found");
    command->callback([&, rate, procedure = std::string(name)] {
      options.has_rate = rate->count() != 0;
      code = cmd_search(procedure, options, search);
    });
  }

  std::string stored;
  auto* report = app.add_subcommand("report", "Show a result again that --json has stored: text, CSV, HTML");
  report->add_option("file", stored, "What --json wrote")->required()->type_name("FILE.json");
  add_pages(*report, options);
  report->callback([&] { code = cmd_report(stored, options); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? exit_ok : exit_bad_input;
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "portier-load: %s\n", failure.what());
    return exit_failed;
  }
}
