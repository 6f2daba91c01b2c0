/// Reads flow key and payload of a packet from its bytes.
#include "datapath/packet_view.hpp"

#include <algorithm>

#include "packet/transport.hpp"

namespace portier::datapath {

packet::FlowKey PacketView::flow_key() const {
  packet::FlowKey key;
  const auto version = ip_version();
  if (version == 0) return key;
  const auto* l3 = bytes_ + l3_offset();
  key.src = packet::address_at(l3 + packet::ip_src_offset(version), version);
  key.dst = packet::address_at(l3 + packet::ip_dst_offset(version), version);
  key.proto = proto();
  const bool has_ports =
      packet::transport_index[proto()] != packet::no_transport && fragment() != packet::Fragment::later;
  if (has_ports) {
    key.src_port = packet::load16(bytes_ + l4_offset());
    key.dst_port = packet::load16(bytes_ + l4_offset() + 2);
  }
  return key;
}

packet::Bytes PacketView::payload() const {
  const auto version = ip_version();
  if (version == 0) return {};
  const auto* l3 = bytes_ + l3_offset();
  const std::size_t ip_length =
      version == 4 ? packet::load16(l3 + 2) : packet::load16(l3 + 4) + packet::wire::ipv6_size;
  const std::size_t end = std::min<std::size_t>(l3_offset() + ip_length, facts_.length);
  std::size_t start = l4_offset();
  const auto index = packet::transport_index[proto()];
  if (fragment() == packet::Fragment::later) return {bytes_ + start, end - start};
  if (index != packet::no_transport) {
    const bool is_tcp = proto() == packet::wire::proto_tcp;
    start += is_tcp ? (bytes_[start + 12] >> 4) * std::size_t{4} : packet::transports[index].header_size;
  } else if (proto() == packet::wire::proto_icmp || proto() == packet::wire::proto_icmpv6) {
    start += packet::wire::icmp_size;
  }
  if (start >= end) return {};
  return {bytes_ + start, end - start};
}

}  // namespace portier::datapath
