/// From (address slot, transport, port) to the service: direct tables whose look-up cost does not depend on what is
/// bound. One table per slot and transport, cut into pages of 256 ports; equal pages are stored once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "packet/transport.hpp"
#include "table/binding.hpp"

namespace portier::table {

using AddressSlot = std::uint16_t;
/// The slot of every address that no prefix covers.
inline constexpr AddressSlot any_slot = 0;
inline constexpr std::size_t max_address_slots = 4096;

class PortTables {
 public:
  /// `prefixes[slot]` is the prefix of each slot; slot 0 is "any". Sorted by length, shortest first.
  PortTables(std::span<const packet::Prefix> prefixes, std::span<const Binding> bindings);

  /// Where the tables are, for a loop that shall not fetch that anew for every packet.
  class Reader;
  Reader reader() const;

  /// Three dependent loads from tables that stay hot for the ports in use.
  ServiceId look_up(AddressSlot slot, std::size_t transport, std::uint16_t port) const;

  std::size_t page_count() const { return pages_.size(); }
  std::size_t bytes() const;

 private:
  static constexpr std::size_t ports_per_page = 256;
  static constexpr std::size_t pages_per_row = 65536 / ports_per_page;
  using Page = std::array<ServiceId, ports_per_page>;

  std::vector<std::uint32_t> row_of_;   ///< [slot][transport] -> row; slots without bindings of their own share rows
  std::vector<std::uint32_t> page_of_;  ///< [row][port / 256] -> page
  std::vector<Page> pages_;
};

class PortTables::Reader {
 public:
  /// The pages of one slot and transport, for look-ups that share them.
  const std::uint32_t* pages_of(AddressSlot slot, std::size_t transport) const {
    return page_of_ + std::size_t{row_of_[slot * packet::transport_count + transport]} * pages_per_row;
  }
  ServiceId look_up(const std::uint32_t* pages_of, std::uint16_t port) const {
    return pages_[pages_of[port / ports_per_page]][port % ports_per_page];
  }
  ServiceId look_up(AddressSlot slot, std::size_t transport, std::uint16_t port) const {
    return look_up(pages_of(slot, transport), port);
  }

 private:
  friend class PortTables;
  explicit Reader(const PortTables& tables)
      : row_of_(tables.row_of_.data()), page_of_(tables.page_of_.data()), pages_(tables.pages_.data()) {}

  const std::uint32_t* row_of_;
  const std::uint32_t* page_of_;
  const Page* pages_;
};

inline PortTables::Reader PortTables::reader() const { return Reader(*this); }

inline ServiceId PortTables::look_up(AddressSlot slot, std::size_t transport, std::uint16_t port) const {
  return reader().look_up(slot, transport, port);
}

}  // namespace portier::table
