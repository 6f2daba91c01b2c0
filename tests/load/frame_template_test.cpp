/// Every generated frame is what a sound sender would have sent: lengths, checksums, mark; before and after updates.
#include "frame_template.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "frame_reader.hpp"
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "traffic/random.hpp"

namespace portier::load {
namespace {

using packet::Transport;

constexpr MarkKey key{0x1234567890abcdef, 0xfedcba0987654321};

void expect_sound(packet::Bytes frame, const char* when) {
  const auto facts = packet::parse(frame);
  ASSERT_EQ(facts.kind, packet::Kind::transport) << when;
  if (facts.ip_version == 4) {
    EXPECT_EQ(packet::checksum(frame.subspan(facts.l3_offset, 20)), 0) << when;
  }
  const auto flow = packet::flow_key(frame.data(), facts);
  const auto segment = frame.subspan(facts.l4_offset, facts.l3_end - facts.l4_offset);
  EXPECT_EQ(packet::transport_checksum(flow.src, flow.dst, facts.proto, segment), 0) << when;
}

struct Case {
  TemplateKind kind;
  Transport transport;
  std::uint8_t version;
  std::size_t bytes;
  bool is_tagged;
};

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const auto version : {4, 6}) {
    for (const bool is_tagged : {false, true}) {
      for (const std::size_t bytes : {60, 61, 64, 65, 100, 590, 1514}) {
        const auto v = static_cast<std::uint8_t>(version);
        cases.push_back({TemplateKind::marked, Transport::udp, v, bytes, is_tagged});
        cases.push_back({TemplateKind::marked, Transport::tcp, v, bytes, is_tagged});
      }
      cases.push_back({TemplateKind::syn, Transport::tcp, static_cast<std::uint8_t>(version), 60, is_tagged});
    }
  }
  return cases;
}

TemplateSpec spec_of(const Case& c) {
  TemplateSpec spec;
  spec.kind = c.kind;
  spec.transport = c.transport;
  spec.src = c.version == 4 ? traffic::v4(198, 18, 0, 1) : benchmark_address6(0, 1);
  spec.dst = c.version == 4 ? traffic::v4(198, 19, 0, 1) : benchmark_address6(1, 1);
  spec.dst_port = 53;
  spec.service = 3;
  spec.frame_bytes = c.bytes;
  if (c.is_tagged) spec.vlan = 100;
  return spec;
}

TEST(FrameTemplate, AllFramesAreSoundAndReadBack) {
  std::vector<LoadService> udp(4, {.name = "udp/53", .transport = Transport::udp, .first_port = 53});
  std::vector<LoadService> tcp(4, {.name = "tcp/53", .transport = Transport::tcp, .first_port = 53});
  for (int i = 0; i < 3; ++i)
    udp[static_cast<std::size_t>(i)].first_port = tcp[static_cast<std::size_t>(i)].first_port = 1;
  const FrameReader udp_reader(udp, key);
  const FrameReader tcp_reader(tcp, key);
  traffic::Random random(1);
  std::vector<std::uint8_t> buffer(2048);
  for (const auto& c : all_cases()) {
    const auto frame = make_template(spec_of(c));
    ASSERT_GE(frame.length, c.bytes);
    if (c.kind == TemplateKind::marked) {
      ASSERT_EQ(frame.length, std::max<std::size_t>(c.bytes, frame.mark_offset + mark_bytes));
    }
    for (int round = 0; round < 200; ++round) {
      fill(buffer);
      Endpoint from;
      from.address = {static_cast<std::uint32_t>(random.next()), static_cast<std::uint32_t>(random.next())};
      from.port = static_cast<std::uint16_t>(random.next());
      from.generation = static_cast<std::uint8_t>(random.below(16));
      const packet::Bytes bytes(buffer.data(), frame.length);
      const auto& reader = c.transport == Transport::udp ? udp_reader : tcp_reader;
      if (c.kind == TemplateKind::syn) {
        const auto number = syn_number(key, 3, random.next());
        write_syn<most_head_bytes>(buffer.data(), frame, from, frame.dst_port, number);
        expect_sound(bytes, "SYN");
        const auto read = reader.read(bytes);
        ASSERT_EQ(read.as, ReadAs::syn);
        ASSERT_EQ(read.mark.sequence, number & 0xffffff);
        continue;
      }
      const Mark mark{.sequence = random.next() & mark_mask48,
                      .service = 3,
                      .generation = from.generation,
                      .intended_ticks = random.next() & (mark_mask48 >> 1),
                      .delay_ticks = random.below(4096)};
      write_marked<most_head_bytes>(buffer.data(), frame, from, frame.dst_port,
                                    encode_mark(key, mark, frame.payload_bytes));
      expect_sound(bytes, "as written");
      auto read = reader.read(bytes);
      ASSERT_EQ(read.as, ReadAs::ours) << "version " << int{c.version} << ", " << c.bytes << " bytes";
      EXPECT_EQ(read.mark.sequence, mark.sequence);
      EXPECT_EQ(read.mark.generation, mark.generation);
      EXPECT_EQ(read.mark.intended_ticks, mark.intended_ticks);
      EXPECT_EQ(read.mark.delay_ticks, mark.delay_ticks);
      restamp(buffer.data(), frame, key, mark.intended_ticks + 3000);
      expect_sound(bytes, "after an update");
      read = reader.read(bytes);
      ASSERT_EQ(read.as, ReadAs::ours);
      EXPECT_EQ(read.mark.delay_ticks, 3000U);
      EXPECT_EQ(read.mark.sequence, mark.sequence);
    }
    if (HasFailure()) return;
  }
}

TEST(FrameTemplate, ShortHeadsGiveTheSameFrame) {
  const auto frame = make_template(spec_of({TemplateKind::marked, Transport::udp, 4, 60, false}));
  std::vector<std::uint8_t> a(128);
  std::vector<std::uint8_t> b(128);
  fill(a);
  fill(b);
  const auto words = encode_mark(key, {.sequence = 5, .service = 3}, frame.payload_bytes);
  write_marked<64>(a.data(), frame, {.address = {1, 2}, .port = 3}, frame.dst_port, words);
  write_marked<most_head_bytes>(b.data(), frame, {.address = {1, 2}, .port = 3}, frame.dst_port, words);
  EXPECT_EQ(a, b);
  EXPECT_EQ(frame.length, 60) << "the smallest frame holds the mark";
}

TEST(FrameTemplate, EveryDamagedBitOfThePayloadIsSeen) {
  const std::vector<LoadService> services(4, {.transport = Transport::udp, .first_port = 53});
  const FrameReader reader(services, key);
  const auto frame = make_template(spec_of({TemplateKind::marked, Transport::udp, 4, 90, false}));
  std::vector<std::uint8_t> buffer(128);
  fill(buffer);
  write_marked<64>(buffer.data(), frame, {}, frame.dst_port,
                   encode_mark(key, {.sequence = 9, .service = 3}, frame.payload_bytes));
  std::size_t missed = 0;
  for (std::size_t bit = frame.mark_offset * 8U; bit < frame.length * 8U; ++bit) {
    auto damaged = buffer;
    damaged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    if (reader.read({damaged.data(), frame.length}).as == ReadAs::ours) ++missed;
  }
  EXPECT_EQ(missed, 0U);
}

TEST(FrameTemplate, OtherTestersPacketsAreNotOurs) {
  const std::vector<LoadService> services(4, {.transport = Transport::udp, .first_port = 53});
  const FrameReader reader(services, key);
  const auto frame = make_template(spec_of({TemplateKind::marked, Transport::udp, 4, 60, false}));
  std::vector<std::uint8_t> buffer(128);
  fill(buffer);
  std::size_t taken = 0;
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    const MarkKey other{key.first + i + 1, key.second * (i + 3)};
    write_marked<64>(buffer.data(), frame, {}, frame.dst_port,
                     encode_mark(other, {.sequence = i, .service = 3}, frame.payload_bytes));
    if (reader.read({buffer.data(), frame.length}).as == ReadAs::ours) ++taken;
  }
  EXPECT_LE(taken, 4U) << "one in 65,536 by chance";
}

TEST(Mark, DelaysKeepTheirSize) {
  for (std::uint64_t delay = 0; delay < (std::uint64_t{1} << 41); delay = delay * 9 / 8 + 1) {
    const auto read = decode_delay(encode_delay(delay));
    EXPECT_LE(read, delay);
    EXPECT_GE(static_cast<double>(read), static_cast<double>(delay) * (1 - 1.0 / 2048));
  }
  EXPECT_EQ(encode_delay(~std::uint64_t{0}), 0xffff);
}

}  // namespace
}  // namespace portier::load
