/// The built-in captures are what they are called, the same every time, and survive a file; other files are refused.
#include "capture.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <stdexcept>

#include "packet/parse.hpp"

namespace portier::bench {
namespace {

packet::Facts parse(const traffic::Frame& frame) {
  return packet::parse(frame, static_cast<std::uint32_t>(frame.size()));
}

TEST(Capture, W4IsSmallFramesToKnownPorts) {
  const auto capture = builtin_capture("w4", 1000);
  ASSERT_EQ(capture.frames.size(), builtin_frames);
  const std::set<std::uint16_t> ports(capture.ports.begin(), capture.ports.end());
  EXPECT_EQ(ports.size(), 1000U);
  std::map<std::uint16_t, std::size_t> seen;
  std::size_t udp = 0;
  for (const auto& frame : capture.frames) {
    EXPECT_EQ(frame.size(), 60U);
    const auto facts = parse(frame);
    ASSERT_EQ(facts.reason, packet::Reason::none);
    EXPECT_EQ(facts.ip_version, 4);
    EXPECT_TRUE(ports.contains(facts.dst_port));
    seen[facts.dst_port] += 1;
    udp += facts.proto == packet::wire::proto_udp ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(udp) / builtin_frames, 0.7, 0.03);
  EXPECT_NEAR(static_cast<double>(seen[capture.ports[0]]) / builtin_frames, 1 / 7.485, 0.02) << "Zipf over 1,000";
  EXPECT_EQ(builtin_capture("w4", 1000).frames, capture.frames);
}

TEST(Capture, OtherKinds) {
  for (const auto& frame : builtin_capture("w6", 10).frames) EXPECT_EQ(parse(frame).ip_version, 6);
  for (const auto& frame : builtin_capture("vlan", 10).frames) {
    EXPECT_EQ(parse(frame).vlan_count, 1);
    EXPECT_EQ(frame.size(), 64U);
  }
  std::map<std::size_t, std::size_t> sizes;
  for (const auto& frame : builtin_capture("imix", 10).frames) sizes[frame.size()] += 1;
  ASSERT_EQ(sizes.size(), 3U);
  EXPECT_NEAR(static_cast<double>(sizes[60]) / builtin_frames, 7.0 / 12, 0.03);
  EXPECT_NEAR(static_cast<double>(sizes[1514]) / builtin_frames, 1.0 / 12, 0.02);
  EXPECT_THROW(builtin_capture("w5", 10), std::invalid_argument);
}

TEST(Capture, AFileHoldsTheSameFramesAndGoes) {
  const auto capture = builtin_capture("imix", 10);
  std::string path;
  {
    const CaptureFile file(capture, "");
    path = file.path();
    EXPECT_EQ(read_capture(path).frames, capture.frames);
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(Capture, OneThatCannotBeLoopedIsRefused) {
  EXPECT_THROW(read_capture("/nonexistent.pcap"), std::invalid_argument);
  const CaptureFile empty({.label = "empty", .frames = {}, .ports = {}}, "");
  EXPECT_THROW(read_capture(empty.path()), std::invalid_argument);
  const CaptureFile large({.label = "large", .frames = {traffic::Frame(4000)}, .ports = {}}, "");
  EXPECT_THROW(read_capture(large.path()), std::invalid_argument);
}

}  // namespace
}  // namespace portier::bench
