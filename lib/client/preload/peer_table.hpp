/// Whom a socket has heard from, and how an answer gets there: bounded, the ones longest silent are forgotten first.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "client/preload/endpoint.hpp"

namespace portier::preload {

/// Four ways. Memory appears with the first peer.
class PeerTable {
 public:
  static constexpr std::size_t ways = 4;
  static constexpr std::size_t sets = 1024;

  /// The latest flow of its remote end.
  void remember(const portier_flow& flow) {
    if (places_.empty()) places_.resize(ways * sets);
    const auto remote = remote_of(flow);
    auto* const set = set_of(remote);
    auto* place = set;
    for (auto* other = set; other != set + ways; ++other) {
      if (other->heard != 0 && remote_of(other->flow) == remote) {
        place = other;
        break;
      }
      if (other->heard < place->heard) place = other;
    }
    place->flow = flow;
    place->heard = ++clock_;
  }

  /// Null: never heard of, or forgotten.
  const portier_flow* find(const Endpoint& remote) {
    if (places_.empty()) return nullptr;
    auto* const set = set_of(remote);
    for (auto* place = set; place != set + ways; ++place) {
      if (place->heard == 0 || remote_of(place->flow) != remote) continue;
      place->heard = ++clock_;
      return &place->flow;
    }
    return nullptr;
  }

  void clear() { places_.clear(); }

 private:
  struct Place {
    portier_flow flow{};
    std::uint64_t heard = 0;  ///< 0: empty
  };

  Place* set_of(const Endpoint& remote) {
    std::uint64_t mixed = remote.port;
    for (std::size_t i = 0; i < remote.address.size(); i += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, remote.address.data() + i, sizeof word);
      mixed = (mixed ^ word) * 0x9e3779b97f4a7c15U;
      mixed ^= mixed >> 29;
    }
    return &places_[(mixed % sets) * ways];
  }

  std::vector<Place> places_;
  std::uint64_t clock_ = 0;
};

}  // namespace portier::preload
