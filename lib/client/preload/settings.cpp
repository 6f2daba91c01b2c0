/// The environment, read and checked.
#include "client/preload/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace portier::preload {

namespace {

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::optional<std::vector<PortRange>> parse_ports(std::string_view text) {
  std::vector<PortRange> ranges;
  while (true) {
    const auto item = text.substr(0, text.find(','));
    const auto dash = item.find('-');
    const auto first = parse_port(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : parse_port(item.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    ranges.push_back({*first, *last});
    if (item.size() == text.size()) return ranges;
    text.remove_prefix(item.size() + 1);
  }
}

Settings Settings::from_environment() {
  Settings settings;
  settings.mailbox = variable("PORTIER_PRELOAD_MAILBOX");
  settings.ports = parse_ports(variable("PORTIER_PRELOAD_PORTS")).value_or(std::vector<PortRange>{});
  const auto mtu = variable("PORTIER_PRELOAD_MTU");
  std::size_t bytes = 0;
  std::from_chars(mtu.data(), mtu.data() + mtu.size(), bytes);
  if (bytes >= least_mtu && bytes <= most_mtu) settings.mtu = bytes;
  settings.is_verbose = !variable("PORTIER_PRELOAD_VERBOSE").empty() && variable("PORTIER_PRELOAD_VERBOSE") != "0";
  return settings;
}

bool Settings::takes(std::uint16_t port) const {
  if (mailbox.empty() || port == 0) return false;
  return ports.empty() ||
         std::ranges::any_of(ports, [&](const PortRange& range) { return port >= range.first && port <= range.last; });
}

const Settings& settings() {
  static const auto& read = *new Settings(Settings::from_environment());  // outlives every other thread
  return read;
}

}  // namespace portier::preload
