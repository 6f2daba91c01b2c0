/// ARP replies and neighbour advertisements, and the questions that get none.
#include <gtest/gtest.h>

#include <cstddef>

#include "packet/reply_reader.hpp"

namespace portier::packet {
namespace {

constexpr MacAddress our_mac{0x02, 0xaa, 0xbb, 0xcc, 0xdd, 0xee};

auto with_our_mac(std::size_t (*write)(MutableBytes, Bytes, const Layout&, const MacAddress&)) {
  return [write](MutableBytes out, Bytes bytes, const Layout& layout) { return write(out, bytes, layout, our_mac); };
}

TEST(Arp, RepliesWithOurMac) {
  for (const auto& sender : {peer4, v4(0, 0, 0, 0)}) {
    const auto request = frame().vlan(6).arp_request(sender, ours4).pad_to(64).build();
    EXPECT_EQ(arp_target(request, layout_of(parse(request))), ours4);
    const auto reply = answer(with_our_mac(write_arp_reply), request);
    ASSERT_EQ(reply.size(), 46U);
    EXPECT_TRUE(std::equal(our_mac.begin(), our_mac.end(), reply.begin() + 6));
    EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, traffic::default_src_mac.begin()));
    const auto* arp = reply.data() + 18;
    EXPECT_EQ(load16(arp + 6), 2);
    EXPECT_TRUE(std::equal(our_mac.begin(), our_mac.end(), arp + 8));
    EXPECT_EQ(address_at(arp + 14, 4), ours4);
    EXPECT_TRUE(std::equal(arp + 18, arp + 24, traffic::default_src_mac.begin()));
    EXPECT_EQ(address_at(arp + 24, 4), sender);
  }
}

TEST(Arp, UnsoundRequests) {
  const auto sound = frame().arp_request(peer4, ours4).build();
  const auto changed = [&](std::size_t at, std::uint8_t value) {
    auto request = sound;
    request[14 + at] = value;
    return request;
  };
  auto group_sender = sound;
  group_sender[6] = 1;
  const Frame requests[] = {
      changed(1, 2),
      changed(2, 9),
      changed(4, 8),
      changed(5, 16),
      changed(7, 2),
      changed(7, 0),
      changed(8, 1),
      changed(14, 224),
      changed(14, 127),
      changed(24, 0),
      changed(24, 127),
      changed(24, 255),
      Frame(sound.begin(), sound.end() - 1),
      group_sender,
      ip4().udp(1, 2).payload(30).build(),
  };
  for (const auto& request : requests) {
    EXPECT_EQ(arp_target(request, layout_of(parse(request))).version, 0);
    EXPECT_TRUE(answer(with_our_mac(write_arp_reply), request).empty());
  }
}

TEST(Neighbor, AdvertisesOurMac) {
  const auto unspecified = v6(0, 0);
  for (const auto& src : {peer6, unspecified}) {
    const auto request = frame().vlan(6).neighbor_solicitation(src, ours6).build();
    EXPECT_EQ(neighbor_target(request, layout_of(parse(request))), ours6);
    const auto reply = answer(with_our_mac(write_neighbor_advertisement), request);
    ASSERT_FALSE(reply.empty());
    EXPECT_EQ(reply.size(), neighbor_advertisement_bytes(layout_of(parse(request))));
    const auto facts = read_back(reply);
    const auto key = flow_key(reply.data(), facts);
    const bool is_probe = src == unspecified;
    EXPECT_EQ(key.src, ours6);
    EXPECT_EQ(key.dst, is_probe ? v6(0xff02'0000'0000'0000, 1) : peer6);
    EXPECT_EQ(reply[facts.l3_offset + 7U], 255) << "hop limit";
    const auto* icmp = reply.data() + facts.l4_offset;
    EXPECT_EQ(icmp[0], 136);
    EXPECT_EQ(icmp[4], is_probe ? 0x20 : 0x60);
    EXPECT_EQ(address_at(icmp + 8, 6), ours6);
    EXPECT_TRUE(std::equal(our_mac.begin(), our_mac.end(), icmp + 26));
    const MacAddress all_nodes{0x33, 0x33, 0, 0, 0, 1};
    EXPECT_TRUE(
        std::equal(reply.begin(), reply.begin() + 6, is_probe ? all_nodes.begin() : traffic::default_src_mac.begin()));
  }
}

TEST(Neighbor, UnsoundSolicitations) {
  const auto solicitation = [] { return frame().neighbor_solicitation(peer6, ours6); };
  const auto with_body = [&](Frame tail, const Address& target = ours6) {
    Frame body(target.bytes.begin(), target.bytes.end());
    body.insert(body.end(), tail.begin(), tail.end());
    return solicitation().payload(Bytes(body));
  };
  const auto probe_with_option = [] {
    Frame body(ours6.bytes.begin(), ours6.bytes.end());
    body.insert(body.end(), {1, 1, 2, 0, 0, 0, 0, 1});
    return frame().neighbor_solicitation(v6(0, 0), ours6).payload(Bytes(body)).build();
  };
  const Frame requests[] = {
      solicitation().ttl(254).build(),
      solicitation().checksum(1).build(),
      solicitation().icmp(135, 1).build(),
      solicitation().icmp(136, 0).build(),
      solicitation().payload(15).build(),
      with_body({1, 0, 0, 0, 0, 0, 0, 0}).build(),
      with_body({1, 2, 0, 0, 0, 0, 0, 0}).build(),
      with_body({1}).build(),
      with_body({}, v6(0xff02'0000'0000'0000, 1)).build(),
      with_body({}, v6(0, 0)).build(),
      solicitation().hop_by_hop().build(),
      solicitation().fragment(0, false, 1).build(),
      solicitation().src_mac({1, 0, 0, 0, 0, 1}).build(),
      probe_with_option(),
      frame().neighbor_solicitation(v6(0, 0), ours6).ipv6(v6(0, 0), ours6).build(),
      frame().neighbor_solicitation(v6(0xff02'0000'0000'0000, 5), ours6).build(),
      frame().neighbor_solicitation(v6(0, 1), ours6).build(),
  };
  std::size_t row = 0;
  for (const auto& request : requests) {
    EXPECT_EQ(neighbor_target(request, layout_of(parse(request))).version, 0) << "row " << row;
    EXPECT_TRUE(answer(with_our_mac(write_neighbor_advertisement), request).empty()) << "row " << row;
    ++row;
  }
  EXPECT_EQ(neighbor_target(with_body({14, 1, 0, 0, 0, 0, 0, 0}).build(),
                            {.ip_version = 6, .proto = 58, .l3_offset = 14, .l4_offset = 54}),
            ours6)
      << "an unknown option is skipped";
}

}  // namespace
}  // namespace portier::packet
