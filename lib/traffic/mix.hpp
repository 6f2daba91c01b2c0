/// Seeded traffic: a pool of frames with the shares of services, closed ports, fragments and nonsense that were asked.
///
/// Everything is made at the start; `next` only walks the pool, so a source's pace does not depend on what it sends.
/// The same settings and destinations give the same frames on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "packet/address.hpp"
#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::traffic {

/// Where packets go. An address of version 0: this destination is not reached over that family.
struct Destination {
  packet::Address dst4;
  packet::Address dst6;
  std::uint8_t proto = packet::wire::proto_udp;
  std::uint16_t port = 0;
};

struct MixSettings {
  std::uint64_t seed = 1;
  double zipf = 1.0;               ///< exponent of the popularity of the destinations, in their order
  double closed_share = 0.02;      ///< share of datagrams to closed ports
  double fragment_share = 0.01;    ///< share of datagrams that come in two or three fragments
  double malformed_share = 0.005;  ///< share of frames that are malformed
  double ipv6_share = 0.3;         ///< where a destination has both addresses
  std::uint32_t flows = 4096;      ///< distinct pairs of source address and port
  std::uint32_t payload_bytes_min = 16;
  std::uint32_t payload_bytes_max = 64;
  std::size_t pool_frames = 16384;  ///< at least; the last datagram's fragments may exceed it
  Mac src_mac = default_src_mac;
  Mac dst_mac = default_dst_mac;
};

/// What a frame of the pool is meant to be.
enum class Content : std::uint8_t { open, closed, fragment, malformed };

struct MixFrame {
  Frame bytes;
  Content content;
};

/// What the pool holds.
struct MixCounts {
  std::size_t datagrams = 0;  ///< sound ones; a fragmented one counts once
  std::size_t closed = 0;
  std::size_t fragmented = 0;
  std::size_t reversed = 0;  ///< fragmented datagrams whose last fragment comes first
  std::size_t ipv6 = 0;      ///< datagrams
  std::size_t malformed = 0;
};

class Mix {
 public:
  /// Gives a destination that is bound to nothing: only the owner of the bindings knows which are.
  using ClosedChooser = std::function<Destination(Random&)>;

  /// Throws `std::invalid_argument` when there is no destination, or one that has no address or no known transport.
  /// Without a chooser there are no closed ports.
  Mix(const MixSettings& settings, std::vector<Destination> destinations, ClosedChooser closed = {});

  /// The next frame of an endless walk. Valid as long as the mix.
  const Frame& next() {
    const auto& frame = pool_[position_].bytes;
    if (++position_ == pool_.size()) position_ = 0;
    return frame;
  }

  std::span<const MixFrame> pool() const { return pool_; }
  const MixCounts& counts() const { return counts_; }

 private:
  void add_datagram(Random& random, const Destination& to, Content content, bool is_fragmented);
  void add_malformed(Random& random, const Destination& to);

  MixSettings settings_;
  std::vector<MixFrame> pool_;
  std::size_t position_ = 0;
  MixCounts counts_;
};

/// Chooses closed ports where nothing but `open` is bound: a port of 1 to 65535 that none of them has for its protocol.
Mix::ClosedChooser closed_ports_except(std::vector<Destination> open);

}  // namespace portier::traffic
