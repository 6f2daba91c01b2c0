/// Numbered packets of many flows that go on over reloads, and what must hold of those that handlers saw.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/pipeline_fixture.hpp"

namespace portier::test {

class Reload : public PipelineTest {
 protected:
  /// Another few packets of every flow to a port.
  void push_some(std::uint16_t port, std::uint32_t flows, std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
      for (std::uint32_t flow = 0; flow < flows; ++flow) push(numbered(flow, next_[port][flow]++, port));
    }
  }

  /// Every packet once, in order, of every flow that a service had; without what was dropped by name.
  void expect_in_order(const std::vector<Seen>& seen, const std::string& service, std::uint16_t port) {
    std::map<std::uint32_t, std::uint32_t> expected;
    for (const auto& packet : seen) {
      if (packet.service != service) continue;
      ASSERT_EQ(packet.number, expected[packet.flow]) << service << ", flow " << packet.flow << ": lost or reordered";
      expected[packet.flow] += 1;
    }
    EXPECT_EQ(expected, next_[port]) << service;
  }

  /// No flow has a packet behind one that was sent later; some may be missing.
  static void expect_no_step_back(const std::vector<Seen>& seen) {
    std::map<std::pair<std::string, std::uint32_t>, std::uint32_t> next;
    for (const auto& packet : seen) {
      auto& expected = next[{packet.service, packet.flow}];
      ASSERT_GE(packet.number, expected) << packet.service << ", flow " << packet.flow << ": reordered";
      expected = packet.number + 1;
    }
  }

  std::map<std::uint16_t, std::map<std::uint32_t, std::uint32_t>> next_;  ///< [port][flow]: number of its next packet
};

}  // namespace portier::test
