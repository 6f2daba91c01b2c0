/// The mark that every generated packet carries: 18 bytes, so that it fits the smallest frame (60 bytes, IPv4, UDP).
///
///     bytes 0-7    sequence of the service (48 bits), service (12 bits), generation of the flow (4 bits)
///     bytes 8-15   intended send time in ticks since the program's epoch (48 bits), delay of the sender (16 bits)
///     bytes 16-17  keyed check over all of that and the length of the payload
///
/// Little-endian, as sender and receiver are one program. The flow itself costs no bytes: a service's flows take turns,
/// so it is sequence modulo flows; the generation tells a flow from the one that had its place before (churn). At 100
/// million packets a second the sequence lasts for a month, the time (2.6 GHz) for 30 hours. A foreign packet passes
/// the check by chance once in 65,536 times, and then its service must still own one of its ports.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace portier::load {

inline constexpr std::size_t mark_bytes = 18;
inline constexpr std::size_t max_services = 4096;
inline constexpr std::uint64_t mark_mask48 = 0xffff'ffff'ffff;

struct Mark {
  std::uint64_t sequence = 0;        ///< of the service, from 0
  std::uint16_t service = 0;         ///< below `max_services`
  std::uint8_t generation = 0;       ///< modulo 16
  std::uint64_t intended_ticks = 0;  ///< since the epoch
  std::uint64_t delay_ticks = 0;     ///< actual minus intended; about 0.05 % wide above 2,047
};

/// Random per process, so that what another tester or an earlier run sent is foreign.
struct MarkKey {
  std::uint64_t first = 0x9e3779b97f4a7c15;
  std::uint64_t second = 0xd1b54a32d192ed03;
};

/// A delay in 16 bits: 5 of exponent, 11 of mantissa; exact up to 4,095, at the top end it saturates.
constexpr std::uint16_t encode_delay(std::uint64_t ticks) {
  if (ticks < 2048) return static_cast<std::uint16_t>(ticks);
  const auto shift = static_cast<unsigned>(std::bit_width(ticks)) - 12U;
  if (shift > 30) return 0xffff;
  return static_cast<std::uint16_t>((shift + 1) << 11 | (ticks >> shift & 2047));
}

constexpr std::uint64_t decode_delay(std::uint16_t code) {
  const unsigned exponent = code >> 11;
  const std::uint64_t mantissa = code & 2047U;
  return exponent == 0 ? mantissa : (2048 | mantissa) << (exponent - 1);
}

/// The three parts as they are stored, one after the other.
struct MarkWords {
  std::uint64_t who = 0;
  std::uint64_t when = 0;
  std::uint16_t check = 0;
};

constexpr std::uint16_t mark_check(const MarkKey& key, std::uint64_t who, std::uint64_t when,
                                   std::size_t payload_bytes) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(who ^ key.first) * (when ^ key.second ^ payload_bytes << 32);
  const auto folded = static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  return static_cast<std::uint16_t>(folded ^ folded >> 32);
}

constexpr MarkWords encode_mark(const MarkKey& key, const Mark& mark, std::size_t payload_bytes) {
  MarkWords words;
  words.who =
      (mark.sequence & mark_mask48) | std::uint64_t{mark.service & 0xfffU} << 48 | std::uint64_t{mark.generation} << 60;
  words.when = (mark.intended_ticks & mark_mask48) | std::uint64_t{encode_delay(mark.delay_ticks)} << 48;
  words.check = mark_check(key, words.who, words.when, payload_bytes);
  return words;
}

inline MarkWords load_mark(const std::uint8_t* at) {
  MarkWords words;
  std::memcpy(&words.who, at, 8);
  std::memcpy(&words.when, at + 8, 8);
  std::memcpy(&words.check, at + 16, 2);
  return words;
}

inline void store_mark(std::uint8_t* at, const MarkWords& words) {
  std::memcpy(at, &words.who, 8);
  std::memcpy(at + 8, &words.when, 8);
  std::memcpy(at + 16, &words.check, 2);
}

/// What the words say, whether or not the check holds.
constexpr Mark decode_mark(const MarkWords& words) {
  return {.sequence = words.who & mark_mask48,
          .service = static_cast<std::uint16_t>(words.who >> 48 & 0xfff),
          .generation = static_cast<std::uint8_t>(words.who >> 60),
          .intended_ticks = words.when & mark_mask48,
          .delay_ticks = decode_delay(static_cast<std::uint16_t>(words.when >> 48))};
}

static_assert(decode_delay(encode_delay(4095)) == 4095 && decode_delay(encode_delay(0)) == 0);
static_assert(std::endian::native == std::endian::little);

}  // namespace portier::load
