/// Options: what is sound becomes a setup, what is not becomes a sentence; and cores by what there is.
#include "load_setup.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "recording.hpp"

namespace portier::load {
namespace {

class LoadSetupTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { setenv("PORTIER_DRIVERS", PORTIER_SOURCE_DIR "/drivers-config", /*overwrite=*/1); }
};

/// The first fault, or nothing.
std::string fault_of(const LoadOptions& options) {
  const auto checked = check_options(options);
  EXPECT_NE(checked.setup.has_value(), !checked.faults.empty());
  return checked.faults.empty() ? std::string() : checked.faults.front();
}

TEST_F(LoadSetupTest, DefaultsAreSound) {
  EXPECT_EQ(fault_of({}), "");
  EXPECT_EQ(fault_of({.device = {.vdev = "net_null0"}, .send_only = true, .rate = "max"}), "");
}

TEST_F(LoadSetupTest, AttacksNeedADeviceThatIsNamed) {
  EXPECT_NE(fault_of({.services = "tcp/80", .syn_flood = true}), "");
  EXPECT_NE(fault_of({.scan_closed = "udp/1-100"}), "");
  EXPECT_EQ(fault_of({.device = {.vdev = "net_null0"}, .services = "tcp/80", .syn_flood = true}), "");
  EXPECT_EQ(fault_of({.device = {.vdev = "net_null0"}, .scan_closed = "udp/1-100"}), "");
  EXPECT_NE(fault_of({.device = {.vdev = "net_null0"}, .services = "udp/80", .syn_flood = true}), "");
}

TEST_F(LoadSetupTest, FaultsAreSentences) {
  const LoadOptions bad[] = {
      {.rate = "0"},
      {.rate = "-5"},
      {.rate = "nan"},
      {.rate = "1e30"},
      {.rate = "fast"},
      {.services = "udp/nosuchservice"},
      {.popularity = "often"},
      {.size = "12"},
      {.sources = {"300.1.1.1"}},
      {.sources = {"10.0.0.0/4"}},
      {.destinations = {"here"}},
      {.src_ports = "9-1"},
      {.src_mac = "02:00"},
      {.dst_mac = "zz:00:00:00:00:00"},
      {.vlan = 4096},
      {.duration_s = 0},
      {.duration_s = std::nan("")},
      {.pattern = "sometimes"},
      {.pattern = "ramp"},
      {.pattern = "bursts", .burst_packets = 0},
      {.ramp_to = "100"},
      {.device_burst = 65},
      {.drain_s = -1},
      {.device = {.vdev = "net_null0", .interface = "eth0"}},
      {.device = {.interface = "eth0", .driver = "fast"}, .dst_mac = "02:00:00:00:00:02"},
      {.device = {.interface = "lo0"}},
      {.device = {.pci = "zz"}},
      {.device = {.vdev = "net_null0"}, .rx_device = {.vdev = "net_null0"}},
      {.cores = 3},
  };
  for (const auto& options : bad) {
    const auto fault = fault_of(options);
    EXPECT_GT(fault.size(), 20U) << fault;
  }
}

TEST_F(LoadSetupTest, AllFaultsAtOnce) {
  EXPECT_EQ(check_options({.services = "x", .size = "1", .rate = "0"}).faults.size(), 3U);
}

TEST_F(LoadSetupTest, RatesHaveUnits) {
  std::vector<std::string> faults;
  EXPECT_EQ(read_rate("1000", "--rate", faults), 1000);
  EXPECT_EQ(read_rate("250k", "--rate", faults), 250e3);
  EXPECT_EQ(read_rate("1.5M", "--rate", faults), 1.5e6);
  EXPECT_EQ(read_rate("0.5", "--rate", faults), 0.5);
  EXPECT_TRUE(std::isinf(read_rate("max", "--rate", faults)));
  EXPECT_TRUE(faults.empty());
}

TEST_F(LoadSetupTest, SourcesAreFromTheAddressToTheEndOfItsPrefix) {
  const auto checked = check_options({.sources = {"10.0.0.10/24", "2001:db8::/120"}, .src_ports = "5000"});
  ASSERT_TRUE(checked.setup);
  EXPECT_EQ(checked.setup->traffic.sources.addresses4, 246U);
  EXPECT_EQ(checked.setup->traffic.sources.ports, 1U);
}

TEST(ChooseCores, LeavesACpuToTheSystemAndSaysWhatItCosts) {
  const std::vector<unsigned> four{0, 1, 2, 3};
  const std::vector<unsigned> two{0, 1};
  const std::vector<unsigned> one{5};
  auto choice = choose_cores(four, 0, true);
  EXPECT_EQ(choice.sender_cpu, 2U);
  EXPECT_EQ(choice.receiver_cpu, 3U);
  EXPECT_EQ(choice.control_cpus, (std::vector<unsigned>{0, 1}));
  EXPECT_TRUE(choice.marks.empty());
  choice = choose_cores(two, 0, true);
  EXPECT_FALSE(choice.receiver_cpu);
  EXPECT_EQ(choice.control_cpus, std::vector<unsigned>{0});
  EXPECT_EQ(choice.marks, std::vector<std::string>{"one-core-sends-and-receives"});
  choice = choose_cores(two, 2, true);
  EXPECT_EQ(choice.receiver_cpu, 1U);
  EXPECT_EQ(choice.marks, std::vector<std::string>{"no-cpu-left-for-the-system"});
  choice = choose_cores(one, 0, true);
  EXPECT_EQ(choice.marks.size(), 2U);
  choice = choose_cores(one, 2, true);
  EXPECT_EQ(choice.marks.front(), "sender-and-receiver-share-a-cpu");
  choice = choose_cores(two, 2, false);
  EXPECT_FALSE(choice.receiver_cpu);
  EXPECT_TRUE(choice.marks.empty());
}

}  // namespace
}  // namespace portier::load
