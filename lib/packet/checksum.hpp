/// The Internet checksum (RFC 1071) over spans, and the pseudo-headers of TCP, UDP and ICMPv6.
#pragma once

#include <cstddef>
#include <cstdint>

#include "packet/address.hpp"
#include "packet/bytes.hpp"

namespace portier::packet {

/// Running sum of 16-bit words; several spans may be added as long as all but the last have even length.
class ChecksumSum {
 public:
  constexpr void add(Bytes bytes) {
    std::size_t i = 0;
    for (; i + 1 < bytes.size(); i += 2) sum_ += load16(bytes.data() + i);
    if (i < bytes.size()) sum_ += std::uint64_t{bytes[i]} << 8;
  }

  constexpr void add_word(std::uint32_t value) { sum_ += (value >> 16) + (value & 0xffff); }

  /// The value for the checksum field.
  constexpr std::uint16_t finish() const {
    std::uint64_t sum = sum_;
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
  }

 private:
  std::uint64_t sum_ = 0;
};

constexpr std::uint16_t checksum(Bytes bytes) {
  ChecksumSum sum;
  sum.add(bytes);
  return sum.finish();
}

/// Checksum of a transport segment with its pseudo-header (RFC 793 3.1, RFC 8200 8.1). `segment` has its own checksum
/// field set to 0. The caller maps 0 to 0xffff where the protocol asks for it (UDP).
constexpr std::uint16_t transport_checksum(const Address& src, const Address& dst, std::uint8_t proto, Bytes segment) {
  ChecksumSum sum;
  sum.add({src.bytes.data(), src.size()});
  sum.add({dst.bytes.data(), dst.size()});
  sum.add_word(proto);
  sum.add_word(static_cast<std::uint32_t>(segment.size()));
  sum.add(segment);
  return sum.finish();
}

}  // namespace portier::packet
