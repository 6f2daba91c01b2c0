/// Where the headers of one sound IP packet are: what is left of `Facts` behind the hand-over, enough to answer it.
#pragma once

#include <cstdint>

#include "packet/facts.hpp"

namespace portier::packet {

/// Offsets count bytes from the first byte of the frame. `ip_version` 0: not IP (ARP); then only `l3_offset` counts.
struct Layout {
  std::uint8_t ip_version = 0;
  std::uint8_t proto = 0;
  Fragment fragment = Fragment::none;
  std::uint16_t l3_offset = 0;
  std::uint16_t l4_offset = 0;
};

constexpr Layout layout_of(const Facts& facts) {
  return {facts.ip_version, facts.proto, facts.fragment, facts.l3_offset, facts.l4_offset};
}

}  // namespace portier::packet
