/// UDP datagrams as frames: what a process behind a mailbox sends.
#pragma once

#include <cstdint>
#include <cstring>

#include "client/portier_client.h"
#include "packet/address.hpp"
#include "packet/bytes.hpp"
#include "packet/checksum.hpp"
#include "packet/facts.hpp"
#include "packet/wire.hpp"

namespace portier::client {

namespace wire = packet::wire;

/// Bytes in front of the payload.
inline std::size_t header_bytes(const portier_flow& flow) {
  return flow.link_length + (flow.ip_version == 4 ? wire::ipv4_size : wire::ipv6_size) + wire::udp_size;
}

/// Writes the headers of a datagram of `length` payload bytes, which lie behind them already. `identification` is
/// IPv4's. RFC 768, 791, 8200.
inline void write_headers(std::uint8_t* frame, const portier_flow& flow, std::size_t length,
                          std::uint16_t identification) {
  std::memcpy(frame, flow.link, flow.link_length);
  auto* ip = frame + flow.link_length;
  const auto udp_length = static_cast<std::uint16_t>(wire::udp_size + length);
  std::uint8_t* udp = nullptr;
  if (flow.ip_version == 4) {
    std::memset(ip, 0, wire::ipv4_size);
    ip[0] = 0x45;
    packet::store16(ip + 2, static_cast<std::uint16_t>(wire::ipv4_size + udp_length));
    packet::store16(ip + 4, identification);
    ip[8] = 64;
    ip[9] = wire::proto_udp;
    std::memcpy(ip + 12, flow.local_address, 4);
    std::memcpy(ip + 16, flow.remote_address, 4);
    packet::store16(ip + 10, packet::checksum({ip, wire::ipv4_size}));
    udp = ip + wire::ipv4_size;
  } else {
    packet::store32(ip, 6U << 28);
    packet::store16(ip + 4, udp_length);
    ip[6] = wire::proto_udp;
    ip[7] = 64;
    std::memcpy(ip + 8, flow.local_address, 16);
    std::memcpy(ip + 24, flow.remote_address, 16);
    udp = ip + wire::ipv6_size;
  }
  packet::store16(udp, flow.local_port);
  packet::store16(udp + 2, flow.remote_port);
  packet::store16(udp + 4, udp_length);
  packet::store16(udp + 6, 0);
  const auto sum = packet::transport_checksum(packet::address_at(flow.local_address, flow.ip_version),
                                              packet::address_at(flow.remote_address, flow.ip_version), wire::proto_udp,
                                              {udp, udp_length});
  packet::store16(udp + 6, sum == 0 ? 0xffff : sum);
}

}  // namespace portier::client
