/// Finds, reads and applies driver profiles.
#include "control/driver_profile.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "control/schema.hpp"
#include "control/toml_text.hpp"
#include "control/value_reader.hpp"

namespace portier::control {
namespace {

namespace fs = std::filesystem;

using ProfileSetting = SettingOf<DriverProfile>;

const std::array profile_schema{
    ProfileSetting{"",
                   "driver",
                   [](DriverProfile& p) -> Field { return &p.driver; },
                   "",
                   {.most_items = 63, .is_name = true},
                   "",
                   "As in the file's name."},
    ProfileSetting{"",
                   "vdev_prefix",
                   [](DriverProfile& p) -> Field { return &p.vdev_prefix; },
                   "",
                   {.most_items = 63},
                   "none",
                   "DPDK's name of the virtual driver."},
    ProfileSetting{"",
                   "rx_descriptors",
                   [](DriverProfile& p) -> Field { return &p.rx_descriptors; },
                   "descriptors",
                   {.least = 64, .most = 32768, .power_of_two = true},
                   "",
                   "Of a receive queue."},
    ProfileSetting{"",
                   "tx_descriptors",
                   [](DriverProfile& p) -> Field { return &p.tx_descriptors; },
                   "descriptors",
                   {.least = 64, .most = 32768, .power_of_two = true},
                   "",
                   "Of a transmit queue."},
    ProfileSetting{"",
                   "mbufs_per_queue",
                   [](DriverProfile& p) -> Field { return &p.mbufs_per_queue; },
                   "mbufs",
                   {.least = 512, .most = 1048576},
                   "",
                   "Buffers of each receive queue."},
    ProfileSetting{"",
                   "max_rx_queues",
                   [](DriverProfile& p) -> Field { return &p.max_rx_queues; },
                   "queues",
                   {.least = 1, .most = 16},
                   "",
                   "Of the whole device."},
    ProfileSetting{"",
                   "one_queue_per_vdev",
                   [](DriverProfile& p) -> Field { return &p.one_queue_per_vdev; },
                   "",
                   {},
                   "",
                   "Each queue is a vdev."},
    ProfileSetting{"", "rss", [](DriverProfile& p) -> Field { return &p.rss; }, "", {}, "", "Spreads flows by a hash."},
    ProfileSetting{"",
                   "checksum_offload",
                   [](DriverProfile& p) -> Field { return &p.checksum_offload; },
                   "",
                   {},
                   "",
                   "Handles checksums."},
    ProfileSetting{"",
                   "promiscuous",
                   [](DriverProfile& p) -> Field { return &p.promiscuous; },
                   "",
                   {},
                   "",
                   "What the device is asked for."},
    ProfileSetting{"",
                   "rx_counts_misses",
                   [](DriverProfile& p) -> Field { return &p.rx_counts_misses; },
                   "",
                   {},
                   "",
                   "Counts what is lost before us."},
    ProfileSetting{"",
                   "equal_queues",
                   [](DriverProfile& p) -> Field { return &p.equal_queues; },
                   "",
                   {},
                   "",
                   "Wants as many transmit as receive queues."},
    ProfileSetting{"",
                   "keeps_mbufs",
                   [](DriverProfile& p) -> Field { return &p.keeps_mbufs; },
                   "",
                   {},
                   "",
                   "Does not give all packet buffers back when it is closed."},
    ProfileSetting{"",
                   "page_per_mbuf",
                   [](DriverProfile& p) -> Field { return &p.page_per_mbuf; },
                   "",
                   {},
                   "",
                   "Wants no packet buffer to cross a page."},
    ProfileSetting{"",
                   "queues_devarg",
                   [](DriverProfile& p) -> Field { return &p.queues_devarg; },
                   "",
                   {.most_items = 63},
                   "none",
                   "Argument with the number of queues."},
    ProfileSetting{
        "", "devargs", [](DriverProfile& p) -> Field { return &p.devargs; }, "", {}, "none", "Default arguments."},
    ProfileSetting{"",
                   "quirks",
                   [](DriverProfile& p) -> Field { return &p.quirks; },
                   "",
                   {.most_items = 64},
                   "none",
                   "A sentence each."},
};

/// "net_pcap0" -> "pcap": without DPDK's prefix and the number at the end.
std::string driver_of_vdev(std::string_view vdev) {
  auto name = vdev.substr(0, vdev.find(','));
  while (!name.empty() && std::isdigit(static_cast<unsigned char>(name.back()))) name.remove_suffix(1);
  for (const std::string_view prefix : {"net_", "eth_"}) {
    if (name.starts_with(prefix)) return std::string(name.substr(prefix.size()));
  }
  // The front end of the same pair, with the same traits.
  if (name == "virtio_user") return "vhost";
  return std::string(name);
}

bool has_profiles(const fs::path& directory) {
  std::error_code ignored;
  return fs::is_regular_file(directory / "default.toml", ignored);
}

bool names_argument(std::string_view vdev, std::string_view argument) {
  for (auto rest = vdev; !rest.empty();) {
    const auto comma = rest.find(',');
    const auto part = rest.substr(0, comma);
    if (part.substr(0, part.find('=')) == argument) return true;
    rest = comma == rest.npos ? std::string_view{} : rest.substr(comma + 1);
  }
  return false;
}

void append_argument(std::string& device, std::string_view name, std::string_view value) {
  if (!name.empty() && !names_argument(device, name)) device += fmt::format(",{}={}", name, value);
}

void append_defaults(std::string& device, const DriverProfile& profile) {
  for (const auto& [name, value] : profile.devargs) append_argument(device, name, value);
}

}  // namespace

LoadedProfile load_driver_profile(std::string_view name, const std::string& directory) {
  // The name may come from a vdev text; it must not lead out of the directory.
  std::error_code ignored;
  const bool is_known =
      is_name_sound(name) && fs::is_regular_file(fs::path(directory) / fmt::format("{}.toml", name), ignored);
  const std::string stem = is_known ? std::string(name) : "default";
  const auto path = (fs::path(directory) / (stem + ".toml")).string();
  Faults found(path);
  LoadedProfile loaded;
  DriverProfile profile;
  if (const auto text = read_text_file(path, found)) {
    if (const auto root = parse_toml(*text, found)) {
      Places places;
      read_section<DriverProfile>(*root, "", profile_schema, profile, places, found);
      if (!places.contains("driver")) found.fault({}, fmt::format("there is no driver; add driver = \"{}\"", stem));
      else if (!profile.driver.empty() && profile.driver != stem) {
        found.fault(places.at("driver"), fmt::format("driver {} must be as the file is named; write \"{}\"",
                                                     in_quotes(profile.driver), stem));
      }
    }
  }
  loaded.faults = found.take_faults();
  if (loaded.faults.empty()) loaded.profile = std::move(profile);
  return loaded;
}

std::string profile_name(const DeviceSettings& device) {
  if (!device.vdev.empty()) return driver_of_vdev(device.vdev);
  if (!device.interface.empty()) return device.driver.empty() ? "default" : device.driver;
  return device.traffic ? "ring" : "default";
}

std::string drivers_directory() {
  if (const char* named = std::getenv("PORTIER_DRIVERS"); named && *named) return named;
  std::error_code error;
  const auto program = fs::read_symlink("/proc/self/exe", error);
  if (error) return {};
  for (auto directory = program.parent_path();; directory = directory.parent_path()) {
    if (has_profiles(directory / "drivers-config")) return (directory / "drivers-config").string();
    if (directory == directory.parent_path()) break;
  }
  const auto beside = program.parent_path().parent_path() / "share/portier/drivers";
  if (has_profiles(beside)) return beside.string();
  // Programs that embed the router need not lie beside its profiles.
  return has_profiles(PORTIER_INSTALLED_DRIVERS) ? PORTIER_INSTALLED_DRIVERS : std::string{};
}

std::vector<std::string> eal_devices(const DeviceSettings& device, const DriverProfile& profile, unsigned index,
                                     unsigned rx_queues) {
  if (!device.pci.empty()) return {device.pci};
  if (!device.vdev.empty()) {
    auto text = device.vdev;
    append_defaults(text, profile);
    return {text};
  }
  if (device.interface.empty()) return {};
  std::vector<std::string> all;
  for (unsigned queue = 0; queue < (profile.one_queue_per_vdev ? rx_queues : 1); ++queue) {
    auto text = fmt::format("{}{}", profile.vdev_prefix, index);
    if (profile.one_queue_per_vdev) text += fmt::format("_{}", queue);
    append_argument(text, "iface", device.interface);
    if (profile.one_queue_per_vdev) append_argument(text, "start_queue", std::to_string(queue));
    append_argument(text, profile.queues_devarg, std::to_string(rx_queues));
    append_defaults(text, profile);
    all.push_back(std::move(text));
  }
  return all;
}

}  // namespace portier::control
