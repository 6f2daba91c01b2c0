/// Each group of options in turn; a fault in one does not hide those of the others.
#include "load_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "control/address_text.hpp"
#include "control/core_plan.hpp"
#include "control/device_plan.hpp"
#include "control/fault.hpp"
#include "device_choice.hpp"
#include "text_parts.hpp"

namespace portier::load {

namespace {

std::optional<traffic::Mac> parse_mac(const std::string& text) {
  traffic::Mac mac{};
  unsigned bytes[6];
  char rest = 0;
  if (std::sscanf(text.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x%c", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4],
                  &bytes[5], &rest) != 6 ||
      text.size() != 17) {
    return std::nullopt;
  }
  std::copy(std::begin(bytes), std::end(bytes), mac.begin());
  return mac;
}

class Checker {
 public:
  explicit Checker(const LoadOptions& options) : options_(options) {}

  CheckedOptions run() {
    check_devices();
    check_services();
    check_sizes();
    check_addresses();
    check_sources();
    check_macs();
    check_pattern();
    check_numbers();
    if (!faults_.empty()) return {std::nullopt, std::move(faults_)};
    return {std::move(setup_), {}};
  }

 private:
  void fault(std::string sentence) { faults_.push_back(std::move(sentence)); }

  void check_devices() {
    auto device = options_.device;
    if (!device.is_named()) device.vdev = loop_device;
    auto spec = choose_device(device, "", 0, faults_);
    if (spec) setup_.device = std::move(*spec);
    if (options_.rx_device.is_named()) {
      if (options_.send_only) fault("--send-only receives nothing, so leave the receiving device out");
      setup_.rx_device = choose_device(options_.rx_device, "rx-", 1, faults_);
      const auto& a = options_.device;
      const auto& b = options_.rx_device;
      if (a.is_named() && a.vdev == b.vdev && a.interface == b.interface && a.pci == b.pci) {
        fault(
            "the receiving device is the sending one: leave the --rx-... option out, traffic is received there anyway");
      }
    }
    const auto cpus = control::available_cpus();
    setup_.receives = !options_.send_only;
    setup_.cores = choose_cores(cpus, options_.cores, !options_.send_only);
    setup_.eal.memory_mb = options_.memory_mb;
    setup_.eal.hugepages = options_.hugepages;
    setup_.eal.extra = options_.eal_args;
    setup_.eal.lcore_cpus.push_back(setup_.cores.control_cpus);
    setup_.eal.lcore_cpus.push_back({setup_.cores.sender_cpu});
    if (setup_.cores.receiver_cpu) setup_.eal.lcore_cpus.push_back({*setup_.cores.receiver_cpu});
    for (const auto* named : {&options_.device, &options_.rx_device}) {
      if (!named->pci.empty()) setup_.eal.pci_devices.push_back(named->pci);
    }
  }

  void check_services() {
    const bool is_attack = options_.syn_flood || !options_.scan_closed.empty();
    if (is_attack && !options_.device.is_named()) {
      fault(
          "--syn-flood and --scan-closed are for devices under test only: name the device with --interface, --pci or "
          "--vdev");
    }
    if (options_.syn_flood && !options_.scan_closed.empty()) {
      fault("--syn-flood and --scan-closed are two tests: run one after the other");
    }
    const auto& text = options_.scan_closed.empty() ? options_.services : options_.scan_closed;
    auto parsed = parse_services(text);
    if (!parsed.problem.empty()) return fault(std::move(parsed.problem));
    setup_.traffic.services = std::move(parsed.services);
    if (auto problem = apply_popularity(options_.popularity, setup_.traffic.services); !problem.empty()) {
      fault(std::move(problem));
    }
    const bool all_tcp = std::all_of(setup_.traffic.services.begin(), setup_.traffic.services.end(),
                                     [](const auto& s) { return s.transport == packet::Transport::tcp; });
    setup_.traffic.syn = options_.syn_flood || (!options_.scan_closed.empty() && all_tcp);
    if (options_.syn_flood && !all_tcp) fault("--syn-flood is TCP: name its ports as --services tcp/PORT");
  }

  void check_sizes() {
    auto parsed = parse_sizes(options_.size);
    if (!parsed.problem.empty()) return fault(std::move(parsed.problem));
    setup_.traffic.sizes = std::move(parsed.sizes);
  }

  void check_addresses() {
    for (const auto& text : options_.destinations) {
      const auto address = control::parse_address(text);
      if (!address) {
        fault(fmt::format("--dst {} is not an IP address; write one such as 192.0.2.1 or 2001:db8::1",
                          control::in_quotes(text)));
      } else {
        (address->version == 4 ? setup_.traffic.dst4 : setup_.traffic.dst6) = *address;
      }
    }
  }

  void check_sources() {
    auto& range = setup_.traffic.sources;
    for (const auto& text : options_.sources) {
      const auto parsed = control::parse_prefix(text);
      if (!parsed.value) {
        fault("--src: " + parsed.problem);
        continue;
      }
      const auto& [address, length] = *parsed.value;
      const unsigned host_bits = address.bits() - length;
      if (host_bits > 24) {
        fault(fmt::format("--src {} has more than 2^24 addresses; write a longer prefix", control::in_quotes(text)));
        continue;
      }
      (address.version == 4 ? range.first4 : range.first6) = address;
      // From the address as written to the end of its prefix.
      const auto host = packet::load32(address.bytes.data() + address.size() - 4) & ((1U << host_bits) - 1);
      (address.version == 4 ? range.addresses4 : range.addresses6) = (1U << host_bits) - host;
    }
    // The family without traffic does not limit the other one.
    if (setup_.traffic.ipv6_share <= 0 && options_.ipv6_share <= 0) range.addresses6 = range.addresses4;
    if (options_.ipv6_share >= 1) range.addresses4 = range.addresses6;
    unsigned first = 0;
    unsigned last = 0;
    char rest = 0;
    const auto fields = std::sscanf(options_.src_ports.c_str(), "%5u-%5u%c", &first, &last, &rest);
    if (fields == 1) last = first;
    if ((fields != 1 && fields != 2) || first == 0 || last > 65535 || first > last) {
      return fault(fmt::format("--src-ports {} is no range of ports; write one such as 1024-65535",
                               control::in_quotes(options_.src_ports)));
    }
    range.first_port = static_cast<std::uint16_t>(first);
    range.ports = last - first + 1;
  }

  void check_macs() {
    const auto read = [&](const std::string& text, const char* option, traffic::Mac& mac) {
      if (text.empty()) return;
      const auto parsed = parse_mac(text);
      if (!parsed) {
        return fault(fmt::format("{} {} is no MAC address; write one such as 02:00:00:00:00:02", option,
                                 control::in_quotes(text)));
      }
      mac = *parsed;
    };
    read(options_.src_mac, "--src-mac", setup_.traffic.src_mac);
    setup_.has_src_mac = !options_.src_mac.empty();
    auto dst_mac = options_.dst_mac;
    const auto& interface = options_.device.interface;
    const auto address = control::to_text(setup_.traffic.dst4);
    if (dst_mac.empty() && !interface.empty()) dst_mac = neighbour_mac(interface, address);
    if (dst_mac.empty() && (!interface.empty() || !options_.device.pci.empty())) {
      fault(
          fmt::format("--dst-mac is missing: who is to get the frames? Name the MAC address of the device under test, "
                      "or of the next router{}",
                      interface.empty() ? ""
                                        : fmt::format(" (the kernel knows none for {} on {}; ping it first, and it "
                                                      "is found by itself)",
                                                      address, interface)));
    }
    read(dst_mac, "--dst-mac", setup_.traffic.dst_mac);
  }

  void check_pattern() {
    auto& pattern = setup_.engine.pattern;
    pattern.seed = options_.seed;
    pattern.burst_packets = options_.burst_packets;
    if (options_.pattern == "poisson") pattern.kind = PatternKind::poisson;
    else if (options_.pattern == "bursts") pattern.kind = PatternKind::bursts;
    else if (options_.pattern == "ramp") pattern.kind = PatternKind::ramp;
    else if (options_.pattern != "constant") {
      fault(fmt::format("--pattern {} is none; write constant, poisson, bursts or ramp",
                        control::in_quotes(options_.pattern)));
    }
    setup_.request.rate_pps = read_rate(options_.rate, "--rate", faults_);
    const bool is_burst = pattern.kind == PatternKind::bursts;
    if (is_burst && options_.burst_packets == 0) fault("--burst-size 0 sends nothing; write 1 or more");
    if (options_.burst_every_s > 0) {
      if (!is_burst) fault("--burst-every needs --pattern bursts");
      setup_.request.rate_pps = static_cast<double>(options_.burst_packets) / options_.burst_every_s;
      if (setup_.request.rate_pps > most_rate_pps) fault("--burst-every is too short: that is above 1000 Mpps");
    }
    if (pattern.kind == PatternKind::ramp) {
      if (options_.ramp_to.empty()) fault("--pattern ramp needs --ramp-to RATE");
      else pattern.ramp_to_pps = read_rate(options_.ramp_to, "--ramp-to", faults_);
      if (std::isinf(setup_.request.rate_pps) || std::isinf(pattern.ramp_to_pps)) {
        fault("a ramp goes from a number to a number; max is none");
      }
    } else if (!options_.ramp_to.empty()) {
      fault("--ramp-to needs --pattern ramp");
    }
    setup_.request.duration_s = options_.duration_s;
  }

  void check_numbers() {
    if (!(options_.duration_s >= 0.001 && options_.duration_s <= 1e6)) {
      fault("--duration: write a number of seconds from 0.001 to 1000000");
    }
    const auto drain_s = options_.drain_s.value_or(default_drain_s);
    if (!(drain_s >= 0 && drain_s <= 60)) fault("--drain: write a number of seconds from 0 to 60");
    if (options_.device_burst < 1 || options_.device_burst > most_burst_packets) {
      fault(fmt::format("--device-burst: write a number from 1 to {}", most_burst_packets));
    }
    if (options_.cores > 2) fault("--cores: write 1 or 2; a trial has one sender and one receiver");
    if (!(options_.churn_per_s >= 0 && options_.churn_per_s <= 1e8)) {
      fault("--churn: write new flows a second, from 0 to 100000000");
    }
    if (options_.vlan != -1 && (options_.vlan < 0 || options_.vlan > 4095))
      fault("--vlan: write a number from 0 to 4095");
    if (options_.memory_mb < 64) fault("--memory: write 64 (MiB) or more");
    setup_.engine.burst = options_.device_burst;
    setup_.engine.drain_s = drain_s;
    setup_.traffic.ipv6_share = options_.ipv6_share;
    setup_.traffic.flows = options_.flows;
    setup_.traffic.churn_per_s = options_.churn_per_s;
    setup_.traffic.seed = options_.seed;
    if (options_.vlan >= 0) setup_.traffic.vlan = static_cast<std::uint16_t>(options_.vlan);
  }

  const LoadOptions& options_;
  LoadSetup setup_;
  std::vector<std::string> faults_;
};

}  // namespace

double read_rate(const std::string& text, const std::string& option, std::vector<std::string>& faults) {
  if (text == "max") return std::numeric_limits<double>::infinity();
  auto digits = text;
  double factor = 1;
  if (!digits.empty() && digits.back() == 'k') factor = 1e3;
  if (!digits.empty() && digits.back() == 'M') factor = 1e6;
  if (factor > 1) digits.pop_back();
  const double rate = positive_number(digits).value_or(0) * factor;
  if (rate <= 0 || rate > most_rate_pps) {
    faults.push_back(
        fmt::format("{} {} is no rate; write packets a second above 0 and up to 1000M, such as 1000, 250k "
                    "or 1.5M, or max for what the device takes",
                    option, control::in_quotes(text)));
    return 1;
  }
  return rate;
}

CheckedOptions check_options(const LoadOptions& options) { return Checker(options).run(); }

}  // namespace portier::load
