/// From TOML to settings: every value, every fault with its line and column.
#include "control/settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>
#include <vector>

#include "control/address_text.hpp"

namespace portier::control {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

/// "line:column: message" of each fault.
std::vector<std::string> faults_of(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& fault : parse_settings(text, "").faults) out.push_back(to_text(fault).substr(1));
  return out;
}

constexpr std::string_view everything = R"(# every key there is
[router]
mode = "run-to-completion"
rx_cores = [1, 3]
worker_cores = []
burst = 64
idle = "spin"
ring_slots = 256
memory_mb = 64
hugepages = true
max_faults = 1
watchdog_ms = 0

[[device]]
name = "lan"
interface = "eth1"
driver = "af_packet"
addresses = ["192.0.2.10/24", "2001:db8::10/64"]
rx_queues = 2
rx_descriptors = 512
tx_descriptors = 256

[[device]]
name = "wan"
pci = "0000:3b:00.0"

[[device]]
name = "file"
vdev = "net_pcap0,rx_pcap=in.pcap"

[[device]]
name = "source"
traffic = true

[[service]]
name = "dns"
bindings = [
  "udp/53",
  "tcp/[2001:db8::/32]:443",
]
deliver = ["echo", { handler = "count", text = "a", whole = 1, part = 0.5, yes = true }]
workers = [3]

[[service]]
name = "web"
bindings = ["tcp/80"]
deliver = "drop"

[[service]]
name = "one-table"
bindings = ["tcp/81"]
deliver = { handler = "echo", k = "v" }

[closed_ports]
action = "kernel"
reject_rate_pps = 0

[fragments]
datagrams = 16
waiting = 0
timeout_ms = 10

[traffic]
seed = 42
rate_pps = 0
zipf = 0.5
closed_share = 1
fragment_share = 0.0
malformed_share = 0.25
ipv6_share = 1.0
flows = 1
)";

TEST(Settings, EveryKeyIsRead) {
  const auto loaded = parse_settings(everything, "all.toml");
  ASSERT_TRUE(loaded.settings) << to_text(loaded.faults.front());
  const auto& s = *loaded.settings;
  EXPECT_EQ(s.file, "all.toml");
  EXPECT_EQ(s.router.mode, Mode::run_to_completion);
  EXPECT_THAT(s.router.rx_cores, ElementsAre(1, 3));
  EXPECT_THAT(s.router.worker_cores, IsEmpty());
  EXPECT_EQ(s.router.burst, 64);
  EXPECT_EQ(s.router.idle, Idle::spin);
  EXPECT_EQ(s.router.ring_slots, 256);
  EXPECT_EQ(s.router.memory_mb, 64);
  EXPECT_TRUE(s.router.hugepages);
  EXPECT_EQ(s.router.max_faults, 1);
  EXPECT_EQ(s.router.watchdog_ms, 0);
  EXPECT_EQ(s.router.place, (Place{2, 2}));
  EXPECT_EQ(s.router.places.at("burst"), (Place{6, 9}));
  ASSERT_THAT(s.devices, SizeIs(4));
  EXPECT_EQ(s.devices[0].interface, "eth1");
  EXPECT_EQ(s.devices[0].driver, "af_packet");
  ASSERT_THAT(s.devices[0].addresses, SizeIs(2));
  EXPECT_EQ(to_text(s.devices[0].addresses[1].address), "2001:db8::10");
  EXPECT_EQ(s.devices[0].addresses[1].prefix_length, 64);
  EXPECT_EQ(s.devices[0].addresses[1].place, (Place{18, 31}));
  EXPECT_EQ(s.devices[0].rx_queues, 2u);
  EXPECT_EQ(s.devices[0].rx_descriptors, 512u);
  EXPECT_EQ(s.devices[0].tx_descriptors, 256u);
  EXPECT_EQ(s.devices[0].place, (Place{14, 1}));
  EXPECT_EQ(s.devices[1].pci, "0000:3b:00.0");
  EXPECT_EQ(s.devices[2].vdev, "net_pcap0,rx_pcap=in.pcap");
  EXPECT_TRUE(s.devices[3].traffic);
  EXPECT_EQ(s.devices[3].rx_queues, std::nullopt);
  ASSERT_THAT(s.services, SizeIs(3));
  ASSERT_THAT(s.services[0].bindings, SizeIs(2));
  EXPECT_EQ(s.services[0].bindings[1].text, "tcp/[2001:db8::/32]:443");
  EXPECT_EQ(s.services[0].bindings[1].binding.first_port, 443);
  EXPECT_EQ(s.services[0].bindings[1].place, (Place{39, 3}));
  ASSERT_THAT(s.services[0].deliver, SizeIs(2));
  EXPECT_EQ(s.services[0].deliver[1].handler, "count");
  EXPECT_EQ(s.services[0].deliver[1].options,
            (std::map<std::string, std::string>{{"text", "a"}, {"whole", "1"}, {"part", "0.5"}, {"yes", "true"}}));
  EXPECT_THAT(s.services[0].workers, ElementsAre(3));
  ASSERT_THAT(s.services[1].deliver, SizeIs(1));
  EXPECT_EQ(s.services[1].deliver[0].handler, "drop");
  ASSERT_THAT(s.services[2].deliver, SizeIs(1));
  EXPECT_EQ(s.services[2].deliver[0].options.at("k"), "v");
  EXPECT_EQ(s.closed_ports.action, ClosedAction::kernel);
  EXPECT_EQ(s.closed_ports.reject_rate_pps, 0);
  EXPECT_EQ(s.fragments.datagrams, 16);
  EXPECT_EQ(s.fragments.waiting, 0);
  EXPECT_EQ(s.fragments.timeout_ms, 10);
  EXPECT_EQ(s.traffic.seed, 42);
  EXPECT_EQ(s.traffic.rate_pps, 0);
  EXPECT_EQ(s.traffic.zipf, 0.5);
  EXPECT_EQ(s.traffic.closed_share, 1);
  EXPECT_EQ(s.traffic.malformed_share, 0.25);
  EXPECT_EQ(s.traffic.flows, 1);
}

TEST(Settings, NothingWrittenIsAllDefaults) {
  const auto loaded = parse_settings("", "empty.toml");
  ASSERT_TRUE(loaded.settings);
  EXPECT_EQ(loaded.settings->router.burst, RouterSettings{}.burst);
  EXPECT_EQ(loaded.settings->router.mode, std::nullopt);
  EXPECT_THAT(loaded.settings->devices, IsEmpty());
}

TEST(Settings, EveryFaultInOnePassSortedByPlace) {
  EXPECT_THAT(
      faults_of(R"([router]
burst = 65
bursts = 1
idle = "adaptiv"
[[device]]
nmae = "lan"
[[service]]
name = "A"
bindngs = ["udp/1"]
deliver = []
)"),
      ElementsAre("2:9: router.burst cannot be 65; write a whole number from 1 to 64",
                  "3:1: unknown key 'bursts'; did you mean 'burst'?",
                  "4:8: router.idle cannot be 'adaptiv'; did you mean \"adaptive\"?",
                  "5:1: this [[device]] has no name; add name = \"a-name\"",
                  "6:1: unknown key 'nmae'; did you mean 'name'?",
                  "7:1: this [[service]] has no bindings; add bindings = [\"udp/53\"]",
                  "8:8: service[].name cannot be 'A'; write a name of 1 to 63 of the letters a-z, 0-9, _ and -, "
                  "starting with a-z or 0-9",
                  "9:1: unknown key 'bindngs'; did you mean 'bindings'?",
                  "10:11: service[].deliver is empty; write at least one handler, such as \"echo\""));
}

struct Wrong {
  std::string text;
  std::string says;  ///< the one fault, from its place on
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.text.substr(0, 60); }

class WrongSettings : public testing::TestWithParam<Wrong> {};

TEST_P(WrongSettings, HasOneFaultAtItsPlace) {
  const auto faults = faults_of(GetParam().text);
  ASSERT_THAT(faults, SizeIs(1)) << testing::PrintToString(faults);
  EXPECT_TRUE(faults[0].starts_with(GetParam().says)) << faults[0];
}

std::string in_router(const std::string& line) { return "[router]\n" + line; }
std::string in_device(const std::string& line) { return "[[device]]\nname = \"a\"\n" + line; }
std::string in_service(const std::string& line) {
  std::string text = "[[service]]\n" + line;
  for (const std::string rest : {"name = \"a\"", "bindings = [\"udp/1\"]", "deliver = \"echo\""}) {
    if (!line.starts_with(rest.substr(0, rest.find('=')))) text += "\n" + rest;
  }
  return text;
}

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongSettings,
    testing::Values(
        Wrong{"burst = 32", "1:1: unknown key 'burst' here; it belongs in [router]"},
        Wrong{"name = \"a\"", "1:1: unknown key 'name' here; it belongs in [[device]]"},
        Wrong{"[routr]", "1:2: unknown key 'routr'; did you mean 'router'?"},
        Wrong{"[closed-ports]", "1:2: unknown key 'closed-ports'; did you mean 'closed_ports'?"},
        Wrong{"zzz = 1",
              "1:1: unknown key 'zzz'; write one of: router, device, service, closed_ports, fragments, traffic"},
        Wrong{in_router("\"\" = 1"), "2:1: unknown key ''; write one of: mode, "},
        Wrong{in_router("pci = 1"), "2:1: unknown key 'pci' here; it belongs in [[device]]"},
        Wrong{"router = 1", "1:10: router must be one table; write [router]"}, Wrong{"[[router]]", "1:"},
        Wrong{"[device]\nname = \"a\"", "1:1: device must be a list of tables; write [[device]] with two brackets"},
        Wrong{"service = [1]", "1:12: service must be a list of tables; write [[service]]"}));

INSTANTIATE_TEST_SUITE_P(
    Values, WrongSettings,
    testing::Values(
        Wrong{in_router("mode = \"pipelin\""), "2:8: router.mode cannot be 'pipelin'; did you mean \"pipeline\"?"},
        Wrong{in_router("mode = 1"), "2:8: router.mode cannot be 1; write \"pipeline\" or \"run-to-completion\""},
        Wrong{in_router("burst = \"32\""), "2:9: router.burst cannot be '32'; write a whole number from 1 to 64"},
        Wrong{in_router("burst = 0"), "2:9: router.burst cannot be 0; "},
        Wrong{in_router("burst = -1"), "2:9: router.burst cannot be -1; "},
        Wrong{in_router("burst = 1.5"), "2:9: router.burst cannot be 1.5; "},
        Wrong{in_router("burst = 9223372036854775807"), "2:9: router.burst cannot be 9223372036854775807; "},
        Wrong{in_router("burst = 1979-05-27"), "2:9: router.burst cannot be a date; "},
        Wrong{in_router("ring_slots = 1000"), "2:14: router.ring_slots cannot be 1000; write a power of two"},
        Wrong{in_router("hugepages = 1"), "2:13: router.hugepages cannot be 1; write true or false"},
        Wrong{in_router("rx_cores = 1"), "2:12: router.rx_cores cannot be 1; write a list of at most 16 whole numbers"},
        Wrong{in_router("rx_cores = [0, 1, 0]"), "2:19: router.rx_cores has 0 twice; remove one"},
        Wrong{in_router("rx_cores = [0, -1]"), "2:16: router.rx_cores cannot be -1; "},
        Wrong{in_router("worker_cores = [[1]]"), "2:17: router.worker_cores cannot be a list; "},
        Wrong{in_router("rx_cores = [0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]"),
              "2:51: router.rx_cores has 17 items; at most 16"},
        Wrong{in_device("pci = \"\""), "3:7: device[].pci cannot be ''; write a text of 1 to 16 bytes"},
        Wrong{in_device("interface = \"a-name-of-16-bytes\""), "3:13: device[].interface cannot be"},
        Wrong{in_device("addresses = \"192.0.2.1/24\""),
              "3:13: device[].addresses cannot be '192.0.2.1/24'; write a list"},
        Wrong{in_device("addresses = [\"192.0.2.1\"]"),
              "3:14: device[].addresses: '192.0.2.1' lacks the length of its network; write it behind a slash, such as "
              "192.0.2.1/24"},
        Wrong{in_device("addresses = [\"192.0.2.1/33\"]"), "3:14: device[].addresses: '33' is not a prefix length"},
        Wrong{in_device("addresses = [\"192.0.2.1/0\"]"),
              "3:14: device[].addresses: '192.0.2.1/0' says that every address"},
        Wrong{in_device("addresses = [\"224.0.0.1/24\"]"),
              "3:14: device[].addresses: '224.0.0.1/24' cannot be the address"},
        Wrong{in_device("addresses = [\"::/64\"]"), "3:14: device[].addresses: '::/64' cannot be the address"},
        Wrong{in_device("addresses = [1]"), "3:14: device[].addresses cannot be 1; "},
        Wrong{in_device("rx_descriptors = 1000"), "3:18: device[].rx_descriptors cannot be 1000; write a power of two"},
        Wrong{in_service("name = \"\""), "2:8: service[].name cannot be ''; write a name"},
        Wrong{in_service("name = \"-a\""), "2:8: service[].name cannot be '-a'; write a name"},
        Wrong{in_service("name = \"" + std::string(64, 'a') + "\""), "2:8: service[].name cannot be 'aaa"},
        Wrong{in_service("bindings = \"udp/1\""), "2:12: service[].bindings cannot be 'udp/1'; write a list"},
        Wrong{in_service("bindings = []"), "2:12: service[].bindings is empty; write at least one"},
        Wrong{in_service("bindings = [53]"),
              "2:13: service[].bindings: a binding cannot be 53; write a text such as \"udp/53\""},
        Wrong{in_service("bindings = [\"udp/65536\"]"), "2:13: binding 'udp/65536': port '65536' does not exist"},
        Wrong{in_service("bindings = [\"udp/1\", \"udp/-1\"]"), "2:22: binding 'udp/-1': port '-1' does not exist"},
        Wrong{in_service("deliver = 1"), "2:11: service[].deliver: a handler cannot be 1"},
        Wrong{in_service("deliver = \"\""), "2:11: service[].deliver: a handler cannot be ''"},
        Wrong{in_service("deliver = [[\"echo\"]]"), "2:12: service[].deliver: a handler cannot be a list"},
        Wrong{in_service("deliver = {}"), "2:11: service[].deliver has a table without a handler"},
        Wrong{in_service("deliver = { handler = 1 }"), "2:23: service[].deliver: a handler cannot be 1"},
        Wrong{in_service("deliver = { handler = \"echo\", a = [1] }"),
              "2:35: service[].deliver: option 'a' cannot be a list"},
        Wrong{in_service("deliver = { handler = \"echo\", a = nan }"),
              "2:35: service[].deliver: option 'a' cannot be nan"},
        Wrong{"[closed_ports]\naction = \"accept\"",
              "2:10: closed_ports.action cannot be 'accept'; write \"reject\", \"drop\" or \"kernel\""},
        Wrong{"[fragments]\ntimeout_ms = 1",
              "2:14: fragments.timeout_ms cannot be 1; write a whole number from 10 to 60000"},
        Wrong{"[traffic]\nzipf = nan", "2:8: traffic.zipf cannot be nan; write a number from 0 to 4"},
        Wrong{"[traffic]\nrate_pps = inf", "2:12: traffic.rate_pps cannot be inf; "},
        Wrong{"[traffic]\nrate_pps = -inf", "2:12: traffic.rate_pps cannot be -inf; "},
        Wrong{"[traffic]\nclosed_share = 1.01",
              "2:16: traffic.closed_share cannot be 1.01; write a number from 0 to 1"},
        Wrong{"[traffic]\nclosed_share = true", "2:16: traffic.closed_share cannot be true; "},
        Wrong{"[traffic]\nseed = -1", "2:8: traffic.seed cannot be -1; "}));

INSTANTIATE_TEST_SUITE_P(
    Syntax, WrongSettings,
    testing::Values(Wrong{"[router", "1:8: not TOML: "}, Wrong{"[router]\nburst = 1\nburst = 2", "3:9: not TOML: "},
                    Wrong{"[router]\n[router]", "2:"}, Wrong{"a = \"x", "1:7: not TOML: "},
                    Wrong{std::string("[router]\nburst\0= 1", 18), "2:6: byte 0x00 is not text; remove it"},
                    Wrong{"[router]\n\x01", "2:1: byte 0x01 is not text"},
                    Wrong{"# a\rb", "1:4: byte 0x0d is not text"}, Wrong{"a = \"\xff\xfe\"", "1:"},
                    Wrong{"a = \"\xc3\"", "1:"}));

}  // namespace
}  // namespace portier::control
