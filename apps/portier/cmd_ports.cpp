/// portier ports: numbers to names, names to numbers, and the three categories of ports.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <map>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "control/fault.hpp"
#include "control/service_names.hpp"
#include "packet/transport.hpp"

namespace portier::app {
namespace {

using nlohmann::json;

constexpr std::string_view overview =
    "A port is a transport-layer destination port, 0 to 65535; IANA divides them into\n"
    "\n"
    "  well-known      0 -  1023   assigned to the services of the system, such as https 443\n"
    "  registered   1024 - 49151   registered by programs, such as 5432 (postgresql)\n"
    "  dynamic     49152 - 65535   never assigned: source ports, and private use\n"
    "\n"
    "  portier ports 443      what port 443 is called\n"
    "  portier ports https    which port https is\n";

std::optional<std::uint16_t> number(std::string_view text) {
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_numeric(std::string_view text) {
  const auto digits = text.starts_with('-') ? text.substr(1) : text;
  return !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The ports in question; a name can have different ones by transport.
std::map<std::uint16_t, std::map<std::string_view, std::string>> look_up(std::string_view what) {
  std::map<std::uint16_t, std::map<std::string_view, std::string>> ports;
  for (const auto& transport : packet::transports) {
    const auto port = is_numeric(what) ? number(what) : control::port_of(what, transport.transport);
    if (!port) continue;
    auto& names = ports[*port];
    if (const auto name = control::name_of(*port, transport.transport)) names.emplace(transport.name, *name);
  }
  return ports;
}

int print_overview(bool as_json) {
  if (!as_json) {
    fmt::print("{}", overview);
    return exit_ok;
  }
  auto all = json::array();
  const std::pair<unsigned, unsigned> ranges[] = {{0, 1023}, {1024, 49151}, {49152, 65535}};
  for (const auto& [first, last] : ranges) {
    all.push_back({{"category", control::to_text(control::category_of(static_cast<std::uint16_t>(first)))},
                   {"first", first},
                   {"last", last}});
  }
  fmt::print("{}\n", json{{"categories", all}}.dump(2));
  return exit_ok;
}

}  // namespace

int cmd_ports(const PortsOptions& options) {
  if (options.what.empty()) return print_overview(options.json);
  const auto ports = look_up(options.what);
  if (ports.empty() && is_numeric(options.what)) {
    fmt::print(stderr, "portier ports: {} is not a port; write a number from 0 to 65535\n",
               control::in_quotes(options.what));
    return exit_bad_input;
  }
  if (ports.empty()) {
    fmt::print(stderr, "portier ports: this machine knows no service {}; names are looked up in /etc/services\n",
               control::in_quotes(options.what));
    return exit_failed;
  }
  auto all = json::array();
  for (const auto& [port, names] : ports) {
    const auto category = control::to_text(control::category_of(port));
    all.push_back({{"port", port}, {"category", category}, {"names", json(names)}});
    if (options.json) continue;
    fmt::print("{}  {}\n", port, category);
    for (const auto& transport : packet::transports) {
      const auto name = names.find(transport.name);
      fmt::print("  {:<8} {}\n", transport.name, name == names.end() ? "-" : name->second);
    }
  }
  if (options.json) fmt::print("{}\n", json{{"ports", all}}.dump(2));
  return exit_ok;
}

}  // namespace portier::app
