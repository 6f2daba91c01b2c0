/// What `portier run` does without a configuration file: a small town of services behind the built-in source.
#pragma once

#include <string_view>

namespace portier::app {

inline constexpr std::string_view default_config_name = "(built-in default)";

inline constexpr std::string_view default_config = R"toml(
# No NIC, no hugepages, no root: a seeded traffic source on a virtual device, routed to six services.
[[device]]
name = "demo"
traffic = true

[[service]]
name = "dns"
bindings = ["udp/domain", "tcp/domain"]
deliver = ["echo"]

[[service]]
name = "web"
bindings = ["tcp/http", "tcp/https", "udp/443"]
deliver = ["count"]

[[service]]
name = "ntp"
bindings = ["udp/ntp"]
deliver = ["echo"]

[[service]]
name = "voice"
bindings = ["udp/5060", "udp/16384-16387", "sctp/5060"]
deliver = ["count"]

[[service]]
name = "game"
bindings = ["udp/192.0.2.0/24:27015", "udp/[2001:db8::/32]:27015", "dccp/27015"]
deliver = ["echo"]

[[service]]
name = "scratch"
bindings = ["udp/49152-65535", "udplite/50000"]
deliver = ["count"]

[closed_ports]
action = "reject"
reject_rate_pps = 1000

[traffic]
seed = 1
rate_pps = 250_000
)toml";

}  // namespace portier::app
