/// A configuration as values: what a portier.toml says after it was read, before anything is made of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "packet/address.hpp"
#include "table/binding.hpp"

namespace portier::control {

/// A place in a file, counted from 1; line 0: no place (a default, or the file as a whole).
struct Place {
  unsigned line = 0;
  unsigned column = 0;
};

enum class Mode { pipeline, run_to_completion };
enum class Idle { spin, adaptive };
enum class ClosedAction { reject, drop, kernel };

struct RouterSettings {
  std::optional<Mode> mode;             ///< unset: computed by the core plan
  std::vector<unsigned> rx_cores;       ///< CPU numbers; empty: computed
  std::vector<unsigned> worker_cores;   ///< CPU numbers; empty: computed
  unsigned burst = 32;                  ///< packets, 1 to 64
  Idle idle = Idle::adaptive;
  unsigned ring_slots = 4096;           ///< slots of 128 bytes; a power of two, 256 to 65536
  unsigned memory_mb = 512;             ///< MiB for DPDK
  bool hugepages = false;
  unsigned max_faults = 10;             ///< exceptions of one handler before its service goes to the next target
  Place place;
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
  std::string pci;              ///< "0000:3b:00.0"
  std::string vdev;             ///< DPDK device arguments, e.g. "net_pcap0,rx_pcap=in.pcap"
  std::string interface;        ///< a kernel interface, together with `driver`
  bool traffic = false;         ///< the built-in source of [traffic]
  std::string driver;           ///< "af_xdp" or "af_packet", with `interface`
  std::vector<AddressSettings> addresses;
  std::optional<unsigned> rx_queues;       ///< unset: one per rx core, as far as the device has them
  std::optional<unsigned> rx_descriptors;  ///< unset: the driver profile's
  std::optional<unsigned> tx_descriptors;
  Place place;
};

struct BindingSettings {
  std::string text;          ///< as written: "udp/192.0.2.0/24:5300-5399"
  table::Binding binding;    ///< its `service` is filled in by ruleset_build
  Place place;
};

struct TargetSettings {
  std::string handler;                          ///< count, echo, drop, reject, or a registered name
  std::map<std::string, std::string> options;   ///< scalars as text
  Place place;
};

struct ServiceSettings {
  std::string name;
  std::vector<BindingSettings> bindings;
  std::vector<TargetSettings> deliver;   ///< the chain, in order; at least one
  std::vector<unsigned> workers;         ///< CPU numbers; empty: all workers
  Place place;
};

struct ClosedPortSettings {
  ClosedAction action = ClosedAction::reject;
  unsigned reject_rate_pps = 1000;       ///< answers a second, all cores together
  Place place;
};

struct FragmentSettings {
  unsigned datagrams = 4096;     ///< first fragments remembered per rx core; a power of two
  unsigned waiting = 64;         ///< later fragments that may wait for their first, per rx core
  unsigned timeout_ms = 1000;    ///< deadline, for the memory of a first fragment and for a waiting one
};

/// The built-in traffic source.
struct TrafficSettings {
  std::uint64_t seed = 1;
  double rate_pps = 1'000'000;       ///< packets a second; 0: as fast as the router takes them
  double zipf = 1.0;                 ///< exponent of the popularity of the bound ports, in file order
  double closed_share = 0.02;        ///< share of packets to closed ports
  double fragment_share = 0.01;      ///< share of fragmented datagrams
  double malformed_share = 0.005;    ///< share of malformed frames
  double ipv6_share = 0.3;
  unsigned flows = 4096;             ///< distinct source addresses and ports
};

struct Settings {
  std::string file;                  ///< as named by the user, or "(built-in default)"
  RouterSettings router;
  std::vector<DeviceSettings> devices;
  std::vector<ServiceSettings> services;
  ClosedPortSettings closed_ports;
  FragmentSettings fragments;
  TrafficSettings traffic;
};

}  // namespace portier::control
