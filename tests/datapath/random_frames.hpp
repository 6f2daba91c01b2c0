/// Frames of every kind a device may bring, aimed at a set of bindings; sound ones, mutated ones and noise.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "packet/parse.hpp"
#include "table/random_bindings.hpp"
#include "traffic/frame.hpp"
#include "traffic/malformed.hpp"

namespace portier::datapath {

using table::one_of;
using traffic::Frame;
using traffic::Random;

inline void add_transport(traffic::FrameBuilder& builder, const packet::FlowKey& flow) {
  switch (flow.proto) {
    case packet::wire::proto_tcp: builder.tcp(flow.src_port, flow.dst_port); return;
    case packet::wire::proto_udplite: builder.udplite(flow.src_port, flow.dst_port); return;
    case packet::wire::proto_sctp: builder.sctp(flow.src_port, flow.dst_port); return;
    case packet::wire::proto_dccp: builder.dccp(flow.src_port, flow.dst_port); return;
    default: builder.udp(flow.src_port, flow.dst_port);
  }
}

inline Frame frame_of(Random& random, const packet::FlowKey& flow) {
  auto builder = traffic::frame().addresses(flow.src, flow.dst);
  for (auto tags = random.chance(0.8) ? 0 : random.below(5); tags > 0; --tags) builder.vlan(7);
  if (flow.dst.version == 4 && random.chance(0.1)) builder.options(random.below(11));
  if (flow.dst.version == 6 && random.chance(0.1)) builder.hop_by_hop().destination();
  add_transport(builder, flow);
  return builder.payload(random.below(40)).build();
}

/// One of the fragments of a few datagrams, so that they meet; a first one sometimes contradicts another.
inline Frame random_fragment(Random& random, const packet::FlowKey& flow) {
  const auto id = random.below(12);
  auto same = flow;
  same.src = flow.dst.version == 4 ? traffic::v4(198, 18, 0, 1) : traffic::v6(0x20010002'00000000, 1);
  same.dst = flow.dst.version == 4 ? traffic::v4(192, 0, 2, 0) : traffic::v6(0x20010db8'00000000, 0);
  same.src_port = 7;
  same.dst_port = random.chance(0.8) ? table::edge_ports[id % table::edge_ports.size()] : flow.dst_port;
  auto builder = traffic::frame().addresses(same.src, same.dst);
  if (random.chance(0.5)) {
    builder.fragment(8 * random.between(1, 40), random.chance(0.5), id).raw(same.proto);
  } else {
    builder.fragment(0, true, id);
    add_transport(builder, same);
  }
  return builder.payload(std::size_t{32}).build();
}

/// An error about something that we may have sent.
inline Frame random_error(Random& random, const packet::FlowKey& flow) {
  packet::FlowKey ours{flow.dst, flow.src, flow.dst_port, flow.src_port, flow.proto};
  const auto quoted = frame_of(random, ours);
  const auto router = table::random_address(random, flow.dst.version);
  auto builder = traffic::frame().addresses(router, flow.dst);
  return builder.icmp_error(flow.dst.version == 4 ? 3 : 1, 3, quoted, random.between(8, 100)).build();
}

inline Frame mutated(Random& random, Frame frame) {
  for (auto changes = random.between(1, 4); changes > 0; --changes) {
    const auto reach = static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), 80));
    auto& byte = frame[random.below(reach)];
    byte = random.chance(0.5) ? random.byte() : static_cast<std::uint8_t>(byte ^ 1U << random.below(8));
  }
  if (random.chance(0.3)) frame.resize(random.between(1, static_cast<std::uint32_t>(frame.size())));
  return frame;
}

/// As on a wire, where nothing is shorter than 60 bytes; behind the IP packet comes what was in memory.
inline Frame padded(Random& random, Frame frame) {
  while (frame.size() < 60) frame.push_back(random.byte());
  return frame;
}

inline Frame random_frame(Random& random, std::span<const table::Binding> bindings) {
  const auto flow = table::random_flow(random, bindings);
  const auto router = table::random_address(random, flow.dst.version);
  const auto malformed = traffic::malformed_kinds();
  switch (random.below(12)) {
    case 0: return random_fragment(random, flow);
    case 1: return random_error(random, flow);
    case 2: return mutated(random, frame_of(random, flow));
    case 3: return mutated(random, random_error(random, flow));
    case 4: return one_of(random, malformed).make({});
    case 5: return traffic::frame().addresses(router, flow.dst).icmp_echo(1, 1).build();
    case 6: return traffic::frame().addresses(router, flow.dst).raw(47).payload(30).build();
    case 7: return traffic::frame().arp_request(traffic::v4(10, 0, 0, 1), traffic::v4(192, 0, 2, 0)).build();
    case 8: return frame_of(random, flow);
    default: return padded(random, frame_of(random, flow));
  }
}

}  // namespace portier::datapath
