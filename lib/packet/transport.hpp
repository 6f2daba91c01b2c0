/// The transport protocols that have ports, numbered densely for tables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "packet/wire.hpp"

namespace portier::packet {

enum class Transport : std::uint8_t { tcp, udp, udplite, sctp, dccp };

struct TransportText {
  Transport transport;
  std::uint8_t proto;        ///< IP protocol number
  std::uint8_t header_size;  ///< least bytes of its header
  std::string_view name;     ///< as written in a binding
};

inline constexpr std::array transports{
    TransportText{Transport::tcp, wire::proto_tcp, wire::tcp_size, "tcp"},
    TransportText{Transport::udp, wire::proto_udp, wire::udp_size, "udp"},
    TransportText{Transport::udplite, wire::proto_udplite, wire::udp_size, "udplite"},
    TransportText{Transport::sctp, wire::proto_sctp, wire::sctp_size, "sctp"},
    TransportText{Transport::dccp, wire::proto_dccp, wire::dccp_size, "dccp"},
};
inline constexpr std::size_t transport_count = transports.size();
inline constexpr std::uint8_t no_transport = 0xff;

/// Index into `transports` by IP protocol number, or `no_transport`. One load per packet.
inline constexpr auto transport_index = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_transport);
  for (std::size_t i = 0; i < transports.size(); ++i) table[transports[i].proto] = static_cast<std::uint8_t>(i);
  return table;
}();

constexpr const TransportText& text_of(Transport transport) { return transports[static_cast<std::size_t>(transport)]; }

}  // namespace portier::packet
