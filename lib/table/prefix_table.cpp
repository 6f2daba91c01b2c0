/// rte_fib and rte_fib6 behind two small owners.
#include "table/prefix_table.hpp"

#include <rte_fib.h>
#include <rte_fib6.h>

#include <cstdio>

namespace portier::table {

namespace {

// DPDK wants a unique name for each table; rulesets are built by one thread at a time.
unsigned next_name() {
  static unsigned number = 0;
  return number++;
}

template <typename Entry>
std::uint16_t value_of_default_route(std::span<const Entry> entries, std::uint16_t fallback) {
  for (const auto& entry : entries) {
    if (entry.prefix.length == 0) return entry.value;
  }
  return fallback;
}

}  // namespace

std::unique_ptr<PrefixTable4> PrefixTable4::make(std::span<const PrefixEntry> entries, std::uint16_t fallback) {
  char name[64];
  std::snprintf(name, sizeof name, "portier4_%u", next_name());
  rte_fib_conf conf{};
  conf.type = RTE_FIB_DIR24_8;
  conf.default_nh = value_of_default_route(entries, fallback);
  conf.max_routes = static_cast<int>(entries.size() + 1);
  conf.dir24_8.nh_sz = RTE_FIB_DIR24_8_2B;
  conf.dir24_8.num_tbl8 = static_cast<std::uint32_t>(entries.size() + 2);
  auto* fib = rte_fib_create(name, -1, &conf);
  if (fib == nullptr) return nullptr;
  std::unique_ptr<PrefixTable4> table(new PrefixTable4(fib));
  for (const auto& entry : entries) {
    if (entry.prefix.length == 0) continue;
    if (rte_fib_add(fib, packet::ipv4_value(entry.prefix.address), entry.prefix.length, entry.value) != 0) {
      return nullptr;
    }
  }
  return table;
}

PrefixTable4::~PrefixTable4() { rte_fib_free(fib_); }

void PrefixTable4::look_up(std::uint32_t* addresses, std::uint64_t* values, unsigned count) const {
  rte_fib_lookup_bulk(fib_, addresses, values, static_cast<int>(count));
}

std::unique_ptr<PrefixTable6> PrefixTable6::make(std::span<const PrefixEntry> entries, std::uint16_t fallback) {
  char name[64];
  std::snprintf(name, sizeof name, "portier6_%u", next_name());
  // A prefix needs at most one 256-entry table per byte behind the first three.
  const auto tables = static_cast<std::uint32_t>(entries.size() * 14 + 16);
  rte_fib6_conf conf{};
  conf.type = RTE_FIB6_TRIE;
  conf.default_nh = value_of_default_route(entries, fallback);
  conf.max_routes = static_cast<int>(entries.size() + 1);
  conf.trie.nh_sz = tables < 32000 ? RTE_FIB6_TRIE_2B : RTE_FIB6_TRIE_4B;
  conf.trie.num_tbl8 = tables;
  auto* fib = rte_fib6_create(name, -1, &conf);
  if (fib == nullptr) return nullptr;
  std::unique_ptr<PrefixTable6> table(new PrefixTable6(fib));
  for (const auto& entry : entries) {
    if (entry.prefix.length == 0) continue;
    if (rte_fib6_add(fib, entry.prefix.address.bytes.data(), entry.prefix.length, entry.value) != 0) return nullptr;
  }
  return table;
}

PrefixTable6::~PrefixTable6() { rte_fib6_free(fib_); }

void PrefixTable6::look_up(std::uint8_t addresses[][16], std::uint64_t* values, unsigned count) const {
  rte_fib6_lookup_bulk(fib_, addresses, values, static_cast<int>(count));
}

}  // namespace portier::table
