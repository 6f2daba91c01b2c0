/// What a trial's packets are: settings of the traffic, and the templates and their order that are made of them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "endpoints.hpp"
#include "frame_sizes.hpp"
#include "frame_template.hpp"
#include "service_list.hpp"
#include "traffic/frame.hpp"

namespace portier::load {

struct TrafficSettings {
  std::vector<LoadService> services{LoadService{.name = "udp/7"}};
  std::vector<SizeShare> sizes{SizeShare{}};
  bool syn = false;  ///< TCP SYN without payload instead of marked packets
  double ipv6_share = 0;
  packet::Address dst4 = packet::ipv4(0xc6130001);  ///< 198.19.0.1 (RFC 2544)
  packet::Address dst6 = benchmark_address6(1, 1);
  SourceRange sources;
  std::uint32_t flows = 256;  ///< of every service
  double churn_per_s = 0;
  traffic::Mac src_mac = traffic::default_src_mac;
  traffic::Mac dst_mac = traffic::default_dst_mac;
  std::optional<std::uint16_t> vlan;
  std::uint64_t seed = 1;
};

struct TrafficPlan {
  std::vector<LoadService> services;
  std::vector<FrameTemplate> templates;
  std::vector<std::uint32_t> order;  ///< indices of templates; walked round and round
  std::size_t head_bytes = 64;       ///< 64 or `most_head_bytes`: what is copied for each packet
  std::size_t longest_bytes = 60;
  double mean_bytes = 0;      ///< of a frame, over the order
  bool sizes_raised = false;  ///< some frames are longer than asked, to hold headers and mark
};

/// One of the two.
struct PlannedTraffic {
  std::optional<TrafficPlan> plan;
  std::string problem;
};

/// Services, sizes and IP versions each occur in the order as often as their shares say, independently of each other.
PlannedTraffic plan_traffic(const TrafficSettings& settings);

}  // namespace portier::load
