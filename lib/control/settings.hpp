/// A configuration as values: what a portier.toml says after it was read, before anything is made of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/fault.hpp"
#include "packet/address.hpp"
#include "table/binding.hpp"

namespace portier::control {

/// Where the value of each key that was written stands, sound or not; a key that is missing here has its default.
using Places = std::map<std::string, Place, std::less<>>;

enum class Mode { pipeline, run_to_completion };
enum class Idle { spin, adaptive };
enum class ClosedAction { reject, drop, kernel };

struct RouterSettings {
  std::optional<Mode> mode;            ///< unset: computed by the core plan
  std::vector<unsigned> rx_cores;      ///< CPU numbers; empty: computed
  std::vector<unsigned> worker_cores;  ///< CPU numbers; empty: computed
  unsigned burst = 32;                 ///< packets, 1 to 64
  Idle idle = Idle::adaptive;
  unsigned ring_slots = 4096;  ///< slots of 128 bytes; a power of two, 256 to 65536
  unsigned memory_mb = 512;    ///< MiB for DPDK
  bool hugepages = false;
  unsigned max_faults = 10;     ///< exceptions of one handler before its service goes to the next target
  unsigned watchdog_ms = 1000;  ///< how long a handler's call may take before an event names it; 0: for ever
  std::string mailbox_socket;   ///< path; empty: computed, see mailbox_server.hpp
  Place place;
  Places places;
};

/// A prefix that is ours on a device: "192.0.2.10/24".
struct AddressSettings {
  packet::Address address;
  std::uint8_t prefix_length = 0;
  Place place;
};

struct DeviceSettings {
  std::string name;
  // Exactly one of the four says what the device is.
  std::string pci;        ///< "0000:3b:00.0"
  std::string vdev;       ///< DPDK device arguments, e.g. "net_pcap0,rx_pcap=in.pcap"
  std::string interface;  ///< a kernel interface, together with `driver`
  bool traffic = false;   ///< the built-in source of [traffic]
  std::string driver;     ///< "af_xdp" or "af_packet", with `interface`
  bool share = false;     ///< the kernel keeps what is not bound; with `driver` "af_xdp"
  std::vector<AddressSettings> addresses;
  std::optional<unsigned> rx_queues;       ///< unset: one per rx core, as far as the device has them
  std::optional<unsigned> rx_descriptors;  ///< unset: the driver profile's
  std::optional<unsigned> tx_descriptors;
  Place place;
  Places places;
};

struct BindingSettings {
  std::string text;        ///< as written: "udp/192.0.2.0/24:5300-5399"
  table::Binding binding;  ///< its `service` is filled in by ruleset_build
  Place place;
};

/// Targets that are written by what they are, `{ mailbox = "dns" }`, and not as `{ handler = "..." }`.
inline constexpr std::array<std::string_view, 5> target_kinds{"mailbox", "plugin", "capture", "kernel", "device"};

struct TargetSettings {
  std::string handler;                         ///< count, echo, mailbox, ..., or a registered name
  std::map<std::string, std::string> options;  ///< scalars as text; of `{ mailbox = "dns" }` also mailbox: dns
  Place place;

  /// For people: "echo", "mailbox dns".
  std::string label() const {
    const auto value = options.find(handler);
    return value == options.end() ? handler : handler + " " + value->second;
  }
  bool operator==(const TargetSettings& other) const { return handler == other.handler && options == other.options; }
};

struct ServiceSettings {
  std::string name;
  std::vector<BindingSettings> bindings;
  std::vector<TargetSettings> deliver;  ///< the chain, in order; at least one
  unsigned stall_ms = 1000;             ///< how long packets may wait at a target that takes none
  std::vector<unsigned> workers;        ///< CPU numbers; empty: all workers
  std::string priority = "normal";      ///< the only one so far
  Place place;
  Places places;
};

struct ClosedPortSettings {
  ClosedAction action = ClosedAction::reject;
  unsigned reject_rate_pps = 1000;  ///< answers a second, all cores together
  Place place;
  Places places;
};

struct FragmentSettings {
  unsigned datagrams = 4096;   ///< first fragments remembered per rx core; a power of two
  unsigned waiting = 64;       ///< later fragments that may wait for their first, per rx core
  unsigned timeout_ms = 1000;  ///< deadline, for the memory of a first fragment and for a waiting one
};

/// The built-in traffic source.
struct TrafficSettings {
  std::uint64_t seed = 1;
  double rate_pps = 1'000'000;     ///< packets a second; 0: as fast as the router takes them
  double zipf = 1.0;               ///< exponent of the popularity of the bound ports, in file order
  double closed_share = 0.02;      ///< share of packets to closed ports
  double fragment_share = 0.01;    ///< share of fragmented datagrams
  double malformed_share = 0.005;  ///< share of malformed frames
  double ipv6_share = 0.3;
  unsigned flows = 4096;  ///< distinct source addresses and ports
};

struct Settings {
  std::string file;  ///< as named by the user, or "(built-in default)"
  RouterSettings router;
  std::vector<DeviceSettings> devices;
  std::vector<ServiceSettings> services;
  ClosedPortSettings closed_ports;
  FragmentSettings fragments;
  TrafficSettings traffic;
  Places places;  ///< of the sections; of a section that repeats, the first
};

/// Of the file; empty where there is none, or where it was named without a folder.
std::string directory_of(const Settings& settings);

inline constexpr std::size_t max_devices = 16;  ///< a ring slot says its device in four bits
inline constexpr std::size_t max_user_services = table::max_services - table::first_user_service;
inline constexpr std::size_t max_bindings = 65'536;  ///< of all services together

/// What became of a text: settings, or at least one fault; faults and warnings are sorted by place.
struct Loaded {
  std::optional<Settings> settings;
  std::vector<Fault> faults;
  std::vector<Fault> warnings;
};

/// Settings as far as they could be read, with everything that was wrong: what the checks over the whole start from,
/// so that one pass names every fault. Never to be run from.
struct Draft {
  Settings settings;
  Faults found;
  bool readable = false;  ///< false: the text is not TOML or could not be had, so the whole says nothing
};

/// Reads TOML by the schema; `name` stands in faults for the file. Knows nothing of the machine it runs on but its
/// service names, and does not look at the whole: see checks.hpp.
Draft read_settings(std::string_view text, const std::string& name);
Loaded parse_settings(std::string_view text, const std::string& name);

/// As `read_settings` for a file; "-" is standard input. Regular files of at most 16 MiB only.
Draft read_settings_file(const std::string& path);
Loaded load_settings(const std::string& path);

/// No faults: the settings. Otherwise none.
Loaded finish(Draft draft);

/// Where the value of `key` stands, or, where it was not written, its section.
template <class Section>
Place place_of(const Section& section, std::string_view key) {
  const auto found = section.places.find(key);
  return found == section.places.end() ? section.place : found->second;
}

}  // namespace portier::control
