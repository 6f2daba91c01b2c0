/// What the tests of answers share: requests, and answers read back with the same parser and summed by another one's
/// arithmetic.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "packet/parse.hpp"
#include "packet/reply.hpp"
#include "traffic/frame.hpp"

namespace portier::packet {

using traffic::frame;
using traffic::Frame;
using traffic::FrameBuilder;
using traffic::v4;
using traffic::v6;

inline const auto peer4 = v4(198, 51, 100, 7);
inline const auto ours4 = v4(192, 0, 2, 1);
inline const auto peer6 = v6(0x20010db8'00000007, 7);
inline const auto ours6 = v6(0x20010db8'00000000, 1);

inline FrameBuilder ip4() { return frame().ipv4(peer4, ours4); }
inline FrameBuilder ip6() { return frame().ipv6(peer6, ours6); }

/// The answer, or nothing. Whatever it is, it must not depend on more room than it needs.
inline Frame answer(const std::function<std::size_t(MutableBytes, Bytes, const Layout&)>& write, const Frame& request) {
  const auto layout = layout_of(parse(request));
  Frame out(request.size() + reply_growth_bytes, 0xee);
  out.resize(write(out, request, layout));
  if (out.empty()) return out;
  Frame exact(out.size());
  EXPECT_EQ(write(exact, request, layout), out.size());
  EXPECT_EQ(exact, out) << "every byte is written";
  Frame tight(out.size() - 1);
  EXPECT_EQ(write(tight, request, layout), 0U) << "a byte less is too little";
  return out;
}

inline std::uint16_t ones_sum(std::uint32_t sum, Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint32_t>(i % 2 == 0 ? bytes[i] << 8 : bytes[i]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(sum);
}

/// Parses an answer and checks its checksums independently: sound data sums to all ones.
inline Facts read_back(const Frame& reply) {
  const auto facts = parse(reply);
  EXPECT_EQ(text_of(facts.reason).name, "none");
  EXPECT_EQ(facts.l3_end, reply.size()) << "no padding";
  const Bytes bytes(reply);
  const auto segment = bytes.subspan(facts.l4_offset);
  std::uint32_t pseudo = 0;
  if (facts.ip_version == 4) {
    EXPECT_EQ(facts.l4_offset - facts.l3_offset, 20) << "no options";
    EXPECT_EQ(ones_sum(0, bytes.subspan(facts.l3_offset, 20)), 0xffff);
    pseudo = ones_sum(0, bytes.subspan(facts.l3_offset + 12U, 8));
  } else {
    EXPECT_EQ(facts.l4_offset - facts.l3_offset, 40) << "no extension headers";
    pseudo = ones_sum(0, bytes.subspan(facts.l3_offset + 8U, 32));
  }
  pseudo = facts.proto == wire::proto_icmp ? 0 : pseudo + facts.proto + static_cast<std::uint32_t>(segment.size());
  EXPECT_EQ(ones_sum(pseudo, segment), 0xffff);
  return facts;
}

inline void expect_turned_round(const Frame& reply, const Frame& request) {
  const auto asked = flow_key(request.data(), parse(request));
  const auto said = flow_key(reply.data(), parse(reply));
  EXPECT_EQ(said.src, asked.dst);
  EXPECT_EQ(said.dst, asked.src);
  EXPECT_TRUE(std::equal(reply.begin(), reply.begin() + 6, request.begin() + 6)) << "MAC of the sender";
  EXPECT_TRUE(std::equal(reply.begin() + 6, reply.begin() + 12, request.begin())) << "MAC that was addressed";
  EXPECT_TRUE(std::equal(reply.begin() + 12, reply.begin() + parse(reply).l3_offset, request.begin() + 12)) << "tags";
}

}  // namespace portier::packet
