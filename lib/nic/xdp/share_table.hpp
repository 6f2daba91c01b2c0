/// What an interface that is shared with the kernel gives to portier, as plain data: ports, by address and transport.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace portier::nic {

/// A bit for each port of each transport, numbered as packet::transports.
class PortSet {
 public:
  static constexpr std::size_t transports = 5;
  static constexpr std::size_t words_per_transport = 65536 / 64;

  /// Inclusive.
  void add(std::size_t transport, std::uint16_t first, std::uint16_t last) {
    for (std::uint32_t word = first / 64; word <= last / 64U; ++word) {
      auto bits = ~std::uint64_t{0};
      if (word == first / 64) bits &= ~std::uint64_t{0} << first % 64;
      if (word == last / 64U) bits &= ~std::uint64_t{0} >> (63 - last % 64);
      words_[transport * words_per_transport + word] |= bits;
    }
  }
  bool contains(std::size_t transport, std::uint16_t port) const {
    return (words_[transport * words_per_transport + port / 64] >> port % 64 & 1) != 0;
  }
  /// Takes out what is not in `other` as well.
  void intersect(const PortSet& other) {
    for (std::size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  bool is_empty() const {
    return std::all_of(words_.begin(), words_.end(), [](std::uint64_t word) { return word == 0; });
  }
  const std::vector<std::uint64_t>& words() const { return words_; }

  friend bool operator==(const PortSet&, const PortSet&) = default;

 private:
  std::vector<std::uint64_t> words_ = std::vector<std::uint64_t>(transports * words_per_transport);
};

struct SharedAddress {
  std::array<std::uint8_t, 16> bytes{};  ///< network order; IPv4 uses the first four, the rest is zero
  std::uint8_t version = 0;
  std::size_t set = 0;  ///< its place in `ShareTable::sets`

  friend bool operator==(const SharedAddress&, const SharedAddress&) = default;
};

struct ShareTable {
  std::vector<PortSet> sets;  ///< distinct
  std::vector<SharedAddress> addresses;

  friend bool operator==(const ShareTable&, const ShareTable&) = default;
};

inline constexpr std::size_t max_shared_addresses = 64;  ///< of one table

}  // namespace portier::nic
