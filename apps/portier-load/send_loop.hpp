/// The body of `send`: a template, so that one core can receive between two bursts without a call through a pointer.
#pragma once

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_pause.h>

#include <algorithm>

#include "packet_source.hpp"
#include "sender.hpp"

namespace portier::load {

/// A sender that was held up shortly before the end of its schedule may make up for it so long. One that has been
/// behind for longer is too slow, and what is left then must not be sent, or it would look fast enough.
inline constexpr double send_grace_s = 0.05;

/// One trial's sending, with what is on its way to the device.
template <class Source, class Meanwhile>
class SendLoop {
 public:
  SendLoop(const SendOrder& order, const SendPort& port, const TrialClock& clock, Source& source, Meanwhile& meanwhile)
      : schedule_(order.schedule),
        order_(order),
        port_(port),
        clock_(clock),
        source_(source),
        meanwhile_(meanwhile),
        to_ns_(clock.tsc_hz()),
        interval_(order.interval_ticks, order.intervals) {
    account_.sent_by_interval.resize(order.intervals);
  }

  SendAccount run() {
    while (static_cast<std::int64_t>(order_.start_ticks - clock_.now()) > 0) meanwhile_();
    for (;;) {
      if (port_.stop->is_set()) {
        account_.is_interrupted = true;
        break;
      }
      const auto now = clock_.now() - order_.start_ticks;
      if (now > order_.duration_ticks && !may_catch_up(now)) break;
      if (waiting_ == 0 && !take_due(now)) {
        if (is_over()) break;
        meanwhile_();
        rte_pause();
        continue;
      }
      if (!offer(now)) ++account_.starved_turns;
      meanwhile_();
    }
    finish();
    return std::move(account_);
  }

 private:
  /// Collects what is due. False: nothing.
  bool take_due(std::uint64_t now) {
    std::size_t count = 0;
    if (schedule_) {
      while (count < port_.burst && schedule_->due() <= now) {
        intended_[count++] = schedule_->due();
        schedule_->advance();
      }
      if (count < port_.burst) caught_up_ = now;
    } else {
      count = port_.burst;
      if (order_.packet_limit != 0) count = std::min<std::size_t>(count, order_.packet_limit - account_.intended);
      std::fill_n(intended_, count, now);
    }
    account_.intended += count;
    waiting_ = count;
    first_ = 0;
    is_written_ = false;
    return count != 0;
  }

  bool may_catch_up(std::uint64_t now) const {
    const auto grace = clock_.ticks(send_grace_s);
    return schedule_ && now <= order_.duration_ticks + grace && caught_up_ + grace >= order_.duration_ticks;
  }

  bool is_over() const {
    return schedule_ ? schedule_->due() == Schedule::never
                     : order_.packet_limit != 0 && account_.intended >= order_.packet_limit;
  }

  /// Hands to the device what waits. False: there were no buffers.
  bool offer(std::uint64_t now) {
    const SendTimes times{intended_ + first_, order_.start_ticks, now};
    auto** mbufs = mbufs_ + first_;
    if (!is_written_) {
      if (rte_mempool_get_bulk(port_.pool, reinterpret_cast<void**>(mbufs), static_cast<unsigned>(waiting_)) != 0) {
        return false;
      }
      if (!schedule_) std::fill_n(intended_, waiting_, now);  // unpaced packets are meant for the moment they can go
      source_.write(mbufs, waiting_, times);
      is_written_ = true;
    } else {
      source_.restamp(mbufs, waiting_, times);
    }
    const auto lengths = bytes_of(mbufs, waiting_);
    const auto taken =
        rte_eth_tx_burst(port_.queue.port, port_.queue.queue, mbufs, static_cast<std::uint16_t>(waiting_));
    if (taken == 0) {
      ++account_.full_turns;
      return true;
    }
    if (taken < waiting_) {
      ++account_.full_turns;
      account_.sent_bytes += lengths - bytes_of(mbufs + taken, waiting_ - taken);
    } else {
      account_.sent_bytes += lengths;
    }
    note(now, taken);
    return true;
  }

  static std::uint64_t bytes_of(rte_mbuf** mbufs, std::size_t count) {
    std::uint64_t bytes = 0;
    for (std::size_t i = 0; i < count; ++i) bytes += mbufs[i]->data_len;
    return bytes;
  }

  void note(std::uint64_t now, std::size_t taken) {
    if (schedule_) {
      for (std::size_t i = first_; i < first_ + taken; ++i) {
        account_.pacing_error.add(to_ns_.to_ns(now - intended_[i]));
        ++account_.sent_by_interval[interval_.find(intended_[i])];
      }
    } else {
      account_.sent_by_interval[interval_.find(now)] += taken;
    }
    account_.sent += taken;
    account_.sending_ticks = now;
    port_.sent->add(taken);
    first_ += taken;
    waiting_ -= taken;
  }

  void finish() {
    if (is_written_ && waiting_ != 0) {
      source_.take_back(mbufs_ + first_, waiting_);
      rte_pktmbuf_free_bulk(mbufs_ + first_, static_cast<unsigned>(waiting_));
    }
    if (schedule_ && !account_.is_interrupted) {
      if (schedule_->due() != Schedule::never) account_.intended = std::max(account_.intended, order_.expected_packets);
      account_.sending_ticks = std::max(account_.sending_ticks, order_.duration_ticks);
    } else if (!schedule_) {
      account_.intended = order_.packet_limit != 0 && !account_.is_interrupted ? order_.packet_limit : account_.sent;
    } else {
      account_.sending_ticks = clock_.now() - order_.start_ticks;
    }
    port_.done->set();
  }

  std::optional<Schedule> schedule_;
  const SendOrder& order_;
  const SendPort& port_;
  const TrialClock& clock_;
  Source& source_;
  Meanwhile& meanwhile_;
  TickClock to_ns_;
  IntervalFinder interval_;
  SendAccount account_;

  // Taken from the schedule and not yet taken by the device: [first_, first_ + waiting_).
  rte_mbuf* mbufs_[most_burst_packets];
  std::uint64_t intended_[most_burst_packets];
  std::size_t first_ = 0;
  std::size_t waiting_ = 0;
  bool is_written_ = false;  ///< the mbufs exist and hold the packets

  std::uint64_t caught_up_ = 0;  ///< when nothing that was due had to wait for another turn
};

template <class Source, class Meanwhile>
SendAccount send(const SendOrder& order, const SendPort& port, const TrialClock& clock, Source& source,
                 Meanwhile& meanwhile) {
  return SendLoop<Source, Meanwhile>(order, port, clock, source, meanwhile).run();
}

}  // namespace portier::load
