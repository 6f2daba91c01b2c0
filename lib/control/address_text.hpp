/// Addresses and prefixes as text: "192.0.2.1", "2001:db8::/32".
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "packet/address.hpp"

namespace portier::control {

/// Strict dotted quad or RFC 4291 text; no zone ("%eth0"), no prefix length. "::ffff:192.0.2.1" stays IPv6.
std::optional<packet::Address> parse_address(std::string_view text);

/// ADDRESS "/" LENGTH, where the address may have bits set behind its length: "192.0.2.10/24".
struct AddressAndLength {
  packet::Address address;
  std::uint8_t length = 0;
};

/// One of the two: a value, or a sentence about what is wrong and what to write instead.
struct ParsedPrefix {
  std::optional<AddressAndLength> value;
  std::string problem;
};

/// `text` with or without "/LENGTH"; without, `length` is that of the whole address. Host bits are not judged.
ParsedPrefix parse_prefix(std::string_view text);

/// RFC 5952 for IPv6; "*" for no address. An IPv4-mapped address prints in its IPv6 form: "::ffff:192.0.2.1".
std::string to_text(const packet::Address& address);
/// "192.0.2.0/24"; "*" for any address of both families.
std::string to_text(const packet::Prefix& prefix);

}  // namespace portier::control
