/// The parts of the preload library that decide: which ports, whose datagram, which flow, and what a message looks
/// like.
#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <string>
#include <vector>

#include "client/preload/ancillary.hpp"
#include "client/preload/datagram_queue.hpp"
#include "client/preload/endpoint.hpp"
#include "client/preload/peer_table.hpp"
#include "client/preload/settings.hpp"

namespace portier::preload {
namespace {

Endpoint endpoint(const char* text, std::uint16_t port) {
  Endpoint made{.port = port, .ip_version = static_cast<std::uint8_t>(std::strchr(text, ':') == nullptr ? 4 : 6)};
  EXPECT_EQ(inet_pton(made.ip_version == 4 ? AF_INET : AF_INET6, text, made.address.data()), 1);
  return made;
}

portier_flow flow(const char* local, std::uint16_t local_port, const char* remote, std::uint16_t remote_port) {
  portier_flow made{};
  const auto here = endpoint(local, local_port);
  const auto there = endpoint(remote, remote_port);
  std::ranges::copy(here.address, made.local_address);
  std::ranges::copy(there.address, made.remote_address);
  made.local_port = local_port;
  made.remote_port = remote_port;
  made.ip_version = here.ip_version;
  return made;
}

TEST(PreloadPorts, ListsAndRanges) {
  using Ranges = std::vector<PortRange>;
  EXPECT_EQ(parse_ports("53"), (Ranges{{53, 53}}));
  EXPECT_EQ(parse_ports("53,5300-5310,65535"), (Ranges{{53, 53}, {5300, 5310}, {65535, 65535}}));
  for (const auto* text :
       {"", ",", "53,", ",53", "0", "65536", "10-9", "-", "5-", "-5", "53 ", "a", "1-2-3", "99999999999"}) {
    EXPECT_EQ(parse_ports(text), std::nullopt) << text;
  }
}

TEST(PreloadPorts, WhatIsTaken) {
  Settings settings{.mailbox = "dns"};
  EXPECT_TRUE(settings.takes(53));
  EXPECT_FALSE(settings.takes(0)) << "the kernel chose the number";
  settings.ports = *parse_ports("53,5300-5310");
  for (const int port : {53, 5300, 5305, 5310}) EXPECT_TRUE(settings.takes(static_cast<std::uint16_t>(port))) << port;
  for (const int port : {52, 54, 5299, 5311}) EXPECT_FALSE(settings.takes(static_cast<std::uint16_t>(port))) << port;
  settings.mailbox.clear();
  EXPECT_FALSE(settings.takes(53)) << "without a mailbox everything is the kernel's";
}

TEST(PreloadEndpoint, NamesThereAndBack) {
  struct Case {
    const char* address;
    int family;
    socklen_t size;
  };
  for (const auto& [address, family, size] :
       {Case{"192.0.2.1", AF_INET, sizeof(sockaddr_in)}, Case{"2001:db8::1", AF_INET6, sizeof(sockaddr_in6)},
        Case{"192.0.2.1", AF_INET6, sizeof(sockaddr_in6)}}) {
    sockaddr_storage name{};
    socklen_t length = sizeof name;
    write_name(endpoint(address, 4242), family, &name, &length);
    EXPECT_EQ(length, size);
    EXPECT_EQ(name.ss_family, family);
    EXPECT_EQ(endpoint_of(&name, length), endpoint(address, 4242)) << "a mapped address is IPv4";
    EXPECT_EQ(endpoint_of(&name, length - 1), std::nullopt);
  }
  sockaddr_storage name{};
  name.ss_family = AF_UNIX;
  EXPECT_EQ(endpoint_of(&name, sizeof name), std::nullopt);
  EXPECT_EQ(endpoint_of(nullptr, 16), std::nullopt);
}

TEST(PreloadEndpoint, NamesAreCutWhereThereIsNoRoom) {
  std::array<char, 16> room{};
  room.fill('x');
  socklen_t length = 4;
  write_name(endpoint("192.0.2.1", 53), AF_INET, room.data(), &length);
  EXPECT_EQ(length, sizeof(sockaddr_in)) << "as long as it would be";
  EXPECT_EQ(std::string(room.data() + 4, 12), std::string(12, 'x'));
}

TEST(PreloadMatch, TheNarrowestSocketWins) {
  const auto asked = flow("192.0.2.1", 53, "198.51.100.7", 4242);
  const Binding any{.family = AF_INET, .local = endpoint("0.0.0.0", 53)};
  const Binding both{.family = AF_INET6, .local = endpoint("::", 53)};
  const Binding own{.family = AF_INET, .local = endpoint("192.0.2.1", 53)};
  auto connected = any;
  connected.peer = endpoint("198.51.100.7", 4242);
  EXPECT_GE(match(both, asked), 0);
  EXPECT_GT(match(any, asked), match(both, asked));
  EXPECT_GT(match(own, asked), match(any, asked));
  EXPECT_GT(match(connected, asked), match(own, asked));
}

TEST(PreloadMatch, OthersDoNot) {
  const auto asked = flow("192.0.2.1", 53, "198.51.100.7", 4242);
  const auto asked6 = flow("2001:db8::1", 53, "2001:db8::7", 4242);
  EXPECT_LT(match({.family = AF_INET, .local = endpoint("0.0.0.0", 54)}, asked), 0) << "another port";
  EXPECT_LT(match({.family = AF_INET, .local = endpoint("192.0.2.2", 53)}, asked), 0) << "another address";
  EXPECT_LT(match({.family = AF_INET, .local = endpoint("0.0.0.0", 53)}, asked6), 0) << "another family";
  EXPECT_LT(match({.family = AF_INET6, .local = endpoint("::", 53), .is_v6_only = true}, asked), 0);
  EXPECT_LT(match({.family = AF_INET6, .local = endpoint("2001:db8::1", 53)}, asked), 0);
  EXPECT_GE(match({.family = AF_INET6, .local = endpoint("::", 53), .is_v6_only = true}, asked6), 0);
  Binding connected{.family = AF_INET, .local = endpoint("0.0.0.0", 53), .peer = endpoint("198.51.100.7", 4243)};
  EXPECT_LT(match(connected, asked), 0) << "another peer";
}

TEST(PreloadPeers, TheLatestFlowOfAPeer) {
  PeerTable peers;
  EXPECT_EQ(peers.find(endpoint("198.51.100.7", 1)), nullptr);
  peers.remember(flow("192.0.2.1", 53, "198.51.100.7", 1));
  peers.remember(flow("192.0.2.2", 53, "198.51.100.7", 1));
  const auto* found = peers.find(endpoint("198.51.100.7", 1));
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(local_of(*found), endpoint("192.0.2.2", 53));
  EXPECT_EQ(peers.find(endpoint("198.51.100.7", 2)), nullptr);
  EXPECT_EQ(peers.find(endpoint("198.51.100.8", 1)), nullptr);
  peers.clear();
  EXPECT_EQ(peers.find(endpoint("198.51.100.7", 1)), nullptr);
}

TEST(PreloadPeers, BoundedAndWhoSpeaksStays) {
  PeerTable peers;
  const auto loyal = endpoint("203.0.113.1", 9);
  peers.remember(flow("192.0.2.1", 53, "203.0.113.1", 9));
  std::size_t known = 0;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    const auto port = static_cast<std::uint16_t>(1 + i % 50'000);
    peers.remember(flow("192.0.2.1", 53, "198.51.100.7", port));
    ASSERT_NE(peers.find(endpoint("198.51.100.7", port)), nullptr) << "the newest is always known";
    ASSERT_NE(peers.find(loyal), nullptr) << i;
  }
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    known += peers.find(endpoint("198.51.100.7", static_cast<std::uint16_t>(1 + i))) != nullptr ? 1 : 0;
  }
  EXPECT_LE(known, PeerTable::ways * PeerTable::sets);
  EXPECT_GT(known, PeerTable::ways * PeerTable::sets / 2) << "the table is used";
}

TEST(PreloadQueue, InOrderAndBounded) {
  DatagramQueue queue;
  EXPECT_TRUE(queue.is_empty());
  std::uint32_t in = 0;
  std::uint32_t out = 0;
  const auto push = [&] {
    const std::vector<std::uint8_t> payload(in % 1500, static_cast<std::uint8_t>(in));
    const bool has_room = queue.push(flow("192.0.2.1", 53, "198.51.100.7", static_cast<std::uint16_t>(in)), payload);
    in += has_room ? 1 : 0;
    return has_room;
  };
  const auto pop = [&] {
    EXPECT_EQ(queue.front().flow.remote_port, static_cast<std::uint16_t>(out));
    EXPECT_EQ(queue.front().payload, std::vector<std::uint8_t>(out % 1500, static_cast<std::uint8_t>(out)));
    queue.pop();
    out += 1;
  };
  for (int round = 0; round < 50; ++round) {  // it grows while its front is anywhere
    for (int i = 0; i < 40; ++i) ASSERT_TRUE(push());
    for (int i = 0; i < 23; ++i) pop();
  }
  while (push()) {
  }
  EXPECT_EQ(queue.size(), DatagramQueue::most);
  while (!queue.is_empty()) pop();
  EXPECT_EQ(in, out);
}

class PreloadAncillary : public ::testing::Test {
 protected:
  PreloadAncillary() {
    message_.msg_control = room_.data();
    message_.msg_controllen = room_.size();
  }
  BoundSocket socket_;
  alignas(cmsghdr) std::array<char, 128> room_{};
  msghdr message_{};
};

TEST_F(PreloadAncillary, NothingThatWasNotAskedFor) {
  write_arrival(socket_, flow("192.0.2.1", 53, "198.51.100.7", 1), message_);
  EXPECT_EQ(message_.msg_controllen, 0U);
  EXPECT_EQ(message_.msg_flags, 0);
  EXPECT_EQ(departure_of(message_), std::nullopt);
}

TEST_F(PreloadAncillary, TheLocalAddressThereAndBack) {
  socket_.wants_ipv4_info = true;
  write_arrival(socket_, flow("192.0.2.1", 53, "198.51.100.7", 1), message_);
  EXPECT_EQ(message_.msg_controllen, CMSG_SPACE(sizeof(in_pktinfo)));
  EXPECT_EQ(departure_of(message_), endpoint("192.0.2.1", 0));
}

TEST_F(PreloadAncillary, IPv4OnAnIPv6SocketIsMapped) {
  socket_.binding.family = AF_INET6;
  socket_.wants_ipv6_info = true;
  write_arrival(socket_, flow("192.0.2.1", 53, "198.51.100.7", 1), message_);
  const auto* header = CMSG_FIRSTHDR(&message_);
  ASSERT_NE(header, nullptr);
  in6_pktinfo info{};
  std::memcpy(&info, CMSG_DATA(header), sizeof info);
  EXPECT_TRUE(IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr));
  EXPECT_EQ(departure_of(message_), endpoint("192.0.2.1", 0));
}

TEST_F(PreloadAncillary, TooLittleRoomIsMarked) {
  socket_.wants_ipv4_info = true;
  message_.msg_controllen = CMSG_LEN(sizeof(in_pktinfo)) - 1;
  write_arrival(socket_, flow("192.0.2.1", 53, "198.51.100.7", 1), message_);
  EXPECT_EQ(message_.msg_controllen, 0U);
  EXPECT_EQ(message_.msg_flags, MSG_CTRUNC);
}

TEST_F(PreloadAncillary, AnUnspecifiedDepartureIsNone) {
  auto* const header = CMSG_FIRSTHDR(&message_);
  header->cmsg_level = IPPROTO_IP;
  header->cmsg_type = IP_PKTINFO;
  header->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
  message_.msg_controllen = CMSG_SPACE(sizeof(in_pktinfo));
  EXPECT_EQ(departure_of(message_), std::nullopt) << "an interface alone says no address";
}

}  // namespace
}  // namespace portier::preload
