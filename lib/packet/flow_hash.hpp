/// A keyed hash of a flow: decides the bucket, hence the worker. Same flow, same hash, for the life of the key.
///
/// Multiply-and-fold over 64-bit words: two 64x64 multiplications for IPv4, four for IPv6. The last one is not for
/// show: without it, one key in a hundred spreads a client's counting source ports over the buckets ten times more
/// unevenly than chance. The key is random in a running router, so nobody outside can aim flows at one worker; tests
/// and offline commands use the fixed key.
#pragma once

#include <array>
#include <cstdint>

#include "packet/facts.hpp"

namespace portier::packet {

struct HashKey {
  std::uint64_t words[4];
};

/// For reproducible results: replay, explain and tests.
inline constexpr HashKey fixed_hash_key{
    {0x9e3779b97f4a7c15, 0xd1b54a32d192ed03, 0x8cb92ba72f3d8dd7, 0xaaaaaaaa55555553}};

namespace detail {
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}
/// Scatters the sum of the folds.
constexpr std::uint32_t finish(const HashKey& key, std::uint64_t hash) {
  hash = fold(hash ^ key.words[2], key.words[3]);
  return static_cast<std::uint32_t>(hash ^ hash >> 32);
}

}  // namespace detail

/// `addresses`: source and destination as the number 2^32 * source + destination. `ports`: the protocol, source and
/// destination port as the number 2^32 * proto + 2^16 * source + destination.
constexpr std::uint32_t flow_hash4(const HashKey& key, std::uint64_t addresses, std::uint64_t ports) {
  return detail::finish(key, detail::fold(addresses ^ key.words[0], ports ^ key.words[1]));
}

/// `addresses`: source and destination as four numbers.
constexpr std::uint32_t flow_hash6(const HashKey& key, const std::array<std::uint64_t, 4>& addresses,
                                   std::uint64_t ports) {
  const std::uint64_t hash = detail::fold(addresses[0] ^ key.words[0], addresses[1] ^ key.words[1]) ^
                             detail::fold(addresses[2] ^ key.words[2], addresses[3] ^ key.words[3]);
  return detail::finish(key, detail::fold(hash ^ key.words[0], ports ^ key.words[1]));
}

/// `src` and `dst` point at 4 or 16 bytes by `version`; ports in host order, 0 where a protocol has none.
constexpr std::uint32_t flow_hash(const HashKey& key, std::uint8_t version, const std::uint8_t* src,
                                  const std::uint8_t* dst, std::uint16_t src_port, std::uint16_t dst_port,
                                  std::uint8_t proto) {
  const std::uint64_t ports = std::uint64_t{proto} << 32 | std::uint64_t{src_port} << 16 | dst_port;
  if (version == 4) return flow_hash4(key, std::uint64_t{load32(src)} << 32 | load32(dst), ports);
  return flow_hash6(key, {load64(src), load64(src + 8), load64(dst), load64(dst + 8)}, ports);
}

constexpr std::uint32_t flow_hash(const HashKey& key, const FlowKey& flow) {
  return flow_hash(key, flow.src.version, flow.src.bytes.data(), flow.dst.bytes.data(), flow.src_port, flow.dst_port,
                   flow.proto);
}

}  // namespace portier::packet
