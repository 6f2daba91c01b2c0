/// Compiles bindings into port tables: each slot starts as its nearest covering slot and is overlaid by its own
/// bindings.
#include "table/port_tables.hpp"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <unordered_map>

namespace portier::table {

namespace {

std::string_view bytes_of(const auto& page) {
  return {reinterpret_cast<const char*>(page.data()), page.size() * sizeof(page[0])};
}

}  // namespace

PortTables::PortTables(std::span<const packet::Prefix> prefixes, std::span<const Binding> bindings) {
  // Weakest first, so that a stronger binding written later overwrites; grouped by slot through the sort.
  std::vector<const Binding*> ordered;
  ordered.reserve(bindings.size());
  for (const auto& binding : bindings) ordered.push_back(&binding);
  std::sort(ordered.begin(), ordered.end(), [](const Binding* a, const Binding* b) {
    if (a->destination != b->destination) return a->destination < b->destination;
    if (a->transport != b->transport) return a->transport < b->transport;
    return a->port_count() > b->port_count();
  });

  std::unordered_multimap<std::size_t, std::uint32_t> known;  // content hash -> page
  const auto page_index = [&](const Page& page) {
    const auto hash = std::hash<std::string_view>{}(bytes_of(page));
    for (auto [at, end] = known.equal_range(hash); at != end; ++at) {
      if (pages_[at->second] == page) return at->second;
    }
    pages_.push_back(page);
    const auto index = static_cast<std::uint32_t>(pages_.size() - 1);
    known.emplace(hash, index);
    return index;
  };

  const std::uint32_t closed_page = page_index(Page{});
  page_of_.assign(pages_per_row, closed_page);  // row 0: everything closed
  row_of_.assign(prefixes.size() * packet::transport_count, 0);

  std::vector<ServiceId> dense(65536);
  for (std::size_t slot = 0; slot < prefixes.size(); ++slot) {
    std::size_t parent = slot;
    for (std::size_t other = slot; other-- > 0;) {  // sorted by length: the first cover found is the longest
      if (prefixes[other].contains(prefixes[slot].address) || prefixes[other].is_any()) {
        parent = other;
        break;
      }
    }
    auto [first, last] =
        std::equal_range(ordered.begin(), ordered.end(), prefixes[slot], [](const auto& a, const auto& b) {
          if constexpr (std::is_same_v<std::decay_t<decltype(a)>, packet::Prefix>) {
            return a < b->destination;
          } else {
            return a->destination < b;
          }
        });
    for (std::size_t transport = 0; transport < packet::transport_count; ++transport) {
      auto& row = row_of_[slot * packet::transport_count + transport];
      const std::uint32_t parent_row = parent == slot ? 0 : row_of_[parent * packet::transport_count + transport];
      row = parent_row;
      const auto is_mine = [&](const Binding* b) { return static_cast<std::size_t>(b->transport) == transport; };
      if (std::none_of(first, last, is_mine)) continue;
      for (std::size_t p = 0; p < pages_per_row; ++p) {
        const auto& page = pages_[page_of_[parent_row * pages_per_row + p]];
        std::copy(page.begin(), page.end(), dense.begin() + static_cast<std::ptrdiff_t>(p * ports_per_page));
      }
      for (auto at = first; at != last; ++at) {
        if (!is_mine(*at)) continue;
        std::fill(dense.begin() + (*at)->first_port, dense.begin() + (*at)->last_port + 1, (*at)->service);
      }
      row = static_cast<std::uint32_t>(page_of_.size() / pages_per_row);
      for (std::size_t p = 0; p < pages_per_row; ++p) {
        Page page;
        std::copy_n(dense.begin() + static_cast<std::ptrdiff_t>(p * ports_per_page), ports_per_page, page.begin());
        page_of_.push_back(page_index(page));
      }
    }
  }
}

std::size_t PortTables::bytes() const {
  return row_of_.size() * sizeof(row_of_[0]) + page_of_.size() * sizeof(page_of_[0]) + pages_.size() * sizeof(Page);
}

}  // namespace portier::table
