/// Big-endian loads and stores on byte spans: the only place where the order of bytes on the wire is spelled out.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <type_traits>

namespace portier::packet {

/// Bytes that are really present, borrowed from whoever owns the frame.
using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

// No bounds are checked here: callers have compared the length first (parse.hpp does so for every header).
constexpr std::uint16_t load16(const std::uint8_t* at) { return static_cast<std::uint16_t>(at[0] << 8 | at[1]); }

constexpr std::uint32_t load32(const std::uint8_t* at) { return std::uint32_t{load16(at)} << 16 | load16(at + 2); }

/// g++ 12 makes one load and a byte swap of two and four bytes, but eight loads of eight; so it is told.
constexpr std::uint64_t load64(const std::uint8_t* at) {
  if (std::is_constant_evaluated()) return std::uint64_t{load32(at)} << 32 | load32(at + 4);
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof(word));
  return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
}

constexpr void store16(std::uint8_t* at, std::uint16_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

constexpr void store32(std::uint8_t* at, std::uint32_t value) {
  store16(at, static_cast<std::uint16_t>(value >> 16));
  store16(at + 2, static_cast<std::uint16_t>(value));
}

}  // namespace portier::packet
