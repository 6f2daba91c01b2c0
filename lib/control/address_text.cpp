/// Address text by the system's own parser and printer.
#include "control/address_text.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "control/fault.hpp"

namespace portier::control {

std::optional<packet::Address> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  // A byte 0 inside would end the text early for inet_pton, which then accepts what stands before it.
  if (text.empty() || text.size() >= terminated.size() || text.find('\0') != text.npos) return std::nullopt;
  std::copy(text.begin(), text.end(), terminated.begin());
  packet::Address address;
  address.version = text.find(':') == text.npos ? 4 : 6;
  const int family = address.version == 4 ? AF_INET : AF_INET6;
  if (inet_pton(family, terminated.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

ParsedPrefix parse_prefix(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) {
    return {std::nullopt, fmt::format("{} is not an IP address; write one such as 192.0.2.1 or 2001:db8::1",
                                      in_quotes(text.substr(0, slash)))};
  }
  const auto bits = address->bits();
  if (slash == text.npos) return {AddressAndLength{*address, static_cast<std::uint8_t>(bits)}, {}};
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  const bool padded = digits.size() > 1 && digits.front() == '0';
  if (error != std::errc{} || end != digits.data() + digits.size() || padded || length > bits) {
    return {std::nullopt, fmt::format("{} is not a prefix length; write a number from 0 to {} behind the slash",
                                      in_quotes(digits), bits)};
  }
  return {AddressAndLength{*address, static_cast<std::uint8_t>(length)}, {}};
}

std::string to_text(const packet::Address& address) {
  if (address.version == 0) return "*";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const int family = address.version == 4 ? AF_INET : AF_INET6;
  return inet_ntop(family, address.bytes.data(), text.data(), text.size());
}

std::string to_text(const packet::Prefix& prefix) {
  if (prefix.is_any()) return "*";
  return fmt::format("{}/{}", to_text(prefix.address), prefix.length);
}

}  // namespace portier::control
