/// Random binding sets without conflicts, their prefixes nested, and packets that aim at their edges.
#pragma once

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "packet/transport.hpp"
#include "table/binding.hpp"
#include "traffic/random.hpp"

namespace portier::table {

using traffic::Random;

/// The ports at which tables break.
inline constexpr std::array<std::uint16_t, 10> edge_ports{0, 1, 63, 64, 255, 256, 32768, 65279, 65534, 65535};

template <typename Items>
auto& one_of(Random& random, Items& items) {
  return items[random.below(static_cast<std::uint32_t>(std::size(items)))];
}

inline std::uint16_t random_port(Random& random) {
  return random.chance(0.7) ? one_of(random, edge_ports) : static_cast<std::uint16_t>(random.below(65536));
}

/// A few addresses that share long beginnings, so that random prefixes of them nest.
inline packet::Address random_address(Random& random, std::uint8_t version) {
  packet::Address address = packet::ipv4(0xc0000200);
  if (version == 6) {
    address = {};
    address.version = 6;
    address.bytes = {0x20, 0x01, 0x0d, 0xb8};
  }
  for (auto changes = random.below(3); changes > 0; --changes) {
    auto& byte = address.bytes[random.below(static_cast<std::uint32_t>(address.size()))];
    byte = static_cast<std::uint8_t>(byte ^ 1U << random.below(8));
  }
  return address;
}

inline packet::Prefix random_prefix(Random& random) {
  if (random.chance(0.25)) return {};
  static constexpr std::array<std::uint8_t, 11> lengths4{0, 1, 8, 15, 16, 23, 24, 25, 30, 31, 32};
  static constexpr std::array<std::uint8_t, 12> lengths6{0, 1, 23, 24, 25, 32, 48, 63, 64, 65, 127, 128};
  const bool is_ipv4 = random.chance(0.5);
  const auto length = is_ipv4 ? one_of(random, lengths4) : one_of(random, lengths6);
  return packet::canonical({random_address(random, is_ipv4 ? 4 : 6), length});
}

inline Binding random_binding(Random& random, ServiceId service) {
  Binding binding;
  binding.transport = one_of(random, packet::transports).transport;
  binding.destination = random_prefix(random);
  binding.service = service;
  const auto shape = random.below(4);  // a port twice as often as a range or the wildcard
  if (shape == 0) return binding;
  binding.first_port = random_port(random);
  binding.last_port = shape == 1 ? random_port(random) : binding.first_port;
  if (binding.last_port < binding.first_port) std::swap(binding.first_port, binding.last_port);
  return binding;
}

/// At most `count` bindings; each service is bound once, so that a wrong choice shows.
inline std::vector<Binding> random_bindings(Random& random, std::size_t count) {
  std::vector<Binding> bindings;
  for (std::size_t i = 0; i < count; ++i) {
    const auto candidate = random_binding(random, static_cast<ServiceId>(first_user_service + i));
    const auto clashes = [&](const Binding& other) { return conflict(candidate, other); };
    if (std::ranges::none_of(bindings, clashes)) bindings.push_back(candidate);
  }
  return bindings;
}

/// An address inside a prefix, at its first or last place, or one bit outside it.
inline packet::Address address_near(Random& random, const packet::Prefix& prefix) {
  if (prefix.is_any()) return random_address(random, random.chance(0.5) ? 4 : 6);
  auto address = prefix.address;
  const auto place = random.below(4);
  for (unsigned bit = prefix.length; bit < address.bits(); ++bit) {
    const bool is_set = place == 0 ? false : place == 1 ? true : random.chance(0.5);
    if (is_set) address.bytes[bit / 8] |= static_cast<std::uint8_t>(0x80U >> bit % 8);
  }
  if (place == 3 && prefix.length > 0) {
    const unsigned bit = random.chance(0.5) ? prefix.length - 1U : random.below(prefix.length);
    address.bytes[bit / 8] ^= static_cast<std::uint8_t>(0x80U >> bit % 8);
  }
  return address;
}

/// Where a packet may go that tells one binding from its neighbours. `bindings` may be empty.
inline packet::FlowKey random_flow(Random& random, std::span<const Binding> bindings) {
  const Binding aim = bindings.empty() ? random_binding(random, first_user_service) : one_of(random, bindings);
  packet::FlowKey flow;
  flow.dst = address_near(random, random.chance(0.8) ? aim.destination : random_prefix(random));
  flow.src = random_address(random, flow.dst.version);
  flow.src_port = random_port(random);
  const auto end = random.chance(0.5) ? aim.first_port : aim.last_port;
  flow.dst_port = random.chance(0.7) ? static_cast<std::uint16_t>(end + random.below(3) - 1) : random_port(random);
  flow.proto = packet::text_of(random.chance(0.8) ? aim.transport : one_of(random, packet::transports).transport).proto;
  return flow;
}

}  // namespace portier::table
