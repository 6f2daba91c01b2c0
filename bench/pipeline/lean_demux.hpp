/// The least that demultiplexing by port can be: what the peers' rx cores do. Headers checked for their lengths, one
/// flat table per transport, the flow hash of portier. No extension headers, fragments, options of any kind, counters.
#pragma once

#include <rte_mbuf.h>

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "packet/bytes.hpp"
#include "packet/flow_hash.hpp"
#include "packet/wire.hpp"

namespace portier::bench {

class LeanDemux {
 public:
  /// Service k + 1 owns `ports[k]`; no ports: one service owns all.
  explicit LeanDemux(const std::vector<std::uint16_t>& ports) {
    for (auto& table : tables_) {
      table.fill(ports.empty() ? 1 : 0);
      for (std::size_t k = 0; k < ports.size(); ++k) table[ports[k]] = static_cast<std::uint16_t>(k + 1);
    }
  }

  /// The service, 0 where there is none. Writes the flow hash and the service into the mbuf's first cache line.
  std::uint16_t look_up(rte_mbuf* mbuf) const {
    namespace wire = packet::wire;
    const auto* frame = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
    const std::size_t length = mbuf->data_len;
    if (length < wire::ethernet_size + wire::vlan_tag_size + 20 + 8) return 0;
    std::size_t l3 = wire::ethernet_size;
    auto type = packet::load16(frame + 12);
    if (type == wire::ethertype_vlan) {
      type = packet::load16(frame + 16);
      l3 += wire::vlan_tag_size;
    }
    const auto* ip = frame + l3;
    std::size_t l4 = 0;
    std::uint8_t proto = 0;
    std::uint8_t version = 4;
    if (type == wire::ethertype_ipv4) {
      const std::size_t header = (ip[0] & 0x0fU) * 4U;
      const bool is_fragment = (packet::load16(ip + 6) & 0x3fff) != 0;
      if (ip[0] >> 4 != 4 || header < 20 || is_fragment || l3 + packet::load16(ip + 2) > length) return 0;
      proto = ip[9];
      l4 = l3 + header;
    } else if (type == wire::ethertype_ipv6) {
      if (ip[0] >> 4 != 6 || l3 + 40U + packet::load16(ip + 4) > length) return 0;
      version = 6;
      proto = ip[6];
      l4 = l3 + 40;
    } else {
      return 0;
    }
    if (l4 + 8 > length || (proto != wire::proto_udp && proto != wire::proto_tcp)) return 0;
    const auto src_port = packet::load16(frame + l4);
    const auto dst_port = packet::load16(frame + l4 + 2);
    const auto service = tables_[proto == wire::proto_tcp][dst_port];
    const auto* addresses = ip + (version == 4 ? 12 : 8);
    mbuf->hash.usr = packet::flow_hash(packet::fixed_hash_key, version, addresses, addresses + (version == 4 ? 4 : 16),
                                       src_port, dst_port, proto);
    mbuf->vlan_tci = service;
    return service;
  }

  /// Looks a burst up and keeps those that have a service in front, in order. Returns their number.
  std::uint16_t sort_out(rte_mbuf** mbufs, std::uint16_t count) const {
    std::uint16_t kept = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
      if (look_up(mbufs[i]) != 0) [[likely]] {
        std::swap(mbufs[kept++], mbufs[i]);
      }
    }
    return kept;
  }

 private:
  std::array<std::array<std::uint16_t, 65536>, 2> tables_;  ///< UDP, TCP
};

}  // namespace portier::bench
