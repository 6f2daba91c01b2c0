/// Reads bindings part by part; each part's fault says what to write instead.
#include "control/binding_text.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "control/address_text.hpp"
#include "control/fault.hpp"
#include "control/service_names.hpp"

namespace portier::control {
namespace {

constexpr std::string_view examples = "udp/53, tcp/https, udp/192.0.2.0/24:5000-5999 or tcp/[2001:db8::/32]:443";

ParsedBinding problem(std::string message) { return {std::nullopt, std::move(message)}; }

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::optional<packet::Transport> transport_named(std::string_view name) {
  for (const auto& transport : packet::transports) {
    if (transport.name == name) return transport.transport;
  }
  return std::nullopt;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (auto& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool has_blank(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
}

std::string without_blanks(std::string_view text) {
  std::string out(text);
  std::erase_if(out, [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; });
  return out;
}

/// "udp:53", "53/udp", "UDP/53": what was probably meant, or nothing. It begins with a transport and has no blanks, so
/// that reading it never asks for a meaning again.
std::string meant(std::string_view text) {
  for (const char between : {':', '/', ' '}) {
    const auto at = text.find(between);
    if (at == text.npos) continue;
    const auto front = without_blanks(lower(text.substr(0, at)));
    const auto back = without_blanks(lower(text.substr(at + 1)));
    if (transport_named(front)) return front + "/" + back;
    if (transport_named(back)) return back + "/" + front;
  }
  return {};
}

std::string transport_problem(std::string_view text) {
  if (const auto better = meant(text); !better.empty() && parse_binding(better).binding) {
    return fmt::format("{} is not a binding; write \"{}\"", in_quotes(text), better);
  }
  const auto slash = text.find('/');
  if (slash == text.npos) return fmt::format("{} is not a binding; write one such as {}", in_quotes(text), examples);
  return fmt::format("{} is not a transport; write tcp, udp, udplite, sctp or dccp before the first slash, such as {}",
                     in_quotes(text.substr(0, slash)), examples);
}

struct PortNumber {
  std::optional<std::uint16_t> value;
  std::string problem;
};

PortNumber number(std::string_view digits) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || value > 65535) {
    return {std::nullopt, fmt::format("port {} does not exist; write a number from 0 to 65535", in_quotes(digits))};
  }
  if (digits.size() > 1 && digits.front() == '0') {
    return {std::nullopt, fmt::format("port {} has leading zeros; write {}", in_quotes(digits), value)};
  }
  return {static_cast<std::uint16_t>(value), {}};
}

PortNumber named(std::string_view name, packet::Transport transport) {
  if (const auto port = port_of(name, transport)) return {port, {}};
  for (const auto other : {packet::Transport::tcp, packet::Transport::udp}) {
    if (const auto port = port_of(name, other); port && other != transport) {
      return {std::nullopt, fmt::format("{} is a service name of {} only; write {}/{}, or the number: {}/{}",
                                        in_quotes(name), packet::text_of(other).name, packet::text_of(other).name, name,
                                        packet::text_of(transport).name, *port)};
    }
  }
  return {std::nullopt, fmt::format("{} is neither a port nor a service name that this machine knows; write a number "
                                    "from 0 to 65535, a range such as 5000-5999, or *",
                                    in_quotes(name))};
}

/// Fills in the ports, or returns a sentence.
std::string read_ports(std::string_view text, table::Binding& binding) {
  if (text.empty()) return "the port is missing; write a number, a service name, a range such as 5000-5999, or *";
  if (text == "*") return {};
  if (text.front() == '-' || text.front() == '+') {
    return fmt::format("port {} does not exist; write a number from 0 to 65535", in_quotes(text));
  }
  const auto dash = text.find('-');
  const bool is_range = dash != text.npos && all_digits(text.substr(0, dash)) &&
                        (dash + 1 == text.size() || all_digits(text.substr(dash + 1)));
  if (!is_range) {
    const auto port = all_digits(text) ? number(text) : named(text, binding.transport);
    if (!port.value) return port.problem;
    binding.first_port = binding.last_port = *port.value;
    return {};
  }
  const auto first = number(text.substr(0, dash));
  if (!first.value) return first.problem;
  if (dash + 1 == text.size()) {
    return fmt::format("the range {} has no end; write {}-65535", in_quotes(text), *first.value);
  }
  const auto last = number(text.substr(dash + 1));
  if (!last.value) return last.problem;
  if (*last.value < *first.value) {
    return fmt::format("the range {} runs backwards; write {}-{}", in_quotes(text), *last.value, *first.value);
  }
  binding.first_port = *first.value;
  binding.last_port = *last.value;
  return {};
}

/// Fills in the destination, or returns a sentence.
std::string read_destination(std::string_view text, unsigned version, table::Binding& binding) {
  const auto parsed = parse_prefix(text);
  if (!parsed.value) return parsed.problem;
  if (parsed.value->address.version != version) {
    return version == 6 ? fmt::format("{} is IPv4; write it without brackets", in_quotes(text))
                        : fmt::format("{} is IPv6; write it in brackets: [{}]", in_quotes(text), text);
  }
  const packet::Prefix written{parsed.value->address, parsed.value->length};
  binding.destination = packet::canonical(written);
  if (binding.destination == written) return {};
  return fmt::format("{} has bits set behind its length; write {} for the network or {} for the one address",
                     in_quotes(text), to_text(binding.destination), to_text(written.address));
}

}  // namespace

ParsedBinding parse_binding(std::string_view text) {
  // The longest sound text is 73 bytes; what is longer is not repeated at length nor taken apart.
  if (text.size() > 256) return problem(fmt::format("{} is too long; write {}", in_quotes(text), examples));
  if (text.empty()) return problem(fmt::format("a binding is empty; write {}", examples));
  if (has_blank(text)) {
    auto better = without_blanks(text);
    if (!parse_binding(better).binding) better = meant(text);
    if (!better.empty() && parse_binding(better).binding) {
      return problem(fmt::format("{} contains blanks; write \"{}\"", in_quotes(text), better));
    }
    return problem(fmt::format("{} contains blanks; a binding has none, such as {}", in_quotes(text), examples));
  }
  const auto slash = text.find('/');
  const auto transport = slash == text.npos ? std::nullopt : transport_named(text.substr(0, slash));
  if (!transport) return problem(transport_problem(text));

  table::Binding binding;
  binding.transport = *transport;
  const auto rest = text.substr(slash + 1);
  std::string_view ports = rest;
  std::string wrong;
  if (rest.starts_with('[')) {
    const auto close = rest.find(']');
    if (close == rest.npos || !rest.substr(close + 1).starts_with(':')) {
      return problem(fmt::format("{} needs \"]:\" and a port behind its address; write {}/[2001:db8::/32]:443",
                                 in_quotes(text), packet::text_of(*transport).name));
    }
    wrong = read_destination(rest.substr(1, close - 1), 6, binding);
    ports = rest.substr(close + 2);
  } else if (const auto colon = rest.find(':'); colon != rest.npos) {
    if (rest.find(':', colon + 1) != rest.npos) {
      return problem(fmt::format("{} has an IPv6 address without brackets; write {}/[2001:db8::1]:443", in_quotes(text),
                                 packet::text_of(*transport).name));
    }
    if (rest.substr(0, colon) == "*") {
      return problem(fmt::format("{} needs no address; write \"{}/{}\" for every address", in_quotes(text),
                                 packet::text_of(*transport).name, rest.substr(colon + 1)));
    }
    wrong = read_destination(rest.substr(0, colon), 4, binding);
    ports = rest.substr(colon + 1);
  } else if (rest.find('/') != rest.npos || parse_address(rest)) {
    return problem(
        fmt::format("{} has an address but no port; write \"{}:*\" for every port of it", in_quotes(text), text));
  }
  if (wrong.empty()) wrong = read_ports(ports, binding);
  if (!wrong.empty()) return problem(fmt::format("binding {}: {}", in_quotes(text), wrong));
  return {binding, {}};
}

std::string to_text(const table::Binding& binding) {
  std::string out(packet::text_of(binding.transport).name);
  out += '/';
  if (const auto& destination = binding.destination; !destination.is_any()) {
    const bool one_address = destination.length == destination.address.bits();
    const auto text = one_address ? to_text(destination.address) : to_text(destination);
    out += destination.address.version == 6 ? fmt::format("[{}]:", text) : text + ":";
  }
  if (binding.first_port == 0 && binding.last_port == 65535) return out + "*";
  out += std::to_string(binding.first_port);
  if (binding.last_port != binding.first_port) out += fmt::format("-{}", binding.last_port);
  return out;
}

}  // namespace portier::control
