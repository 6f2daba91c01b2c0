/// A burst on its way through stages 1-6: columns, one row a packet.
#pragma once

#include <array>
#include <cstdint>

#include "packet/facts.hpp"
#include "table/binding.hpp"
#include "table/core_map.hpp"

struct rte_mbuf;

namespace portier::datapath {

inline constexpr std::size_t max_burst = 64;

/// Units of receive times: 16 ticks of the time stamp counter.
constexpr std::uint32_t time_of(std::uint64_t tsc) { return static_cast<std::uint32_t>(tsc >> 4); }

struct RxBurst {
  std::size_t count = 0;
  std::uint64_t now_tsc = 0;  ///< when stage 1 got it
  std::uint8_t device = 0;

  std::array<rte_mbuf*, max_burst> mbuf;             ///< null: somebody else owns the row's bytes now
  std::array<const std::uint8_t*, max_burst> data;   ///< first byte; contiguous
  std::array<std::uint32_t, max_burst> present;      ///< bytes at `data`
  std::array<std::uint32_t, max_burst> wire_length;  ///< as on the wire
  std::array<packet::Facts, max_burst> facts;        ///< stage 2; `reason` set: the row is done
  std::array<table::ServiceId, max_burst> service;   ///< stage 3
  std::array<std::uint32_t, max_burst> hash;         ///< stage 3 for fragments and quotes, else stage 5
  std::array<table::WorkerIndex, max_burst> worker;  ///< stage 5

  bool is_dropped(std::size_t i) const { return facts[i].reason != packet::Reason::none; }
  packet::Bytes bytes(std::size_t i) const { return {data[i], present[i]}; }
};

}  // namespace portier::datapath
