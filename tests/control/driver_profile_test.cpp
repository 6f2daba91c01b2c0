/// Driver profiles: every file that is shipped, the choice by device, and what EAL is given.
#include "control/driver_profile.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace portier::control {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const fs::path shipped = fs::path(PORTIER_SOURCE_DIR) / "drivers-config";

DriverProfile profile(std::string_view name) {
  auto loaded = load_driver_profile(name, shipped.string());
  for (const auto& fault : loaded.faults) ADD_FAILURE() << to_text(fault);
  return loaded.profile.value_or(DriverProfile{});
}

TEST(DriverProfiles, EveryShippedFileIsSoundAndInstalled) {
  std::ifstream build(shipped / "meson.build");
  const std::string installed{std::istreambuf_iterator<char>(build), {}};
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(shipped)) {
    if (entry.path().extension() != ".toml") continue;
    const auto stem = entry.path().stem().string();
    names.insert(stem);
    const auto read = profile(stem);
    EXPECT_EQ(read.driver, stem);
    EXPECT_FALSE(read.quirks.empty()) << stem;
    for (const auto& quirk : read.quirks) EXPECT_TRUE(quirk.ends_with('.')) << quirk;
    EXPECT_GE(read.mbufs_per_queue, read.rx_descriptors + read.tx_descriptors) << stem;
    EXPECT_THAT(installed, HasSubstr("'" + stem + ".toml'"));
  }
  EXPECT_THAT(names, testing::IsSupersetOf({"null", "ring", "pcap", "af_packet", "af_xdp", "tap", "vhost", "default"}));
}

TEST(DriverProfiles, KnowWhatWasLearntTheHardWay) {
  const auto xdp = profile("af_xdp");
  EXPECT_TRUE(xdp.one_queue_per_vdev);
  EXPECT_GE(xdp.mbufs_per_queue, 8192u);
  EXPECT_EQ(xdp.devargs.at("busy_budget"), "0");
  EXPECT_TRUE(xdp.rx_counts_misses);
  const auto af_packet = profile("af_packet");
  EXPECT_EQ(af_packet.devargs.at("framecnt"), "4096");
  EXPECT_FALSE(af_packet.rx_counts_misses);
  EXPECT_FALSE(profile("vhost").promiscuous);
}

TEST(DriverProfiles, AreChosenByTheDevice) {
  const auto name_of_vdev = [](const std::string& vdev) { return profile_name({.vdev = vdev}); };
  EXPECT_EQ(name_of_vdev("net_pcap0,rx_pcap=net_null0"), "pcap");
  EXPECT_EQ(name_of_vdev("net_null12"), "null");
  EXPECT_EQ(name_of_vdev("eth_vhost0"), "vhost");
  EXPECT_EQ(name_of_vdev("virtio_user0,path=/x"), "vhost");
  EXPECT_EQ(name_of_vdev("net_af_xdp"), "af_xdp");
  EXPECT_EQ(name_of_vdev("net_memif0"), "memif");
  EXPECT_EQ(profile_name({.pci = "0000:3b:00.0"}), "default");
  EXPECT_EQ(profile_name({.interface = "eth0", .driver = "af_packet"}), "af_packet");
  EXPECT_EQ(profile_name({.traffic = true}), "ring");
}

TEST(DriverProfiles, UnknownDriversHaveTheDefault) {
  EXPECT_EQ(profile("memif").driver, "default");
  EXPECT_EQ(profile("").driver, "default");
  EXPECT_EQ(profile("../drivers-config/null").driver, "default");
}

class ProfileFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "portier-profile-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::vector<std::string> faults(const std::string& text) {
    std::ofstream(directory_ / "x.toml") << text;
    std::vector<std::string> out;
    const auto loaded = load_driver_profile("x", directory_.string());
    EXPECT_NE(loaded.profile.has_value(), !loaded.faults.empty());
    for (const auto& fault : loaded.faults)
      out.push_back(to_text(fault).substr((directory_ / "x.toml").string().size() + 1));
    return out;
  }

  fs::path directory_;
};

TEST_F(ProfileFile, FaultsAreLikeThoseOfSettings) {
  EXPECT_THAT(faults("driver = \"x\"\nrss = true\n[devargs]\na = 1\nb = \"c\"\n"), IsEmpty());
  EXPECT_THAT(
      faults("driver = \"y\"\nrx_descriptors = 1000\nprimiscuous = true\nquirks = [1]\n[devargs]\na = [1]\n"),
      ElementsAre("1:10: driver 'y' must be as the file is named; write \"x\"",
                  HasSubstr("2:18: rx_descriptors cannot be 1000"),
                  "3:1: unknown key 'primiscuous'; did you mean 'promiscuous'?", HasSubstr("4:11: quirks cannot be 1"),
                  HasSubstr("6:5: devargs: option 'a' cannot be a list")));
  EXPECT_THAT(faults("rss = true\n"), ElementsAre(" there is no driver; add driver = \"x\""));
  EXPECT_THAT(faults("rss ="), ElementsAre(HasSubstr("not TOML")));
}

TEST_F(ProfileFile, DirectoryWithoutProfilesIsAFault) {
  const auto loaded = load_driver_profile("pcap", directory_.string());
  ASSERT_THAT(loaded.faults, SizeIs(1));
  EXPECT_THAT(to_text(loaded.faults[0]), HasSubstr("default.toml: cannot be opened"));
}

TEST(DriversDirectory, IsTakenFromTheEnvironment) {
  const char* kept = std::getenv("PORTIER_DRIVERS");
  const std::string value = kept ? kept : "";
  setenv("PORTIER_DRIVERS", "/some/where", 1);
  EXPECT_EQ(drivers_directory(), "/some/where");
  if (kept) setenv("PORTIER_DRIVERS", value.c_str(), 1);
  else unsetenv("PORTIER_DRIVERS");
}

TEST(EalDevices, OfInterfaces) {
  const DeviceSettings packet_device{.interface = "eth1", .driver = "af_packet"};
  EXPECT_THAT(eal_devices(packet_device, profile("af_packet"), 2, 3),
              ElementsAre("net_af_packet2,iface=eth1,qpairs=3,blocksz=4096,framecnt=4096,framesz=2048"));
  const DeviceSettings xdp_device{.interface = "eth1", .driver = "af_xdp"};
  EXPECT_THAT(eal_devices(xdp_device, profile("af_xdp"), 0, 2),
              ElementsAre("net_af_xdp0_0,iface=eth1,start_queue=0,busy_budget=0",
                          "net_af_xdp0_1,iface=eth1,start_queue=1,busy_budget=0"));
}

TEST(EalDevices, OfOthers) {
  EXPECT_THAT(eal_devices({.pci = "0000:3b:00.0"}, profile("default"), 0, 4), ElementsAre("0000:3b:00.0"));
  EXPECT_THAT(eal_devices({.vdev = "net_pcap0,rx_pcap=a"}, profile("pcap"), 0, 1), ElementsAre("net_pcap0,rx_pcap=a"));
  EXPECT_THAT(eal_devices({.vdev = "net_af_packet0,iface=x,framecnt=512"}, profile("af_packet"), 0, 1),
              ElementsAre("net_af_packet0,iface=x,framecnt=512,blocksz=4096,framesz=2048"));
  EXPECT_THAT(eal_devices({.traffic = true}, profile("ring"), 0, 1), IsEmpty());
}

}  // namespace
}  // namespace portier::control
