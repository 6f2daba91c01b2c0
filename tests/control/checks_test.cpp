/// The checks over the whole: one small configuration a case, with all of its faults and warnings.
#include "control/checks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <ostream>
#include <random>

namespace portier::control {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string device = "[[device]]\nname = \"d\"\nvdev = \"net_null0\"\n";

std::string service(const std::string& name, const std::string& bindings, const std::string& rest = "") {
  return "[[service]]\nname = \"" + name + "\"\nbindings = [" + bindings + "]\ndeliver = \"echo\"\n" + rest;
}

const std::string shared =
    "[[device]]\nname = \"d\"\ninterface = \"e\"\ndriver = \"af_xdp\"\nshare = true\naddresses = [\"192.0.2.1/24\"]\n";

std::string shared_with_addresses(int count) {
  std::string addresses;
  for (int i = 0; i < count; ++i) addresses += (i == 0 ? "\"10.0.0." : ", \"10.0.0.") + std::to_string(i) + "/24\"";
  return "[[device]]\nname = \"d\"\ninterface = \"e\"\ndriver = \"af_xdp\"\nshare = true\naddresses = [" + addresses +
         "]\n" + service("a", "\"udp/1\"");
}

std::vector<std::string> texts(const std::vector<Fault>& faults) {
  std::vector<std::string> out;
  for (const auto& fault : faults) out.push_back(to_text(fault).substr(1));
  return out;
}

struct Case {
  std::string what;
  std::string text;
  std::vector<std::string> faults;  ///< beginnings, from their places on
  std::vector<std::string> warnings = {};
  std::vector<unsigned> cpus = {};
};
void PrintTo(const Case& test, std::ostream* out) { *out << test.what; }

class Checks : public testing::TestWithParam<Case> {};

TEST_P(Checks, FindsExactly) {
  const auto& expected = GetParam();
  const auto loaded = parse_checked(expected.text, "", {built_in_handlers(), expected.cpus});
  const auto begins = [](const std::vector<std::string>& all) {
    std::vector<testing::Matcher<std::string>> out;
    for (const auto& text : all) out.push_back(testing::StartsWith(text));
    return out;
  };
  EXPECT_THAT(texts(loaded.faults), ElementsAreArray(begins(expected.faults)));
  EXPECT_THAT(texts(loaded.warnings), ElementsAreArray(begins(expected.warnings)));
  EXPECT_EQ(loaded.settings.has_value(), expected.faults.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Devices, Checks,
    testing::Values(
        Case{"nothing at all",
             "",
             {" no device: nothing could be received; add a [[device]]"},
             {" no service: every port is closed"},
             {0}},
        Case{"nothing at all, and nothing will run here", "", {}, {" no service: every port is closed"}},
        Case{"everything closed is allowed", device, {}, {" no service: every port is closed"}},
        Case{"sound", device + service("a", "\"udp/1\""), {}},
        Case{"device of no kind",
             "[[device]]\nname = \"d\"\n" + service("a", "\"udp/1\""),
             {"1:1: device 'd' is nothing yet; add one of pci, vdev, interface or traffic = true"}},
        Case{"traffic = false is no kind",
             "[[device]]\nname = \"d\"\ntraffic = false\n" + service("a", "\"udp/1\""),
             {"1:1: device 'd' is nothing yet"}},
        Case{"traffic = 1 is only a wrong value",
             "[[device]]\nname = \"d\"\ntraffic = 1\n" + service("a", "\"udp/1\""),
             {"3:11: device[].traffic cannot be 1"}},
        Case{"a wrong pci is only a wrong value",
             "[[device]]\nname = \"d\"\npci = 1\n" + service("a", "\"udp/1\""),
             {"3:7: device[].pci cannot be 1"}},
        Case{"device of two kinds",
             "[[device]]\nname = \"d\"\nvdev = \"net_null0\"\npci = \"0000:01:00.0\"\n" + service("a", "\"udp/1\""),
             {"3:8: device 'd' cannot be pci and vdev at once; keep one of them"}},
        Case{"device and traffic",
             "[[device]]\nname = \"d\"\nvdev = \"net_null0\"\ntraffic = true\n" + service("a", "\"udp/1\""),
             {"4:11: device 'd' cannot be vdev and traffic at once"}},
        Case{"same name",
             device + "[[device]]\nname = \"d\"\nvdev = \"net_null1\"\n" + service("a", "\"udp/1\""),
             {"5:8: device 'd' exists already, at line 2; give this one another name"}},
        Case{"interface without driver",
             "[[device]]\nname = \"d\"\ninterface = \"eth0\"\n" + service("a", "\"udp/1\""),
             {"3:13: device 'd' has an interface without a driver; add driver = \"af_xdp\", or \"af_packet\""}},
        Case{"driver without interface",
             device + "driver = \"af_xdp\"\n" + service("a", "\"udp/1\""),
             {"4:10: device 'd' has a driver without an interface"}},
        Case{"shared with the kernel",
             "[[device]]\nname = \"d\"\ninterface = \"eth0\"\ndriver = \"af_xdp\"\nshare = true\naddresses = "
             "[\"192.0.2.1/24\"]\n" +
                 service("a", "\"udp/1\""),
             {}},
        Case{"shared by a driver that sees copies",
             "[[device]]\nname = \"d\"\ninterface = \"eth0\"\ndriver = \"af_packet\"\nshare = true\n" +
                 service("a", "\"udp/1\""),
             {"5:9: device 'd' cannot be shared with the kernel; only an interface with driver = \"af_xdp\" can"}},
        Case{"shared vdev",
             device + "share = true\n" + service("a", "\"udp/1\""),
             {"4:9: device 'd' cannot be shared with the kernel"}},
        Case{"shared = false says nothing", device + "share = false\n" + service("a", "\"udp/1\""), {}},
        Case{"shared without addresses",
             "[[device]]\nname = \"d\"\ninterface = \"eth0\"\ndriver = \"af_xdp\"\nshare = true\n" +
                 service("a", "\"udp/1\""),
             {"5:9: device 'd' shares nothing yet; add addresses"}},
        Case{"shared, but SSH is taken",
             shared + service("a", "\"udp/22\", \"tcp/198.51.100.0/24:22\", \"tcp/20-30\""),
             {},
             {"9:49: binding 'tcp/20-30' takes port 22, SSH, from the kernel on device 'd'"}},
        Case{"shared addresses, too many",
             shared_with_addresses(65),
             {"6:13: device 'd' is shared with the kernel, and then at most 64 addresses can be its own"}},
        Case{"shared addresses, as many as can be", shared_with_addresses(64), {}},
        Case{"unknown driver",
             "[[device]]\nname = \"d\"\ninterface = \"eth0\"\ndriver = \"dpdk\"\n" + service("a", "\"udp/1\""),
             {"4:10: 'dpdk' does not drive interfaces; write \"af_xdp\" or \"af_packet\""}},
        Case{"forms",
             "[[device]]\nname = \"a\"\npci = \"eth0\"\n[[device]]\nname = \"b\"\nvdev = \",x\"\n[[device]]\nname = "
             "\"c\"\ninterface = \"a/b\"\ndriver = \"af_xdp\"\n" +
                 service("a", "\"udp/1\""),
             {"3:7: 'eth0' is not a PCI address", "6:8: ',x' is not a virtual device",
              "9:13: 'a/b' is not an interface name"}},
        Case{"same pci in two forms",
             "[[device]]\nname = \"a\"\npci = \"0000:3B:00.0\"\n[[device]]\nname = \"b\"\npci = \"3b:00.0\"\n" +
                 service("a", "\"udp/1\""),
             {"6:7: pci '0000:3b:00.0' belongs to another device already, at line 3"}},
        Case{"same interface",
             "[[device]]\nname = \"a\"\ninterface = \"e\"\ndriver = \"af_xdp\"\n[[device]]\nname = \"b\"\ninterface = "
             "\"e\"\ndriver = \"af_packet\"\n" +
                 service("a", "\"udp/1\""),
             {"7:13: interface 'e' belongs to another device already, at line 3"}},
        Case{"same vdev",
             device + "[[device]]\nname = \"b\"\nvdev = \"net_null0,size=64\"\n" + service("a", "\"udp/1\""),
             {"6:8: vdev 'net_null0' belongs to another device already, at line 3"}},
        Case{"same address",
             device + "addresses = [\"192.0.2.1/24\", \"192.0.2.1/25\"]\n" + service("a", "\"udp/1\""),
             {"4:30: address 192.0.2.1 is ours already, at line 4"}},
        Case{"two sources",
             "[[device]]\nname = \"a\"\ntraffic = true\n[[device]]\nname = \"b\"\ntraffic = true\n" +
                 service("a", "\"udp/1\""),
             {"6:11: only one device can be the traffic source, and line 3 has it; remove this one"}},
        Case{"traffic without source",
             device + service("a", "\"udp/1\"") + "[traffic]\n",
             {},
             {"8:2: [traffic] does nothing, as no device has traffic = true"}}));

INSTANTIATE_TEST_SUITE_P(
    Services, Checks,
    testing::Values(Case{"same name",
                         device + service("a", "\"udp/1\"") + service("a", "\"udp/2\""),
                         {"9:8: service 'a' exists already, at line 5"}},
                    Case{"reserved names",
                         device + service("answer", "\"udp/1\"") + service("closed", "\"udp/2\""),
                         {"5:8: service name 'answer' is taken by portier itself",
                          "9:8: service name 'closed' is taken by portier itself"}},
                    Case{"unknown handlers",
                         device + "[[service]]\nname = \"a\"\nbindings = [\"udp/1\"]\ndeliver = [\"ehco\", { handler = "
                                  "\"zzzzz\" }, \"answer\"]\n",
                         {"7:12: unknown handler 'ehco'; did you mean 'echo'?",
                          "7:20: unknown handler 'zzzzz'; write one of: ", "7:43: handler 'answer' works by itself"}},
                    Case{"same binding",
                         device + service("a", "\"udp/1\"") + service("b", "\"tcp/1\", \"udp/1\""),
                         {"10:22: binding 'udp/1' of service 'b' conflicts with 'udp/1' of service 'a' at line 6: "
                          "neither is more specific; remove one of the two"}},
                    Case{"same binding twice in one service",
                         device + service("a", "\"tcp/443\", \"tcp/https\""),
                         {"6:24: binding 'tcp/443' of service 'a' conflicts with 'tcp/443' of service 'a' at line 6"}},
                    Case{"overlapping ranges of one length",
                         device + service("a", "\"udp/20-30\"") + service("b", "\"udp/10-20\""),
                         {"10:13: binding 'udp/10-20' of service 'b' conflicts with 'udp/20-30' of service 'a' at line "
                          "6: neither is more specific; make the ranges disjoint, or one of them narrower"}},
                    Case{"a narrower range wins",
                         device + service("a", "\"udp/20-30\"") + service("b", "\"udp/10-40\", \"udp/25\", \"udp/*\""),
                         {}},
                    Case{"a longer prefix wins",
                         device + service("a", "\"udp/192.0.2.0/24:1\"") +
                             service("b", "\"udp/1\", \"udp/0.0.0.0/0:1\", \"udp/[::/0]:1\", \"udp/192.0.2.1:1\""),
                         {}},
                    Case{"same prefix",
                         device + service("a", "\"udp/[2001:db8::/32]:*\"") +
                             service("b", "\"udp/[2001:DB8::/32]:0-65535\""),
                         {"10:13: binding 'udp/[2001:db8::/32]:*' of service 'b' conflicts with "
                          "'udp/[2001:db8::/32]:*' of service 'a' at line 6"}},
                    Case{"every fault at once",
                         "[[device]]\nname = \"d\"\n[[service]]\nname = \"a\"\nbindings = [\"udp/x y\", \"udp/1\", "
                         "\"udp/1\"]\ndeliver = \"dorp\"\nworker = [1]\n",
                         {"1:1: device 'd' is nothing yet", "5:13: 'udp/x y' contains blanks; a binding has none",
                          "5:33: binding 'udp/1' of service 'a' conflicts", "6:11: unknown handler 'dorp'",
                          "7:1: unknown key 'worker'"}}));

INSTANTIATE_TEST_SUITE_P(
    Cores, Checks,
    testing::Values(
        Case{"worker that is none",
             "[router]\nworker_cores = [2, 3]\n" + device + service("a", "\"udp/1\"", "workers = [3, 1]\n"),
             {"10:11: CPU 1 is not among router.worker_cores; write some of: 2, 3"}},
        Case{"run-to-completion",
             "[router]\nmode = \"run-to-completion\"\nrx_cores = [2, 3]\n" + device +
                 service("a", "\"udp/1\"", "workers = [1]\n"),
             {"11:11: CPU 1 is not among router.rx_cores; write some of: 2, 3"}},
        Case{
            "computed plan",
            device + service("a", "\"udp/1\"", "workers = [0]\n"),
            {"8:11: CPU 0 delivers nothing by the computed core plan; write some of: 2, 3, or set router.worker_cores"},
            {},
            {0, 1, 2, 3}},
        Case{"shared cores are allowed",
             "[router]\nrx_cores = [0]\nworker_cores = [0, 1]\n" + device + service("a", "\"udp/1\""),
             {},
             {"3:16: CPU 0 is both an rx core and a worker core"}},
        Case{"CPU that is not there",
             "[router]\nrx_cores = [0]\nworker_cores = [7]\n" + device + service("a", "\"udp/1\""),
             {"3:16: router.worker_cores: CPU 7 does not exist or is not allowed here; available are: 0, 1"},
             {},
             {0, 1}}));

INSTANTIATE_TEST_SUITE_P(
    ClosedPorts, Checks,
    testing::Values(Case{"kernel beside af_packet",
                         "[[device]]\nname = \"d\"\ninterface = \"e\"\ndriver = \"af_packet\"\n" +
                             service("a", "\"udp/1\"") + "[closed_ports]\naction = \"kernel\"\n",
                         {}},
                    Case{"kernel beside af_xdp",
                         "[[device]]\nname = \"d\"\ninterface = \"e\"\ndriver = \"af_xdp\"\n" +
                             service("a", "\"udp/1\"") + "[closed_ports]\naction = \"kernel\"\n",
                         {"10:10: closed_ports.action = \"kernel\" needs the kernel to have its own copy of each "
                          "packet, which only driver = \"af_packet\" gives, and device 'd' at line 1"}},
                    Case{"kernel beside a shared device",
                         shared + service("a", "\"udp/1\"") + "[closed_ports]\naction = \"kernel\"\n",
                         {}},
                    Case{"reject beside a shared device",
                         shared + service("a", "\"udp/1\"") + "[closed_ports]\naction = \"reject\"\n",
                         {},
                         {"12:10: closed_ports.action does not reach device 'd' at line 1"}},
                    Case{"kernel beside a vdev",
                         device + service("a", "\"udp/1\"") + "[closed_ports]\naction = \"kernel\"\n",
                         {"9:10: closed_ports.action = \"kernel\" needs"}}));

/// The sweep finds a conflict where looking at each pair finds one, and names no sound binding.
TEST(CheckBindings, AgreesWithEveryPair) {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    ServiceSettings one{.name = "s"};
    for (unsigned i = 0; i < 12; ++i) {
      table::Binding binding;
      binding.transport = random() % 2 ? packet::Transport::udp : packet::Transport::tcp;
      binding.first_port = static_cast<std::uint16_t>(random() % 100);
      binding.last_port = static_cast<std::uint16_t>(binding.first_port + random() % 3 * 4);
      if (random() % 2)
        binding.destination =
            packet::canonical({packet::ipv4(0xc0000200), static_cast<std::uint8_t>(random() % 2 * 8 + 16)});
      one.bindings.push_back({"", binding, {i + 1, 1}});
    }
    std::vector<bool> in_conflict(one.bindings.size() + 1);
    bool any = false;
    for (std::size_t i = 0; i < one.bindings.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!table::conflict(one.bindings[i].binding, one.bindings[j].binding)) continue;
        any = in_conflict[i + 1] = in_conflict[j + 1] = true;
      }
    }
    Faults found("");
    check_bindings({&one, 1}, found);
    const auto faults = found.take_faults();
    EXPECT_EQ(!faults.empty(), any);
    for (const auto& fault : faults) EXPECT_TRUE(in_conflict[fault.place.line]) << fault.message;
  }
}

TEST(CheckBindings, SixtyFiveThousandAreNoMatter) {
  std::vector<ServiceSettings> services(1);
  for (unsigned port = 0; port < 65536; ++port) {
    table::Binding binding;
    binding.first_port = binding.last_port = static_cast<std::uint16_t>(port == 65535 ? 0 : port);
    services[0].bindings.push_back({"", binding, {port + 1, 1}});
  }
  Faults found("");
  const auto start = std::chrono::steady_clock::now();
  check_bindings(services, found);
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(found.take_faults().size(), 1u);
  EXPECT_LT(took, std::chrono::seconds(2));  // every pair: 2^31 of them
}

TEST(CheckBindings, WholeFileOfDistinctBindingsIsReadInTime) {
  std::string text = device + "[[service]]\nname = \"a\"\ndeliver = \"echo\"\nbindings = [\n";
  for (unsigned port = 0; port < 65536; ++port) text += "\"udp/" + std::to_string(port) + "\",\n";
  const auto start = std::chrono::steady_clock::now();
  const auto loaded = parse_checked(text + "]\n", "", {built_in_handlers(), {}});
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_TRUE(loaded.settings);
  EXPECT_LT(took, std::chrono::seconds(10));
}

TEST(CheckSettings, KnowsRegisteredHandlers) {
  const auto text = device + "[[service]]\nname = \"a\"\nbindings = [\"udp/1\"]\ndeliver = \"mine\"\n";
  EXPECT_FALSE(parse_checked(text, "", {built_in_handlers(), {}}).settings);
  EXPECT_TRUE(parse_checked(text, "", {{"mine"}, {}}).settings);
}

TEST(CheckSettings, TextThatIsNoTomlIsOneFault) {
  EXPECT_THAT(texts(parse_checked("[", "", {built_in_handlers(), {}}).faults), ElementsAre(HasSubstr("not TOML")));
  EXPECT_THAT(texts(load_checked("/nowhere/at/all", {}).warnings), IsEmpty());
}

}  // namespace
}  // namespace portier::control
