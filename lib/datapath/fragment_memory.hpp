/// Where the later fragments of a datagram go: a bounded memory of first fragments with a deadline, and a bounded
/// waiting room for later fragments that came before their first. One per rx core; no other core touches it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "datapath/burst.hpp"
#include "packet/facts.hpp"
#include "table/binding.hpp"

namespace portier::datapath {

/// What makes fragments parts of one datagram (RFC 791 3.2, RFC 8200 4.5).
struct DatagramKey {
  packet::Address src;
  packet::Address dst;
  std::uint32_t id = 0;
  std::uint8_t proto = 0;  ///< IPv4 only; IPv6 datagrams are told apart without it

  friend bool operator==(const DatagramKey&, const DatagramKey&) = default;
};

DatagramKey datagram_key(const std::uint8_t* frame, const packet::Facts& facts);

/// A later fragment in the waiting room, with all that is needed to go on when its first one comes.
struct WaitingFragment {
  DatagramKey key;
  rte_mbuf* mbuf = nullptr;
  const std::uint8_t* data = nullptr;
  std::uint32_t present = 0;
  std::uint32_t wire_length = 0;
  packet::Facts facts;
  std::uint64_t arrived_tsc = 0;
  std::uint64_t deadline_tsc = 0;
  table::ServiceId service = table::no_service;
  std::uint32_t hash = 0;
  std::uint8_t device = 0;
};

struct FragmentLimits {
  std::size_t datagrams = 4096;  ///< a power of two, at least 4
  std::size_t waiting = 64;
  std::uint64_t timeout_ticks = 1;
};

class FragmentMemory {
 public:
  explicit FragmentMemory(const FragmentLimits& limits);

  struct Owner {
    DatagramKey key;
    std::uint64_t deadline_tsc = 0;  ///< 0: free
    std::uint32_t hash = 0;
    table::ServiceId service = table::no_service;
  };

  /// Remembers where a datagram goes and moves its waiting fragments to the ready ones. False: a live first fragment
  /// of the same datagram went elsewhere; nothing is changed (RFC 5722 speaks of such overlaps).
  bool note_first(const DatagramKey& key, table::ServiceId service, std::uint32_t hash, std::uint64_t now_tsc);

  /// The owner of a later fragment's datagram; null: its first one has not come, or is past its deadline.
  const Owner* find(const DatagramKey& key, std::uint64_t now_tsc) const;

  /// Keeps a fragment until its first one comes. False: no room.
  bool wait(const WaitingFragment& fragment);

  /// Moves fragments that are past their deadline to the ready ones, marked `fragment_timeout`.
  void expire(std::uint64_t now_tsc);
  /// Moves all waiting fragments to the ready ones, marked with `reason`.
  void give_up(packet::Reason reason);

  /// Fragments that may go on (service and hash set) or are done for (`facts.reason` set). The caller empties it.
  std::vector<WaitingFragment>& ready() { return ready_; }
  std::size_t waiting() const { return waiting_.size(); }
  /// Fragments held in either place.
  std::size_t held() const { return waiting_.size() + ready_.size(); }

 private:
  static constexpr std::size_t ways = 4;
  std::size_t set_of(const DatagramKey& key) const;

  std::vector<Owner> owners_;             ///< sets of `ways`
  std::vector<WaitingFragment> waiting_;  ///< oldest first; capacity fixed at start
  std::vector<WaitingFragment> ready_;    ///< capacity fixed at start
  std::size_t waiting_limit_;
  std::uint64_t timeout_ticks_;
};

}  // namespace portier::datapath
