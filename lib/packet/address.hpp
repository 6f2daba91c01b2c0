/// IP addresses and prefixes as values; text forms live in control/address_text.hpp.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "packet/bytes.hpp"

namespace portier::packet {

/// An IPv4 or IPv6 address, bytes in network order. IPv4 uses the first four bytes; the rest are zero.
/// An IPv4-mapped IPv6 address stays IPv6: the version is what the packet said.
struct Address {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t version = 0;  ///< 4, 6, or 0 for "no address"

  constexpr std::size_t size() const { return version == 4 ? 4 : 16; }
  constexpr unsigned bits() const { return version == 4 ? 32 : 128; }

  friend constexpr auto operator<=>(const Address&, const Address&) = default;
};

/// Reads an address from the wire; `at` must hold 4 or 16 bytes by version.
constexpr Address address_at(const std::uint8_t* at, std::uint8_t version) {
  Address address;
  address.version = version;
  for (std::size_t i = 0; i < address.size(); ++i) address.bytes[i] = at[i];
  return address;
}

constexpr Address ipv4(std::uint32_t host_order) {
  Address address;
  address.version = 4;
  store32(address.bytes.data(), host_order);
  return address;
}

/// The first 4 bytes as a number in host order; meaningful for IPv4 only.
constexpr std::uint32_t ipv4_value(const Address& address) { return load32(address.bytes.data()); }

/// Multicast, or IPv4's limited broadcast: never the source of a sound packet, never to be answered with an error.
constexpr bool is_group(const Address& address) {
  if (address.version == 4) return address.bytes[0] >= 224;  // class D and E, 255.255.255.255 included
  return address.version == 6 && address.bytes[0] == 0xff;
}

constexpr bool is_unspecified(const Address& address) {
  for (auto byte : address.bytes) {
    if (byte != 0) return false;
  }
  return true;
}

/// A destination or source prefix. `length` 0 with version 0 covers every address of both families.
struct Prefix {
  Address address;
  std::uint8_t length = 0;

  constexpr bool is_any() const { return address.version == 0; }

  constexpr bool contains(const Address& other) const {
    if (is_any()) return true;
    if (other.version != address.version) return false;
    for (unsigned bit = 0; bit < length;) {
      const unsigned take = length - bit < 8 ? length - bit : 8;
      const auto mask = static_cast<std::uint8_t>(0xff << (8 - take));
      if ((address.bytes[bit / 8] & mask) != (other.bytes[bit / 8] & mask)) return false;
      bit += take;
    }
    return true;
  }

  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// The same prefix with every bit behind its length cleared.
constexpr Prefix canonical(Prefix prefix) {
  for (unsigned bit = prefix.length; bit < prefix.address.bits() && prefix.address.version != 0; ++bit) {
    prefix.address.bytes[bit / 8] &= static_cast<std::uint8_t>(~(0x80U >> (bit % 8)));
  }
  return prefix;
}

}  // namespace portier::packet
