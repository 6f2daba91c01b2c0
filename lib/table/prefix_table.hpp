/// Longest-prefix match from a destination address to a small number, over rte_fib and rte_fib6.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "packet/address.hpp"

struct rte_fib;
struct rte_fib6;

namespace portier::table {

struct PrefixEntry {
  packet::Prefix prefix;  ///< canonical, of the table's family
  std::uint16_t value = 0;
};

/// IPv4 prefixes: DIR-24-8 with two bytes an entry (32 MiB), one or two loads a look-up.
class PrefixTable4 {
 public:
  /// Null when DPDK has not enough memory. `fallback` is the value where no prefix matches.
  static std::unique_ptr<PrefixTable4> make(std::span<const PrefixEntry> entries, std::uint16_t fallback);
  ~PrefixTable4();
  PrefixTable4(const PrefixTable4&) = delete;
  PrefixTable4& operator=(const PrefixTable4&) = delete;

  /// `addresses` in host order; `values` gets one number each.
  void look_up(std::uint32_t* addresses, std::uint64_t* values, unsigned count) const;

 private:
  explicit PrefixTable4(rte_fib* fib) : fib_(fib) {}
  rte_fib* fib_;
};

/// IPv6 prefixes: a multi-bit trie.
class PrefixTable6 {
 public:
  static std::unique_ptr<PrefixTable6> make(std::span<const PrefixEntry> entries, std::uint16_t fallback);
  ~PrefixTable6();
  PrefixTable6(const PrefixTable6&) = delete;
  PrefixTable6& operator=(const PrefixTable6&) = delete;

  void look_up(std::uint8_t addresses[][16], std::uint64_t* values, unsigned count) const;

 private:
  explicit PrefixTable6(rte_fib6* fib) : fib_(fib) {}
  rte_fib6* fib_;
};

}  // namespace portier::table
