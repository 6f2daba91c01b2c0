/// Generation of the pool.
#include "traffic/mix.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "packet/transport.hpp"
#include "traffic/malformed.hpp"

namespace portier::traffic {
namespace {

namespace wire = packet::wire;

/// Source of one flow. The benchmarking ranges of RFC 2544 and RFC 5180: 198.18.0.0/15 and 2001:2::/48.
struct Source {
  packet::Address v4;
  packet::Address v6;
  std::uint16_t port;
};

Source source_of(std::uint32_t flow) {
  constexpr std::uint32_t hosts = 131070;  // of a /15, without its first and last address
  const std::uint32_t host = 1 + flow % hosts;
  // Distinct within one host up to 64,512 flows; spread over ports otherwise, as clients' ports are.
  const std::uint64_t port = 1024 + (std::uint64_t{flow % hosts} * 40503 + flow / hosts) % 64512;
  return {packet::ipv4(0xc6120000 + host), v6(0x2001'0002'0000'0000, host), static_cast<std::uint16_t>(port)};
}

void add_transport(FrameBuilder& builder, std::uint8_t proto, std::uint16_t src_port, std::uint16_t dst_port,
                   Random& random) {
  switch (proto) {
    case wire::proto_tcp: {
      const bool opens = random.chance(0.2);
      const auto seq = static_cast<std::uint32_t>(random.next());
      builder.tcp(src_port, dst_port, opens ? wire::tcp_syn : wire::tcp_ack, seq, opens ? 0 : seq + 1);
      return;
    }
    case wire::proto_udplite: builder.udplite(src_port, dst_port); return;
    case wire::proto_sctp: builder.sctp(src_port, dst_port); return;
    case wire::proto_dccp: builder.dccp(src_port, dst_port); return;
    default: builder.udp(src_port, dst_port);
  }
}

void check(const Destination& to) {
  if (to.dst4.version != 4 && to.dst6.version != 6) throw std::invalid_argument("a traffic destination has no address");
  if (packet::transport_index[to.proto] == packet::no_transport) {
    throw std::invalid_argument("protocol " + std::to_string(to.proto) + " of a traffic destination has no ports");
  }
}

}  // namespace

Mix::Mix(const MixSettings& settings, std::vector<Destination> destinations, ClosedChooser closed)
    : settings_(settings) {
  if (destinations.empty()) throw std::invalid_argument("a traffic mix needs at least one destination");
  for (const auto& to : destinations) check(to);
  const std::size_t frames = std::max<std::size_t>(settings_.pool_frames, 1);
  pool_.reserve(frames + 2);
  Random random(settings_.seed);
  const Zipf popularity(destinations.size(), settings_.zipf);
  while (pool_.size() < frames) {
    const auto& open = destinations[popularity.choose(random)];
    if (random.chance(settings_.malformed_share)) {
      add_malformed(random, open);
      continue;
    }
    const bool is_closed = random.chance(settings_.closed_share) && closed;
    const bool is_fragmented = random.chance(settings_.fragment_share);
    if (is_closed) {
      const auto to = closed(random);
      check(to);
      add_datagram(random, to, Content::closed, is_fragmented);
    } else {
      add_datagram(random, open, Content::open, is_fragmented);
    }
  }
}

void Mix::add_datagram(Random& random, const Destination& to, Content content, bool is_fragmented) {
  const auto source = source_of(random.below(std::max<std::uint32_t>(settings_.flows, 1)));
  const bool has_both = to.dst4.version == 4 && to.dst6.version == 6;
  const bool is_ipv6 = has_both ? random.chance(settings_.ipv6_share) : to.dst6.version == 6;
  auto builder = frame().src_mac(settings_.src_mac).dst_mac(settings_.dst_mac);
  builder.addresses(is_ipv6 ? source.v6 : source.v4, is_ipv6 ? to.dst6 : to.dst4);
  add_transport(builder, to.proto, source.port, to.port, random);
  const auto fragment_id = static_cast<std::uint32_t>(random.next());
  builder.id(static_cast<std::uint16_t>(fragment_id));

  ++counts_.datagrams;
  counts_.closed += content == Content::closed ? 1 : 0;
  counts_.ipv6 += is_ipv6 ? 1 : 0;
  if (!is_fragmented) {
    const auto payload = random.between(settings_.payload_bytes_min, settings_.payload_bytes_max);
    pool_.push_back({builder.payload(std::size_t{payload}).build(), content});
    return;
  }

  ++counts_.fragmented;
  const auto payload = random.between(600, 1400);
  const auto whole = builder.payload(std::size_t{payload}).build();
  // Between a third, rounded up to whole units, and a half: two or three fragments.
  auto fragments = fragments_of(whole, random.between(payload / 3 + 16, payload / 2), fragment_id);
  if (random.chance(0.125)) {
    std::reverse(fragments.begin(), fragments.end());
    ++counts_.reversed;
  }
  for (auto& fragment : fragments) pool_.push_back({std::move(fragment), Content::fragment});
}

void Mix::add_malformed(Random& random, const Destination& to) {
  const auto source = source_of(random.below(std::max<std::uint32_t>(settings_.flows, 1)));
  MalformedTarget target{.src4 = source.v4,
                         .src6 = source.v6,
                         .src_port = source.port,
                         .dst_port = to.port,
                         .src_mac = settings_.src_mac,
                         .dst_mac = settings_.dst_mac};
  if (to.dst4.version == 4) target.dst4 = to.dst4;
  if (to.dst6.version == 6) target.dst6 = to.dst6;
  const auto kinds = malformed_kinds();
  pool_.push_back({kinds[random.below(static_cast<std::uint32_t>(kinds.size()))].make(target), Content::malformed});
  ++counts_.malformed;
}

Mix::ClosedChooser closed_ports_except(std::vector<Destination> open) {
  std::set<std::pair<std::uint8_t, std::uint16_t>> taken;
  for (const auto& to : open) taken.emplace(to.proto, to.port);
  return [open = std::move(open), taken = std::move(taken)](Random& random) {
    auto to = open[random.below(static_cast<std::uint32_t>(open.size()))];
    to.port = static_cast<std::uint16_t>(random.between(1, 65535));
    // Ends unless a protocol has no closed port at all; then the walk stops where it began.
    for (unsigned tried = 0; tried < 65536 && taken.contains({to.proto, to.port}); ++tried) {
      to.port = to.port == 65535 ? 1 : static_cast<std::uint16_t>(to.port + 1);
    }
    return to;
  };
}

}  // namespace portier::traffic
