/// Reads a frame as a handler would: every byte, its first cache line, or nothing. The same for us and for the peers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "options.hpp"

namespace portier::bench {

inline constexpr std::size_t first_line_bytes = 64;

/// A sum over the bytes that are read, in words of eight.
inline std::uint64_t read_frame(const std::uint8_t* bytes, std::size_t length, Reads reads) {
  if (reads == Reads::none) return 0;
  if (reads == Reads::first) length = std::min(length, first_line_bytes);
  std::uint64_t sum = 0;
  std::size_t at = 0;
  for (; at + 8 <= length; at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes + at, 8);
    sum += word;
  }
  for (; at < length; ++at) sum += bytes[at];
  return sum;
}

}  // namespace portier::bench
