/// Frames in mbufs as a device would leave them, made by words and visited in a fixed order: what the benchmarks and
/// the instruction budget feed to the stages. Seeded: the same specification gives the same frames everywhere.
#pragma once

#include <rte_mbuf_core.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "packet/address.hpp"
#include "packet/bytes.hpp"
#include "traffic/frame.hpp"

namespace portier::bench {

/// What the frames are. 70 % UDP and 30 % TCP in all of them but `ipv4_udp`.
enum class Traffic {
  ipv4,      ///< 60 bytes
  ipv6,      ///< 64 bytes (UDP) and 76 (TCP)
  vlan,      ///< IPv4 with one tag, a third of them with two; 64 and 68 bytes
  imix,      ///< IPv4 of 60, 590 and 1,514 bytes, 7 : 4 : 1
  mixed,     ///< a third IPv6, a third with tags, 2 % to closed ports, 0.5 % malformed
  ipv4_udp,  ///< 60 bytes, UDP only: nothing that a branch predictor could miss
};

/// How ports are chosen among those of the services.
enum class Popularity { zipf, uniform };

/// How many, and in which order they come: what the caches hold.
enum class Warmth {
  hot,   ///< 4,096 in order: mbufs and headers fit into a second-level cache of 1 MiB
  warm,  ///< 32,768 in order: 6 MiB of lines that are touched
  cold,  ///< 131,072 in random order: 24 MiB of them
};

struct FrameSpec {
  Traffic traffic = Traffic::ipv4;
  Warmth warmth = Warmth::hot;
  Popularity popularity = Popularity::zipf;
  std::size_t services = 1000;
  std::size_t addresses = 16;  ///< destinations, evenly
  friend bool operator==(const FrameSpec&, const FrameSpec&) = default;
};

std::string text_of(Traffic traffic);
std::string text_of(Warmth warmth);
/// "zipf_1000", "uniform_1000", "one_service".
std::string text_of_ports(const FrameSpec& spec);

/// The port of each service, distinct; the same for every count, as far as it goes. Port 9 stays closed.
std::vector<std::uint16_t> service_ports(std::size_t services);
/// Destination `i` of a set, by family: 10.0.0.0/8 and 2001:db8::/32, one /24 or /64 each.
packet::Address destination4(std::size_t i);
packet::Address destination6(std::size_t i);

/// Frames that a pass visits: a window that moves on through the set.
inline constexpr std::size_t pass_packets = 4096;
inline constexpr std::size_t burst_packets = 32;  ///< the default of router.burst

class FrameSet {
 public:
  explicit FrameSet(const FrameSpec& spec);

  std::size_t size() const { return order_.size(); }
  /// The mbuf that comes `i`-th.
  rte_mbuf* operator[](std::size_t i) const { return order_[i]; }
  packet::Bytes frame(std::size_t i) const;
  /// First row of the next pass: the set in turn, `pass_packets` at a time.
  std::size_t next_pass();

 private:
  struct Free {
    void operator()(std::uint8_t* block) const;
  };
  void place(std::size_t i, packet::Bytes frame);

  std::unique_ptr<std::uint8_t[], Free> block_;
  std::vector<rte_mbuf*> order_;
  std::size_t next_pass_ = 0;
};

/// The set of this specification; the one that was asked for last is kept, because Google Benchmark calls each
/// benchmark several times.
FrameSet& frames_for(const FrameSpec& spec);

}  // namespace portier::bench
