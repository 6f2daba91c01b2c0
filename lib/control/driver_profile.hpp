/// Driver profiles: what portier knows about each DPDK driver, one file per driver in drivers-config/.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "control/fault.hpp"
#include "control/settings.hpp"

namespace portier::control {

struct DriverProfile {
  std::string driver;       ///< as in the file's name: "af_xdp"
  std::string vdev_prefix;  ///< DPDK's name of a virtual driver, "net_af_xdp"; empty: PCI devices
  unsigned rx_descriptors = 1024;
  unsigned tx_descriptors = 1024;
  unsigned mbufs_per_queue = 4096;             ///< of each receive queue, with what is in flight behind it
  unsigned max_rx_queues = 16;                 ///< of the whole device
  bool one_queue_per_vdev = false;             ///< each queue is a vdev of its own, told apart by `start_queue`
  bool rss = false;                            ///< spreads flows over queues by a hash that we may set
  bool checksum_offload = false;               ///< checks and fills in checksums
  bool promiscuous = false;                    ///< what the device is asked for
  bool rx_counts_misses = false;               ///< imissed tells what was lost before us
  bool equal_queues = false;                   ///< wants as many transmit as receive queues
  bool keeps_mbufs = false;                    ///< does not give all receive buffers back when it is closed
  bool page_per_mbuf = false;                  ///< wants no receive buffer to cross a page
  std::string queues_devarg;                   ///< the argument with the number of queues; empty: none
  std::map<std::string, std::string> devargs;  ///< defaults; what a vdev text says itself comes first
  std::vector<std::string> quirks;             ///< a sentence each, with its reason
};

struct LoadedProfile {
  std::optional<DriverProfile> profile;
  std::vector<Fault> faults;
};

/// Reads DIRECTORY/NAME.toml; where there is no such file, default.toml.
LoadedProfile load_driver_profile(std::string_view name, const std::string& directory);

/// The profile's name by what the device is: "net_pcap0,..." -> "pcap", the driver of an interface, "ring" for the
/// built-in traffic source, "default" for PCI devices.
std::string profile_name(const DeviceSettings& device);

/// $PORTIER_DRIVERS, else drivers-config/ in a parent directory of the program (a build tree), else
/// ../share/portier/drivers beside it, else where portier was configured to be installed. Empty: not found.
std::string drivers_directory();

/// The device strings for EAL, one per ethdev: "0000:3b:00.0", "net_af_packet2,iface=eth1,qpairs=2,...". `index` is
/// the device's place in the configuration and makes names unique. Empty for the traffic source, which is no EAL
/// device.
std::vector<std::string> eal_devices(const DeviceSettings& device, const DriverProfile& profile, unsigned index,
                                     unsigned rx_queues);

}  // namespace portier::control
