/// Fills in what is the same for all subcommands.
#include "outputs.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>

#include "commit.hpp"
#include "report_csv.hpp"
#include "report_html.hpp"
#include "report_json.hpp"
#include "report_text.hpp"

namespace portier::load {

namespace {

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  std::string line;
  while (std::getline(info, line)) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return {};
}

std::string kernel_release() {
  std::ifstream release("/proc/sys/kernel/osrelease");
  std::string text;
  std::getline(release, text);
  return text;
}

std::string device_text(const DeviceOptions& device) {
  if (!device.vdev.empty()) return device.vdev;
  if (!device.pci.empty()) return device.pci;
  if (device.interface.empty()) return "none (loop in this program)";
  return device.interface + " by " + (device.driver.empty() ? "af_packet" : device.driver);
}

bool write_file(const std::string& path, const std::string& text) {
  if (path == "-") {
    const bool is_written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
    if (!is_written) fmt::print(stderr, "portier-load: standard output cannot be written: {}\n", std::strerror(errno));
    return is_written;
  }
  std::ofstream file(path, std::ios::binary);
  file << text;
  file.close();
  if (file.good()) return true;
  fmt::print(stderr, "portier-load: {} cannot be written ({}): name another place\n", path, std::strerror(errno));
  return false;
}

/// "a.csv" -> "a.services.csv".
std::string beside(const std::string& path, const std::string& word) {
  const auto dot = path.rfind('.');
  const auto slash = path.rfind('/');
  if (dot == path.npos || (slash != path.npos && dot < slash)) return path + "." + word;
  return path.substr(0, dot) + "." + word + path.substr(dot);
}

}  // namespace

Report start_report(const std::string& command, const LoadOptions& options, const LoadSetup& setup,
                    const Tester& tester) {
  Report report;
  report.started_at = utc_now();
  const auto asked = [&](const char* name, std::string value) { report.asked.push_back({name, std::move(value)}); };
  asked("command", command);
  asked("device", device_text(options.device));
  if (options.rx_device.is_named()) asked("receiving device", device_text(options.rx_device));
  if (!options.capture.empty()) {
    asked("capture", options.capture);
  } else {
    asked("services", options.scan_closed.empty() ? options.services : options.scan_closed);
    asked("popularity", options.popularity);
    asked("frame sizes", options.size);
    asked("IPv6 share", fmt::format("{:g}", options.ipv6_share));
    asked("flows of each service", std::to_string(options.flows));
    asked("new flows a second", fmt::format("{:g}", options.churn_per_s));
    asked("seed", std::to_string(options.seed));
    if (setup.traffic.syn) asked("packets", options.syn_flood ? "TCP SYN flood" : "TCP SYN scan");
  }
  asked("pattern", options.pattern);
  asked("waiting for missing packets", fmt::format("{:g} s", setup.engine.drain_s));

  auto& machine = report.machine;
  machine.cpu_model = cpu_model();
  machine.version = PORTIER_VERSION;
  machine.commit = PORTIER_COMMIT;
  machine.dpdk_version = nic::dpdk_version();
  machine.cores = {setup.cores.sender_cpu};
  if (setup.cores.receiver_cpu) machine.cores.push_back(*setup.cores.receiver_cpu);
  machine.more.push_back({"kernel", kernel_release()});
  machine.more.push_back({"tsc_hz", fmt::format("{:.0f}", nic::tsc_hz())});
  machine.more.push_back({"packet memory", options.hugepages ? "hugepages" : "ordinary pages"});
  for (const auto& note : setup.cores.notes) machine.more.push_back({"cores", note});

  auto& warnings = report.warnings;
  for (const auto& mark : setup.cores.marks) {
    const bool is_last = mark == "no-cpu-left-for-the-system";
    warnings.push_back(mark + ": " + (is_last ? setup.cores.notes.back() : setup.cores.notes.front()));
  }
  if (!options.device.is_named()) {
    warnings.emplace_back(
        "no-device: no device was named, so packets went round in this program: the figures are the "
        "tester's own");
  }
  if (!setup.receives)
    warnings.emplace_back("send-only: nothing was received, so nothing is known about loss or latency");
  if (!options.capture.empty()) {
    warnings.emplace_back(
        "unmarked: a capture's frames carry no marks: everything that came back counts as received, "
        "and nothing is known about order or latency");
  } else if (tester.plan().sizes_raised) {
    warnings.push_back(
        fmt::format("sizes-raised: frames that were too short for their headers and the mark of {} bytes "
                    "were made longer; the mean is {:.1f} bytes",
                    mark_bytes, tester.plan().mean_bytes));
  }
  if (setup.traffic.syn) {
    warnings.emplace_back("no-latency: SYN packets have no room for a time, so only loss and answers are known");
  }
  return report;
}

void run_self_test(Tester& tester, const TrialRequest& request, Report& report) {
  constexpr double fallback_pps = 1e6;
  auto result = tester.self_test(std::isfinite(request.rate_pps) ? request.rate_pps : fallback_pps);
  if (result.lost != 0 || result.duplicated != 0 || result.damaged != 0) {
    report.warnings.push_back(
        fmt::format("self-test-lost: the tester alone, looped back in this program, lost {} of {} "
                    "packets: losses of a trial may be its own",
                    result.lost, result.sent));
  }
  if (!result.is_interrupted && is_sender_limited(result, SearchWatch{}.sender_tolerance)) {
    report.warnings.push_back(
        fmt::format("self-test-slow: the tester alone managed {:.0f} of {:.0f} packets a second; "
                    "lower the rate, or give it more cores",
                    offered_pps(result), result.request.rate_pps));
  }
  report.self_test = std::move(result);
}

void add_warnings_of(const TrialResult& trial, Report& report) {
  if (!trial.is_interrupted && is_sender_limited(trial, SearchWatch{}.sender_tolerance)) {
    report.warnings.push_back(fmt::format(
        "rate-not-reached: {} of {} intended packets were sent ({:.0f} packets a second): that is all that the device "
        "takes from this core; latencies from the intended time include the waiting",
        trial.sent, trial.intended, offered_pps(trial)));
  }
  if (trial.no_buffers != 0) {
    report.warnings.push_back(
        fmt::format("no-buffers: the sender waited {} times for packet buffers, as all of them "
                    "were under way in this machine",
                    trial.no_buffers));
  }
  if (trial.sent == 0) report.warnings.emplace_back("nothing-sent: the device took no packet");
}

bool prints_text(const LoadOptions& options) {
  return options.json != "-" && options.csv != "-" && options.html != "-";
}

bool write_outputs(const LoadOptions& options, const Report& report) {
  bool is_written = true;
  if (prints_text(options)) is_written = write_file("-", report_to_text(report));
  if (!options.json.empty()) is_written = write_file(options.json, report_to_json(report).dump() + "\n") && is_written;
  if (!options.csv.empty()) {
    is_written = write_file(options.csv, trials_to_csv(report)) && is_written;
    if (options.csv != "-")
      is_written = write_file(beside(options.csv, "services"), services_to_csv(report)) && is_written;
  }
  if (!options.html.empty()) is_written = write_file(options.html, report_to_html(report)) && is_written;
  return is_written;
}

}  // namespace portier::load
