/// Answers to anything: no function reads outside the frame or writes outside the room, whatever frame and layout say.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "packet/parse.hpp"
#include "packet/reply.hpp"
#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::packet {
namespace {

using traffic::Frame;
using traffic::Random;

constexpr MacAddress our_mac{2, 0, 0, 0, 0, 9};

std::vector<Frame> seeds() {
  const auto a4 = traffic::v4(10, 0, 0, 2);
  const auto b4 = traffic::v4(10, 0, 0, 1);
  const auto a6 = traffic::v6(0x20010db8'00000000, 2);
  const auto b6 = traffic::v6(0x20010db8'00000000, 1);
  std::vector<Frame> frames{traffic::frame().arp_request(a4, b4).build(),
                            traffic::frame().neighbor_solicitation(a6, b6).build()};
  const traffic::FrameBuilder networks[] = {
      traffic::frame().ipv4(a4, b4),
      traffic::frame().ipv6(a6, b6),
      traffic::frame().vlan(2).ipv4(a4, b4).options(5),
      traffic::frame().ipv6(a6, b6).hop_by_hop().routing(),
      traffic::frame().ipv6(a6, b6).fragment(0, true, 1),
  };
  for (const auto& network : networks) {
    for (const std::size_t payload : {0U, 40U, 1400U}) {
      frames.push_back(traffic::FrameBuilder(network).udp(1, 2).payload(payload).build());
      frames.push_back(traffic::FrameBuilder(network).udplite(1, 2).payload(payload).build());
      frames.push_back(traffic::FrameBuilder(network).tcp(1, 2).payload(payload).build());
      frames.push_back(traffic::FrameBuilder(network).sctp(1, 2).payload(payload).build());
      frames.push_back(traffic::FrameBuilder(network).icmp_echo(1, 2).payload(payload).build());
    }
  }
  return frames;
}

/// Heap blocks of exactly the size, so that a sanitizer sees the first byte beyond either end.
struct Block {
  explicit Block(std::size_t bytes) : size(bytes), data(new std::uint8_t[bytes]()) {}
  MutableBytes bytes() { return {data.get(), size}; }

  std::size_t size;
  std::unique_ptr<std::uint8_t[]> data;
};

/// Every answer that these bytes and this layout give; returns how many there were.
int write_all(Bytes frame, const Layout& layout, std::size_t room) {
  int answers = 0;
  const auto run = [&](auto&& write) {
    Block out(room);
    const std::size_t length = write(out.bytes());
    EXPECT_LE(length, room);
    answers += length != 0 ? 1 : 0;
  };
  run([&](MutableBytes out) { return write_udp_echo(out, frame, layout); });
  run([&](MutableBytes out) { return write_tcp_reset(out, frame, layout); });
  run([&](MutableBytes out) { return write_port_unreachable(out, frame, layout); });
  run([&](MutableBytes out) { return write_reject(out, frame, layout); });
  run([&](MutableBytes out) { return write_icmp_echo_reply(out, frame, layout); });
  run([&](MutableBytes out) { return write_arp_reply(out, frame, layout, our_mac); });
  run([&](MutableBytes out) { return write_neighbor_advertisement(out, frame, layout, our_mac); });
  return answers;
}

TEST(ReplyProperty, StaysInItsBoundsForAnyBytesAndAnyLayout) {
  Random random(99);
  const auto sound = seeds();
  int answers = 0;
  for (int round = 0; round < 60'000; ++round) {
    auto frame = sound[random.below(static_cast<std::uint32_t>(sound.size()))];
    for (auto changes = random.below(4); changes > 0; --changes) {
      frame[random.below(static_cast<std::uint32_t>(std::min<std::size_t>(frame.size(), 90)))] = random.byte();
    }
    auto layout = layout_of(parse(frame));
    if (random.chance(0.3)) frame.resize(random.below(static_cast<std::uint32_t>(frame.size()) + 1));
    if (random.chance(0.2)) layout.l3_offset = static_cast<std::uint16_t>(random.below(120));
    if (random.chance(0.2)) layout.l4_offset = static_cast<std::uint16_t>(random.below(200));
    if (random.chance(0.1)) layout.ip_version = static_cast<std::uint8_t>(random.below(8));
    if (random.chance(0.1)) layout.proto = random.byte();
    if (random.chance(0.1)) layout.fragment = static_cast<Fragment>(random.below(3));
    Block exact(frame.size());
    std::copy(frame.begin(), frame.end(), exact.bytes().begin());
    const std::size_t room = random.chance(0.3) ? random.below(120) : frame.size() + reply_growth_bytes;
    answers += write_all(exact.bytes(), layout, room);
  }
  EXPECT_GT(answers, 10'000) << "the frames are too broken to test much";
}

// What callers reserve is enough: more room never changes whether there is an answer.
TEST(ReplyProperty, GrowthIsBounded) {
  for (const auto& frame : seeds()) {
    const auto layout = layout_of(parse(frame));
    EXPECT_EQ(write_all(frame, layout, frame.size() + reply_growth_bytes), write_all(frame, layout, 20'000));
    Block reserved(max_reject_bytes(frame.size()));
    Block plenty(20'000);
    EXPECT_EQ(write_reject(reserved.bytes(), frame, layout), write_reject(plenty.bytes(), frame, layout));
  }
}

}  // namespace
}  // namespace portier::packet
