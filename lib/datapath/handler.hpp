/// The C++ handler interface: application code that receives bursts of one service's packets on a worker core.
///
/// One handler object exists per service and worker, so a handler needs no locks for its own state. Packets of one
/// flow always come to the same object, in order. A handler that throws loses the packets of that call (counted as
/// `handler_fault`) and nothing else; after `max_faults` the service goes on to its next delivery target.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/packet_view.hpp"
#include "packet/address.hpp"
#include "packet/reason.hpp"

namespace portier::datapath {

class Outbox;
class TurnTaker;

/// A copy of a packet that its handler keeps beyond the call. Move-only; destroying it gives the buffer back.
/// Belongs to the worker it was made on and must be destroyed there, or after the router has stopped its cores.
class KeptPacket {
 public:
  KeptPacket() = default;
  KeptPacket(KeptPacket&& other) noexcept : buffer_(other.buffer_), view_(other.view_) { other.buffer_ = nullptr; }
  KeptPacket& operator=(KeptPacket&& other) noexcept;
  ~KeptPacket();

  explicit operator bool() const { return buffer_ != nullptr; }
  const PacketView& view() const { return view_; }

 private:
  friend class Burst;
  KeptPacket(void* buffer, const PacketView& view) : buffer_(buffer), view_(view) {}
  void* buffer_ = nullptr;  ///< an mbuf of the worker's pool
  PacketView view_;
};

/// The packets of one call, at most 64, and what may be done with each.
///
/// Every packet is released when the call returns; that is the default and needs no call. `reply` and `forward` send a
/// new frame besides, `keep` takes a copy, `refuse` turns the delivery into a named drop. Bytes of the packets are
/// gone when the call returns.
class Burst {
 public:
  static constexpr std::size_t max_packets = 64;

  /// Of `packets`, which are borrowed, those in `rows`: bit r is row r.
  Burst(const PacketRows& packets, std::uint64_t rows, Outbox& outbox, std::uint64_t now_tsc)
      : packets_(&packets), rows_(rows), outbox_(&outbox), now_tsc_(now_tsc) {}

  std::size_t size() const { return static_cast<std::size_t>(std::popcount(rows_)); }
  /// `i` below `size()`, in order of arrival.
  PacketView operator[](std::size_t i) const { return (*packets_)[row(i)]; }
  /// What `refuse` said about packet `i`; none: delivered.
  packet::Reason refused(std::size_t i) const { return has_exceptions_ ? refused_[i] : packet::Reason::none; }
  /// Something was refused or postponed.
  bool has_exceptions() const { return has_exceptions_; }

  class Iterator {
   public:
    PacketView operator*() const { return (*packets_)[static_cast<std::size_t>(std::countr_zero(left_))]; }
    Iterator& operator++() {
      left_ &= left_ - 1;
      return *this;
    }
    bool operator==(const Iterator& other) const { return left_ == other.left_; }

   private:
    friend class Burst;
    Iterator(const PacketRows* packets, std::uint64_t left) : packets_(packets), left_(left) {}
    const PacketRows* packets_;
    std::uint64_t left_;  ///< rows
  };
  Iterator begin() const { return {packets_, rows_}; }
  Iterator end() const { return {packets_, 0}; }

  /// A frame of `length` bytes that leaves by the device packet `i` came from. The caller fills all of it before the
  /// call returns. Empty when no buffer is free, which `no_buffer` counts, or when `length` is 0 or above
  /// 9728: then nothing is sent.
  packet::MutableBytes reply(std::size_t i, std::size_t length);

  /// As `reply`, by another device (its index in the configuration).
  packet::MutableBytes forward(std::uint8_t device, std::size_t length);

  /// Frames that `device` has room for: so many of `forward` are not lost because it takes no more.
  std::size_t room(std::uint8_t device);

  /// Shortens the frame that `reply` or `forward` returned last.
  void trim(std::size_t length);
  /// Takes the frame that `reply` or `forward` returned last back: it is not sent.
  void cancel();

  /// A copy that outlives the call; empty when no buffer is free.
  KeptPacket keep(std::size_t i);

  /// Counts packet `i` as dropped for `reason` instead of delivered. At most once per packet.
  void refuse(std::size_t i, packet::Reason reason);

  /// Packet `i` went into a queue of the handler's own and stays in flight: the handler's `TurnTaker` says how it
  /// ended. At most once per packet, and not together with `refuse`.
  void postpone(std::size_t i) { postpone(1, (*this)[i].frame().size()); }
  /// As many packets of the burst as that, of so many bytes in all.
  void postpone(std::size_t packets, std::size_t bytes);
  std::size_t postponed() const { return has_exceptions_ ? postponed_ : 0; }
  std::size_t postponed_bytes() const { return has_exceptions_ ? postponed_bytes_ : 0; }

  /// Time stamp counter at the start of the call, and how long ago packet `i` was received.
  std::uint64_t now_tsc() const { return now_tsc_; }
  std::uint64_t age_ns(std::size_t i) const;

 private:
  std::size_t row(std::size_t i) const {
    if (i == 0) return static_cast<std::size_t>(std::countr_zero(rows_));
    if (!has_order_) note_order();
    return order_[i];
  }
  void note_order() const;
  void begin_exceptions();

  const PacketRows* packets_;
  std::uint64_t rows_;
  Outbox* outbox_;
  std::uint64_t now_tsc_;
  bool has_exceptions_ = false;
  mutable bool has_order_ = false;
  mutable std::array<std::uint8_t, max_packets> order_;  ///< rows in order. Filled when first needed
  // Set when the first packet is refused or postponed, which most calls never do.
  std::array<packet::Reason, max_packets> refused_;  ///< by packet; none: delivered
  std::size_t postponed_;
  std::size_t postponed_bytes_;
};

/// How a target fares, for the choice within its delivery chain.
struct TargetState {
  bool is_present = true;     ///< false: nobody is there to take packets
  std::uint64_t waiting = 0;  ///< packets in its queue
  std::uint64_t taken = 0;    ///< packets taken out of it so far: no progress while some wait is a stall
};

class Handler {
 public:
  Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;
  virtual ~Handler() = default;

  /// Called on the worker's core with 1 to 64 packets. Must not block: every service of the worker waits meanwhile.
  virtual void on_burst(Burst& burst) = 0;

  /// True: `state` changes, so control asks for it every few milliseconds. A target without a state is always in order
  /// until it has thrown too often.
  virtual bool has_state() const { return false; }
  /// Called by control, while the core runs.
  virtual TargetState state() const { return {}; }

  /// What takes part in every turn of the core beside the bursts; null: nothing.
  virtual std::shared_ptr<TurnTaker> turn_taker() { return nullptr; }
};

/// An address that the router answers for, and the device it lives on.
struct OurAddress {
  packet::Address address;
  std::uint8_t prefix_length = 0;
  std::uint8_t device = 0;
};

/// What a handler may know when it is made. Made once per service and worker, before packets flow.
struct HandlerContext {
  std::string service;
  unsigned worker = 0;                         ///< index of the worker, from 0
  unsigned core = 0;                           ///< as `worker`; of an rx core, behind all workers
  std::uint16_t service_id = 0;                ///< as `PacketView::service` says it
  unsigned stall_ms = 1000;                    ///< as the service's setting
  bool naps = true;                            ///< the core sleeps when idle, so it may make system calls then
  std::map<std::string, std::string> options;  ///< from `deliver = [{ handler = "...", ... }]`
  std::vector<std::string> device_names;       ///< by device index
  std::vector<std::array<std::uint8_t, 6>> device_macs;  ///< the same
  std::vector<OurAddress> addresses;
  double tsc_hz = 1e9;    ///< ticks per second of `Burst::now_tsc`
  std::string directory;  ///< of the configuration file: where relative paths start; empty: the working directory
  bool is_trial = false;  ///< a configuration is being checked: the handler is destroyed at once
};

/// Called once per service and worker at start and at reloads, and once when a configuration is checked, before DPDK
/// has started. Makes a handler, or throws `std::invalid_argument` with a sentence about the option that is wrong.
using HandlerFactory = std::function<std::unique_ptr<Handler>(const HandlerContext&)>;

}  // namespace portier::datapath
