/// The command line as it was written, before anything is made of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace portier::load {

inline constexpr double default_drain_s = 0.5;  ///< how long to wait for packets that are still missing

struct DeviceOptions {
  std::string vdev;
  std::string interface;
  std::string driver;  ///< of the interface; empty: af_packet
  std::string pci;

  bool is_named() const { return !vdev.empty() || !interface.empty() || !pci.empty(); }
};

/// What every subcommand has.
struct LoadOptions {
  DeviceOptions device;
  DeviceOptions rx_device;  ///< not named: traffic comes back to `device`
  bool send_only = false;
  unsigned cores = 0;  ///< 0: chosen
  unsigned memory_mb = 256;
  bool hugepages = false;
  std::vector<std::string> eal_args;

  std::string services = "udp/7";
  std::string popularity = "list";
  std::string size = "60";
  double ipv6_share = 0;
  std::uint32_t flows = 256;
  double churn_per_s = 0;
  std::vector<std::string> sources;
  std::vector<std::string> destinations;
  std::string src_ports = "1024-65535";
  std::string src_mac;
  std::string dst_mac;
  int vlan = -1;
  std::uint64_t seed = 1;
  bool syn_flood = false;
  std::string scan_closed;

  std::string rate = "1000";
  double duration_s = 10;
  std::string pattern = "constant";
  std::uint64_t burst_packets = 32;
  double burst_every_s = 0;
  std::string ramp_to;
  unsigned device_burst = 32;
  std::optional<double> drain_s;  ///< unset: the procedure's own, else `default_drain_s`
  bool no_self_test = false;

  std::string capture;
  double speed = 1;
  std::uint64_t loops = 1;
  bool has_rate = false;  ///< --rate was written
  bool has_speed = false;

  std::string json;
  std::string csv;
  std::string html;
};

/// What the searches have beyond that.
struct SearchOptions {
  std::string max_rate;  ///< empty: measured
  std::string min_rate;
  double trial_s = 0;         ///< 0: the procedure's own
  double search_trial_s = 0;  ///< likewise
  double resolution = 0.005;
  unsigned loss_repeats = 0;
  unsigned repetitions = 0;  ///< 0: the procedure's own
  double pdr_loss = 0.005;
  double max_search_s = 0;
};

}  // namespace portier::load
