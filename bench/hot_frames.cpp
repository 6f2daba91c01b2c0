/// Makes the frames of the benchmarks.
#include "hot_frames.hpp"

#include <cstring>

#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::bench {

void HotFrames::add(packet::Bytes frame) {
  places_.push_back({lines_.size(), frame.size()});
  lines_.resize(lines_.size() + (frame.size() + sizeof(Line) - 1) / sizeof(Line));
  std::memcpy(lines_[places_.back().line].bytes.data(), frame.data(), frame.size());
}

HotFrames make_frames(const Shares& shares, std::span<const std::uint16_t> ports) {
  traffic::Random random(1);
  HotFrames frames;
  while (frames.size() < hot_frame_count) {
    auto builder = traffic::frame();
    if (random.chance(shares.vlan)) {
      if (random.chance(1.0 / 3)) builder.vlan(7, packet::wire::ethertype_qinq);
      builder.vlan(42);
    }
    const auto flow = static_cast<std::uint8_t>(random.below(200));
    if (random.chance(shares.ipv6)) {
      builder.ipv6(traffic::v6(0x20010db8'00000001, flow), traffic::v6(0x20010db8'00000000, 1));
    } else {
      builder.ipv4(traffic::v4(198, 51, 100, flow), traffic::v4(192, 0, 2, 1));
    }
    const auto from = static_cast<std::uint16_t>(random.between(1024, 65535));
    const auto to = ports[random.below(static_cast<std::uint32_t>(ports.size()))];
    random.chance(shares.tcp) ? builder.tcp(from, to) : builder.udp(from, to);
    frames.add(builder.payload(random.between(16, 40)).build());
  }
  return frames;
}

}  // namespace portier::bench
