/// The table of settings, and the reference that is printed from it.
#include "control/schema.hpp"

#include <array>
#include <type_traits>

#include <fmt/format.h>

namespace portier::control {
namespace {

constexpr double cpus = 1023;  // CPU_SETSIZE - 1
constexpr double shares = 1;

/// Keys in the order in which an operator meets them.
const std::array settings_table{
    // [router]
    Setting{"router",
            "mode",
            [](Settings& s) -> Field { return &s.router.mode; },
            "",
            {},
            "by the number of CPUs",
            "How cores divide the work: `pipeline` receives on some and delivers on others, `run-to-completion` does "
            "both on each."},
    Setting{"router",
            "rx_cores",
            [](Settings& s) -> Field { return &s.router.rx_cores; },
            "CPU numbers",
            {.most = cpus, .most_items = 16},
            "computed from the CPUs allowed",
            "CPUs that receive; under `run-to-completion`, the CPUs that do everything."},
    Setting{"router",
            "worker_cores",
            [](Settings& s) -> Field { return &s.router.worker_cores; },
            "CPU numbers",
            {.most = cpus, .most_items = 64},
            "computed from the CPUs allowed",
            "CPUs that deliver to handlers; not with `run-to-completion`."},
    Setting{"router",
            "burst",
            [](Settings& s) -> Field { return &s.router.burst; },
            "packets",
            {.least = 1, .most = 64},
            "",
            "Packets handled together: fewer for latency, more for throughput."},
    Setting{"router",
            "idle",
            [](Settings& s) -> Field { return &s.router.idle; },
            "",
            {},
            "",
            "What a core without packets does: `spin` looks again at once, `adaptive` rests between looks."},
    Setting{"router",
            "ring_slots",
            [](Settings& s) -> Field { return &s.router.ring_slots; },
            "slots of 128 bytes",
            {.least = 256, .most = 65536, .power_of_two = true},
            "",
            "Room of each ring between an rx core and a worker core."},
    Setting{"router",
            "memory_mb",
            [](Settings& s) -> Field { return &s.router.memory_mb; },
            "MiB",
            {.least = 64, .most = 1048576},
            "",
            "Memory for packets and queues."},
    Setting{"router",
            "hugepages",
            [](Settings& s) -> Field { return &s.router.hugepages; },
            "",
            {},
            "",
            "Takes that memory from hugepages, which must be reserved; without, it is ordinary memory."},
    Setting{"router",
            "max_faults",
            [](Settings& s) -> Field { return &s.router.max_faults; },
            "exceptions",
            {.least = 1, .most = 1000000},
            "",
            "Exceptions of one handler before its service goes on to the next target."},
    // [[device]]
    Setting{"device[]",
            "name",
            [](Settings& s) -> Field { return &s.devices.back().name; },
            "",
            {.most_items = 63, .is_name = true},
            "",
            "What the device is called in counters and messages."},
    Setting{"device[]",
            "pci",
            [](Settings& s) -> Field { return &s.devices.back().pci; },
            "",
            {.most_items = 16},
            "not a PCI device",
            "A NIC by its PCI address, \"0000:3b:00.0\"; it must be bound to vfio-pci."},
    Setting{"device[]",
            "vdev",
            [](Settings& s) -> Field { return &s.devices.back().vdev; },
            "",
            {.most_items = 1024},
            "not a virtual device",
            "A DPDK virtual device with its arguments, \"net_pcap0,rx_pcap=in.pcap\"."},
    Setting{"device[]",
            "interface",
            [](Settings& s) -> Field { return &s.devices.back().interface; },
            "",
            {.most_items = 15},
            "not a kernel interface",
            "A network interface of the kernel, together with `driver`."},
    Setting{"device[]",
            "traffic",
            [](Settings& s) -> Field { return &s.devices.back().traffic; },
            "",
            {},
            "",
            "Makes the device the built-in traffic source; see `[traffic]`."},
    Setting{"device[]",
            "driver",
            [](Settings& s) -> Field { return &s.devices.back().driver; },
            "",
            {.most_items = 15},
            "none, except with `interface`, where it is required",
            "How `interface` is driven: \"af_xdp\" takes only what is bound and is fast, \"af_packet\" sees a copy of "
            "everything."},
    Setting{"device[]",
            "addresses",
            [](Settings& s) -> Field { return &s.devices.back().addresses; },
            "",
            {.most_items = 1024},
            "none",
            "Our own addresses here, \"192.0.2.10/24\": ARP, neighbour discovery and ping are answered for them."},
    Setting{"device[]",
            "rx_queues",
            [](Settings& s) -> Field { return &s.devices.back().rx_queues; },
            "queues",
            {.least = 1, .most = 16},
            "one per rx core, as far as the device has them",
            "Receive queues."},
    Setting{"device[]",
            "rx_descriptors",
            [](Settings& s) -> Field { return &s.devices.back().rx_descriptors; },
            "descriptors",
            {.least = 64, .most = 32768, .power_of_two = true},
            "the driver profile's",
            "Packets that a receive queue holds."},
    Setting{"device[]",
            "tx_descriptors",
            [](Settings& s) -> Field { return &s.devices.back().tx_descriptors; },
            "descriptors",
            {.least = 64, .most = 32768, .power_of_two = true},
            "the driver profile's",
            "Packets that a transmit queue holds."},
    // [[service]]
    Setting{"service[]",
            "name",
            [](Settings& s) -> Field { return &s.services.back().name; },
            "",
            {.most_items = 63, .is_name = true},
            "",
            "What the service is called in counters and messages."},
    Setting{"service[]",
            "bindings",
            [](Settings& s) -> Field { return &s.services.back().bindings; },
            "",
            {.most_items = max_bindings},
            "",
            "The ports that lead to it, such as \"udp/53\" or \"tcp/[2001:db8::/32]:https\"."},
    Setting{"service[]",
            "deliver",
            [](Settings& s) -> Field { return &s.services.back().deliver; },
            "",
            {.most_items = 8},
            "",
            "The delivery chain: the first target takes the packets, the others stand by in order."},
    Setting{"service[]",
            "workers",
            [](Settings& s) -> Field { return &s.services.back().workers; },
            "CPU numbers",
            {.most = cpus, .most_items = 64},
            "all",
            "The worker cores that deliver it."},
    // [closed_ports]
    Setting{"closed_ports",
            "action",
            [](Settings& s) -> Field { return &s.closed_ports.action; },
            "",
            {},
            "",
            "What meets packets to ports that are bound to nothing; `reject` answers with ICMP port unreachable or TCP "
            "RST."},
    Setting{"closed_ports",
            "reject_rate_pps",
            [](Settings& s) -> Field { return &s.closed_ports.reject_rate_pps; },
            "answers a second",
            {.most = 10000000},
            "",
            "Budget of these answers, all cores together; 0: none."},
    // [fragments]
    Setting{"fragments",
            "datagrams",
            [](Settings& s) -> Field { return &s.fragments.datagrams; },
            "datagrams",
            {.least = 16, .most = 1048576, .power_of_two = true},
            "",
            "First fragments that each rx core remembers."},
    Setting{"fragments",
            "waiting",
            [](Settings& s) -> Field { return &s.fragments.waiting; },
            "fragments",
            {.most = 65536},
            "",
            "Later fragments that may wait for their first, on each rx core."},
    Setting{"fragments",
            "timeout_ms",
            [](Settings& s) -> Field { return &s.fragments.timeout_ms; },
            "ms",
            {.least = 10, .most = 60000},
            "",
            "How long both are kept."},
    // [traffic]
    Setting{"traffic",
            "seed",
            [](Settings& s) -> Field { return &s.traffic.seed; },
            "",
            {.most = 9007199254740991},
            "",
            "The same seed gives the same packets."},
    Setting{"traffic",
            "rate_pps",
            [](Settings& s) -> Field { return &s.traffic.rate_pps; },
            "packets a second",
            {.most = 1e9},
            "",
            "0: as fast as the router takes them."},
    Setting{"traffic",
            "zipf",
            [](Settings& s) -> Field { return &s.traffic.zipf; },
            "",
            {.most = 4},
            "",
            "Exponent of the popularity of the bound ports, in file order; 0: all alike."},
    Setting{"traffic",
            "closed_share",
            [](Settings& s) -> Field { return &s.traffic.closed_share; },
            "",
            {.most = shares},
            "",
            "Share of packets to closed ports."},
    Setting{"traffic",
            "fragment_share",
            [](Settings& s) -> Field { return &s.traffic.fragment_share; },
            "",
            {.most = shares},
            "",
            "Share of fragmented datagrams."},
    Setting{"traffic",
            "malformed_share",
            [](Settings& s) -> Field { return &s.traffic.malformed_share; },
            "",
            {.most = shares},
            "",
            "Share of malformed frames."},
    Setting{"traffic",
            "ipv6_share",
            [](Settings& s) -> Field { return &s.traffic.ipv6_share; },
            "",
            {.most = shares},
            "",
            "Share of IPv6 packets."},
    Setting{"traffic",
            "flows",
            [](Settings& s) -> Field { return &s.traffic.flows; },
            "flows",
            {.least = 1, .most = 1048576},
            "",
            "Distinct source addresses and ports."},
};

template <class Enum>
std::string choices(Enum sample) {
  std::string out;
  const auto words = words_of(sample);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", words[i].text);
  }
  return out;
}

/// Whole values without a fraction, and without the exponent that `{}` prints for large ones.
std::string number_text(double value) {
  return value == static_cast<double>(static_cast<std::int64_t>(value)) ? fmt::format("{:.0f}", value)
                                                                        : fmt::format("{}", value);
}

std::string range_text(const Limits& limits) {
  return fmt::format("from {} to {}", number_text(limits.least), number_text(limits.most));
}

/// Empty: there is no default value.
struct DefaultText {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const unsigned* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::uint64_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const double* value) const { return number_text(*value); }
  std::string operator()(const std::string* value) const { return value->empty() ? "" : fmt::format("\"{}\"", *value); }
  std::string operator()(const std::optional<unsigned>* value) const {
    return *value ? fmt::format("{}", **value) : "";
  }
  std::string operator()(const std::optional<Mode>* value) const {
    return *value ? fmt::format("\"{}\"", to_text(**value)) : "";
  }
  std::string operator()(const Idle* value) const { return fmt::format("\"{}\"", to_text(*value)); }
  std::string operator()(const ClosedAction* value) const { return fmt::format("\"{}\"", to_text(*value)); }
  /// Lists and tables are empty by default.
  template <class Other>
  std::string operator()(const Other*) const {
    return "";
  }
};

}  // namespace

std::span<const Setting> schema() { return settings_table; }

std::span<const Word<Mode>> words_of(Mode) {
  static constexpr std::array words{Word<Mode>{Mode::pipeline, "pipeline"},
                                    Word<Mode>{Mode::run_to_completion, "run-to-completion"}};
  return words;
}

std::span<const Word<Idle>> words_of(Idle) {
  static constexpr std::array words{Word<Idle>{Idle::spin, "spin"}, Word<Idle>{Idle::adaptive, "adaptive"}};
  return words;
}

std::span<const Word<ClosedAction>> words_of(ClosedAction) {
  static constexpr std::array words{Word<ClosedAction>{ClosedAction::reject, "reject"},
                                    Word<ClosedAction>{ClosedAction::drop, "drop"},
                                    Word<ClosedAction>{ClosedAction::kernel, "kernel"}};
  return words;
}

bool is_name_sound(std::string_view name) {
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.empty() || name.size() > 63 || !is_plain(name.front())) return false;
  for (const char c : name) {
    if (!is_plain(c) && c != '_' && c != '-') return false;
  }
  return true;
}

std::string header_of(std::string_view section) {
  if (section.ends_with("[]")) return fmt::format("[[{}]]", section.substr(0, section.size() - 2));
  return section.empty() ? "the top of the file" : fmt::format("[{}]", section);
}

std::string type_text(const Field& field, const Limits& limits) {
  const auto whole = [&] {
    return fmt::format("a {}whole number {}", limits.power_of_two ? "power of two, a " : "", range_text(limits));
  };
  return std::visit(
      [&](auto* value) -> std::string {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, bool>) return "true or false";
        else if constexpr (std::is_same_v<Value, double>) return "a number " + range_text(limits);
        else if constexpr (std::is_same_v<Value, std::optional<Mode>>) return choices(Mode{});
        else if constexpr (std::is_enum_v<Value>) return choices(Value{});
        else if constexpr (std::is_same_v<Value, std::string>)
          return limits.is_name ? "a name of 1 to 63 of the letters a-z, 0-9, _ and -, starting with a-z or 0-9"
                                : fmt::format("a text of 1 to {} bytes", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<unsigned>>)
          return fmt::format("a list of at most {} whole numbers {}", limits.most_items, range_text(limits));
        else if constexpr (std::is_same_v<Value, std::vector<std::string>>)
          return fmt::format("a list of at most {} texts", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<AddressSettings>>)
          return fmt::format("a list of at most {} texts ADDRESS/LENGTH", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<BindingSettings>>)
          return fmt::format("a list of 1 to {} bindings", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<TargetSettings>>)
          return fmt::format("a handler's name, a table {{ handler = \"...\" }}, or a list of 1 to {} of them",
                             limits.most_items);
        else if constexpr (std::is_same_v<Value, std::map<std::string, std::string>>) return "a table of scalars";
        else return whole();
      },
      field);
}

std::string default_text(const Setting& setting) {
  Settings defaults;
  defaults.devices.emplace_back();
  defaults.services.emplace_back();
  const auto text = std::visit([](const auto* value) { return DefaultText{}(value); }, setting.at(defaults));
  if (!text.empty()) return text;
  return setting.unset.empty() ? "required" : std::string(setting.unset);
}

std::string reference_markdown() {
  std::string out =
      "# Settings\n\nA configuration is one TOML file. A binding is TRANSPORT/[DESTINATION:]PORTS: `udp/53`, "
      "`tcp/https`, `udp/5000-5999`, `sctp/*`, `udp/192.0.2.0/24:53`, `tcp/[2001:db8::/32]:443`. Transports are tcp, "
      "udp, udplite, sctp and dccp.\n";
  std::string_view section;
  Settings sample;
  sample.devices.emplace_back();
  sample.services.emplace_back();
  for (const auto& setting : schema()) {
    if (setting.section != section) {
      section = setting.section;
      out += fmt::format("\n## `{}`\n\n| key | type | unit | default | meaning |\n|---|---|---|---|---|\n",
                         header_of(section));
    }
    const auto fallback = default_text(setting);
    const bool is_value = fallback != setting.unset && fallback != "required";
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.key, type_text(setting.at(sample), setting.limits),
                       setting.unit.empty() ? "-" : setting.unit, is_value ? fmt::format("`{}`", fallback) : fallback,
                       setting.sentence);
  }
  return out;
}

}  // namespace portier::control
