/// Frames a core wants to send: built in mbufs of its own pool, held per device, sent once a turn.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "datapath/counters.hpp"
#include "packet/bytes.hpp"

struct rte_mbuf;
struct rte_mempool;
struct rte_ring;

namespace portier::datapath {

/// How one core reaches one device: a transmit queue of its own, or a ring to the core that owns the queue.
struct TxLane {
  std::uint16_t port = 0;
  std::uint16_t queue = 0;
  rte_ring* relay = nullptr;  ///< set: enqueue here instead
};

class Outbox {
 public:
  /// `pool` serves this core alone. `lanes` by device index.
  Outbox(rte_mempool* pool, std::vector<TxLane> lanes, CoreCounters& counters);
  ~Outbox();
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // ---- building ----

  /// A new frame for `device`, uninitialised; empty when there is no buffer (counted) or `length` is out of range.
  packet::MutableBytes open(std::uint8_t device, std::size_t length);
  void trim(std::size_t length);
  void cancel();
  /// Frames for `device` that may be opened now without one of them being lost to a full queue. Tries to send what is
  /// held first, if there is little room.
  std::size_t room(std::uint8_t device);
  /// Frames that `device` has not taken yet.
  std::size_t held(std::uint8_t device) const { return held_[device].count; }
  /// A copy of `frame` in an mbuf of the pool, or null.
  rte_mbuf* copy(packet::Bytes frame);

  /// The frames opened since the last `commit` or `rollback` will be sent, or are thrown away.
  void commit() {
    if (open_count_ != 0) hold_opened();
  }
  void rollback();

  // ---- stage 8 ----

  /// Hands what is committed to the devices. What a device does not take stays for the next turn; beyond
  /// `held_limit` a device, frames are dropped as `tx_full`.
  void flush();
  /// Sends what other cores put into `relay`, on the queue that this core owns.
  void serve_relay(rte_ring* relay, std::uint8_t device);
  bool is_empty() const;
  /// Frees what could not be sent, counted as `tx_full`. At shutdown.
  void abandon();

 private:
  static constexpr std::size_t open_limit = 256;
  static constexpr std::size_t held_limit = 256;
  static_assert(open_limit >= held_limit, "what there is room for can be opened");

  struct Open {
    rte_mbuf* mbuf;
    std::uint8_t device;
  };
  struct Held {
    std::array<rte_mbuf*, held_limit> mbufs;
    std::size_t count = 0;
  };

  void hold_opened();
  void hold(rte_mbuf* mbuf, std::uint8_t device);
  void send(std::size_t device);

  rte_mempool* pool_;
  std::vector<TxLane> lanes_;
  std::vector<Held> held_;  ///< by device
  std::array<Open, open_limit> open_;
  std::size_t open_count_ = 0;
  CoreCounters& counters_;
};

}  // namespace portier::datapath
