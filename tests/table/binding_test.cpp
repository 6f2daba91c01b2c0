/// Which binding takes a packet, case by case, and which pairs of bindings are a configuration fault.
#include "table/binding.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "traffic/frame.hpp"

namespace portier::table {
namespace {

using packet::Prefix;
using packet::Transport;
using traffic::v4;
using traffic::v6;

const Prefix any{};
const Prefix all4{v4(0, 0, 0, 0), 0};
const Prefix all6{v6(0, 0), 0};
const Prefix net16{v4(192, 0, 0, 0), 16};
const Prefix net24{v4(192, 0, 2, 0), 24};
const Prefix host{v4(192, 0, 2, 1), 32};
const Prefix site6{v6(0x20010db8'00000000, 0), 32};
const Prefix host6{v6(0x20010db8'00000000, 1), 128};

Binding to(ServiceId service, const Prefix& destination, std::uint16_t first, std::uint16_t last,
           Transport transport = Transport::udp) {
  return {transport, destination, first, last, service};
}
Binding to(ServiceId service, const Prefix& destination, std::uint16_t port) {
  return to(service, destination, port, port);
}
Binding wildcard(ServiceId service, const Prefix& destination) { return to(service, destination, 0, 65535); }

struct Case {
  std::string says;
  std::vector<Binding> bindings;
  packet::Address dst;
  std::uint16_t port;
  ServiceId taken_by;
  std::uint8_t proto = packet::wire::proto_udp;
};

const std::vector<Case> cases{
    {"nothing bound", {}, host.address, 53, no_service},
    {"an exact port", {to(2, any, 53)}, host.address, 53, 2},
    {"one port below", {to(2, any, 53)}, host.address, 52, no_service},
    {"one port above", {to(2, any, 53)}, host.address, 54, no_service},
    {"the first port of a range", {to(2, any, 64, 65534)}, host.address, 64, 2},
    {"the last port of a range", {to(2, any, 64, 65534)}, host.address, 65534, 2},
    {"below a range", {to(2, any, 64, 65534)}, host.address, 63, no_service},
    {"above a range", {to(2, any, 64, 65534)}, host.address, 65535, no_service},
    {"the wildcard has port 0", {wildcard(2, any)}, host.address, 0, 2},
    {"the wildcard has port 65535", {wildcard(2, any)}, host.address, 65535, 2},
    {"another transport", {to(2, any, 53)}, host.address, 53, no_service, packet::wire::proto_tcp},
    {"transports side by side",
     {to(2, any, 53), to(3, any, 53, 53, Transport::tcp), to(4, any, 53, 53, Transport::sctp)},
     host.address,
     53,
     3,
     packet::wire::proto_tcp},
    {"UDP-Lite is not UDP",
     {to(2, any, 53), to(3, any, 53, 53, Transport::udplite)},
     host.address,
     53,
     3,
     packet::wire::proto_udplite},
    {"DCCP", {to(2, any, 53), to(3, any, 53, 53, Transport::dccp)}, host.address, 53, 3, packet::wire::proto_dccp},
    {"no transport at all", {wildcard(2, any)}, host.address, 0, no_service, packet::wire::proto_icmp},

    {"a port over a range", {to(2, any, 50, 59), to(3, any, 53)}, host.address, 53, 3},
    {"beside the port the range", {to(2, any, 50, 59), to(3, any, 53)}, host.address, 54, 2},
    {"a range over the wildcard", {wildcard(2, any), to(3, any, 50, 59)}, host.address, 59, 3},
    {"a port over the wildcard", {wildcard(2, any), to(3, any, 53)}, host.address, 53, 3},
    {"the narrower of two ranges", {to(2, any, 0, 100), to(3, any, 50, 140)}, host.address, 70, 3},
    {"the narrower range covers only its part", {to(2, any, 0, 100), to(3, any, 50, 140)}, host.address, 49, 2},
    {"port, range and wildcard at once", {wildcard(2, any), to(3, any, 0, 1), to(4, any, 0)}, host.address, 0, 4},
    {"a range short of the wildcard by one port", {wildcard(2, any), to(3, any, 0, 65534)}, host.address, 65534, 3},

    {"the longest prefix", {to(2, net16, 53), to(3, host, 53), to(4, net24, 53)}, host.address, 53, 3},
    {"the next prefix beside the host", {to(2, net16, 53), to(3, host, 53), to(4, net24, 53)}, v4(192, 0, 2, 2), 53, 4},
    {"the widest outside both", {to(2, net16, 53), to(3, host, 53), to(4, net24, 53)}, v4(192, 0, 3, 1), 53, 2},
    {"outside all prefixes", {to(2, net16, 53), to(3, host, 53)}, v4(10, 0, 0, 1), 53, no_service},
    {"a prefix before a port: the wildcard of the longer takes all",
     {wildcard(2, net24), to(3, net16, 53)},
     host.address,
     53,
     2},
    {"a prefix that has not the port leaves it to the shorter",
     {to(2, host, 54), to(3, net24, 53)},
     host.address,
     53,
     3},
    {"a prefix over any", {wildcard(2, host), to(3, any, 53)}, host.address, 53, 2},
    {"the /0 of a family over any", {wildcard(2, all4), to(3, any, 53)}, host.address, 53, 2},
    {"the /0 of the other family", {wildcard(2, all6), to(3, any, 53)}, host.address, 53, 3},
    {"IPv6: the longest prefix", {to(2, site6, 53), to(3, host6, 53), to(4, all6, 53)}, host6.address, 53, 3},
    {"IPv6: the site", {to(2, site6, 53), to(3, host6, 53), to(4, all6, 53)}, v6(0x20010db8'00000000, 2), 53, 2},
    {"IPv6: the /0", {to(2, site6, 53), to(3, host6, 53), to(4, all6, 53)}, v6(0x20010db9'00000000, 1), 53, 4},
    {"any is for both families", {to(2, any, 53)}, host6.address, 53, 2},
    {"an IPv4 prefix has no IPv6 address", {wildcard(2, all4)}, host6.address, 53, no_service},
};

/// Nothing depends on the order in which bindings were written.
TEST(Binding, PrecedenceInEveryOrder) {
  for (const auto& test : cases) {
    auto bindings = test.bindings;
    const auto by_service = [](const Binding& a, const Binding& b) { return a.service < b.service; };
    std::ranges::sort(bindings, by_service);
    do {
      const packet::FlowKey flow{
          .src = test.dst, .dst = test.dst, .src_port = 9, .dst_port = test.port, .proto = test.proto};
      const auto* chosen = choose(bindings, flow);
      EXPECT_EQ(chosen == nullptr ? no_service : chosen->service, test.taken_by) << test.says;
    } while (std::ranges::next_permutation(bindings, by_service).found);
  }
}

TEST(Binding, EdgePortsAreTheirOwn) {
  const std::vector<std::uint16_t> ports{0, 1, 63, 64, 65534, 65535};
  std::vector<Binding> bindings;
  for (std::size_t i = 0; i < ports.size(); ++i) bindings.push_back(to(static_cast<ServiceId>(2 + i), any, ports[i]));
  for (unsigned port = 0; port <= 65535; ++port) {
    const auto bound = std::ranges::find(ports, port);
    const packet::FlowKey flow{
        .dst = host.address, .dst_port = static_cast<std::uint16_t>(port), .proto = packet::wire::proto_udp};
    const auto* chosen = choose(bindings, flow);
    ASSERT_EQ(chosen != nullptr, bound != ports.end()) << port;
    if (chosen != nullptr) {
      ASSERT_EQ(chosen->service, 2 + (bound - ports.begin()));
    }
  }
}

struct Pair {
  std::string says;
  Binding a;
  Binding b;
  bool is_conflict;
};

const std::vector<Pair> pairs{
    {"the same port", to(2, any, 53), to(3, any, 53), true},
    {"the same service twice is still said twice", to(2, any, 53), to(2, any, 53), true},
    {"the same range", to(2, net24, 1, 9), to(3, net24, 1, 9), true},
    {"two wildcards", wildcard(2, any), wildcard(3, any), true},
    {"ranges of one size that overlap", to(2, any, 1, 10), to(3, any, 10, 19), true},
    {"ranges of one size side by side", to(2, any, 1, 10), to(3, any, 11, 20), false},
    {"a wider range", to(2, any, 1, 10), to(3, any, 5, 15), false},
    {"a port inside a range", to(2, any, 1, 10), to(3, any, 5), false},
    {"different ports", to(2, any, 53), to(3, any, 54), false},
    {"different transports", to(2, any, 53), to(3, any, 53, 53, Transport::tcp), false},
    {"nested prefixes", to(2, net16, 53), to(3, net24, 53), false},
    {"prefixes of one length side by side", to(2, host, 53), to(3, {v4(192, 0, 2, 2), 32}, 53), false},
    {"any and the /0 of a family", to(2, any, 53), to(3, all4, 53), false},
    {"the /0 of both families", to(2, all6, 53), to(3, all4, 53), false},
};

TEST(Binding, ConflictsAreEqualsThatShareAPacket) {
  for (const auto& [says, a, b, is_conflict] : pairs) {
    EXPECT_EQ(conflict(a, b), is_conflict) << says;
    EXPECT_EQ(conflict(b, a), is_conflict) << says;
    EXPECT_FALSE(beats(a, b) && beats(b, a)) << says;
    EXPECT_FALSE(is_conflict && (beats(a, b) || beats(b, a))) << says;
  }
}

}  // namespace
}  // namespace portier::table
