/// Frames that no sound sender makes, by kind: each is refused by parsing, or quotes nothing readable.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "packet/reason.hpp"
#include "traffic/frame.hpp"

namespace portier::traffic {

/// The parts of a malformed frame that its maker chooses.
struct MalformedTarget {
  packet::Address src4 = v4(198, 18, 0, 1);
  packet::Address dst4 = v4(192, 0, 2, 1);
  packet::Address src6 = v6(0x20010002'00000000, 1);
  packet::Address dst6 = v6(0x20010db8'00000000, 1);
  std::uint16_t src_port = 40000;
  std::uint16_t dst_port = 53;
  Mac src_mac = default_src_mac;
  Mac dst_mac = default_dst_mac;
};

struct MalformedKind {
  std::string_view name;
  packet::Reason reason;  ///< what becomes of it
  Frame (*make)(const MalformedTarget&);
};

/// All kinds; those made of IPv4 and IPv6 packets are mixed.
std::span<const MalformedKind> malformed_kinds();

}  // namespace portier::traffic
