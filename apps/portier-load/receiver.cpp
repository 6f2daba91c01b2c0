/// Burst by burst, one time stamp each.
#include "receiver.hpp"

#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <bit>

#include "sender.hpp"

namespace portier::load {

namespace {

/// 16 MiB of bitmaps over all services; a million numbers at most for one, 4,096 at least.
std::size_t window_bits(std::size_t services) {
  constexpr std::size_t all_bits = std::size_t{1} << 27;
  return std::clamp(std::bit_floor(all_bits / std::max<std::size_t>(services, 1)), std::size_t{4096},
                    std::size_t{1} << 20);
}

}  // namespace

Receiver::Receiver(const ReceiveOrder& order, const ReceivePort& port, const FrameReader& reader,
                   const std::vector<LoadService>& services, const TrialClock& clock)
    : order_(order),
      port_(port),
      reader_(reader),
      clock_(clock),
      to_ns_(clock.tsc_hz()),
      interval_(order.interval_ticks, order.intervals) {
  account_.services.reserve(services.size());
  for (std::size_t i = 0; i < services.size(); ++i) {
    account_.services.emplace_back(window_bits(services.size()), order.flows);
  }
  account_.intervals.resize(order.intervals);
}

bool Receiver::poll() {
  rte_mbuf* mbufs[most_burst_packets];
  const auto count = rte_eth_rx_burst(port_.queue.port, port_.queue.queue, mbufs, most_burst_packets);
  if (count == 0) return false;
  const auto now = clock_.now() - order_.start_ticks;
  taken_ = 0;
  for (unsigned i = 0; i < count; ++i) {
    if (mbufs[i]->nb_segs == 1) [[likely]] {
      take({rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*), mbufs[i]->data_len}, now);
      continue;
    }
    static thread_local std::array<std::uint8_t, 16384> flat;
    const auto length = std::min<std::uint32_t>(mbufs[i]->pkt_len, flat.size());
    const void* bytes = rte_pktmbuf_read(mbufs[i], 0, length, flat.data());
    take({static_cast<const std::uint8_t*>(bytes), length}, now);
  }
  rte_pktmbuf_free_bulk(mbufs, count);
  account_.frames += count;
  port_.frames->add(count);
  if (taken_ != 0) {
    if (!has_last_) account_.first_ticks = now;
    has_last_ = true;
    account_.last_ticks = now;
    port_.received->add(taken_);
  }
  return true;
}

void Receiver::take(packet::Bytes frame, std::uint64_t now) {
  account_.bytes += frame.size();
  if (!order_.is_marked) {
    auto& interval = account_.intervals[interval_.find(now)];
    ++interval.received;
    ++taken_;
    return;
  }
  const auto read = reader_.read(frame);
  switch (read.as) {
    case ReadAs::ours: take_ours(read.mark, now); break;
    case ReadAs::syn: take_syn(read.mark, now); break;
    case ReadAs::damaged: ++account_.damaged; return;
    case ReadAs::foreign:
      if (read.answer == Answer::none) ++account_.foreign;
      break;
  }
  if (read.answer != Answer::none) count_answer(read);
}

void Receiver::count_answer(const ReadFrame& read) {
  auto& service = account_.services[read.service];
  if (read.answer == Answer::syn_ack) ++service.syn_acks;
  if (read.answer == Answer::reset) ++service.resets;
  if (read.answer == Answer::unreachable) ++service.unreachables;
}

void Receiver::take_ours(const Mark& mark, std::uint64_t now) {
  // 48 bits of time: what seems to lie far in the future was meant before the start.
  if (((mark.intended_ticks - order_.start_ticks) & mark_mask48) > mark_mask48 / 2) {
    ++account_.stale;
    return;
  }
  auto& service = account_.services[mark.service];
  // Damage passes the check once in 65,536 times. A number that was never sent would make all others look late.
  if (mark.sequence > service.window.next() + 1024 && mark.sequence >= port_.sent->value() + most_burst_packets) {
    ++account_.damaged;
    return;
  }
  switch (service.window.add(mark.sequence)) {
    case Arrival::duplicate: ++service.duplicated; return;
    case Arrival::late: ++service.late; return;
    case Arrival::fresh: break;
  }
  ++service.received;
  ++taken_;
  if (service.order.add(mark.sequence, mark.generation)) ++service.reordered;
  note_times(mark, now);
}

void Receiver::note_times(const Mark& mark, std::uint64_t now) {
  const auto intended = (mark.intended_ticks - order_.start_ticks) & mark_mask48;
  const auto latency_ticks = now > intended ? now - intended : 0;
  const auto latency_ns = to_ns_.to_ns(latency_ticks);
  account_.services[mark.service].latency.add(latency_ns);
  account_.from_send.add(to_ns_.to_ns(latency_ticks > mark.delay_ticks ? latency_ticks - mark.delay_ticks : 0));
  auto& interval = account_.intervals[interval_.find(intended)];
  interval.latency.add(latency_ns);
  ++interval.received;
  if (intended >= last_intended_) {
    if (has_last_ || taken_ > 1) {
      const auto apart = now - last_received_;
      const auto meant = intended - last_intended_;
      account_.delay_variation.add(to_ns_.to_ns(apart > meant ? apart - meant : meant - apart));
    }
    last_intended_ = intended;
    last_received_ = now;
  }
}

/// The 24 bits belong to the number next to the newest one that they fit.
void Receiver::take_syn(const Mark& mark, std::uint64_t now) {
  auto& service = account_.services[mark.service];
  const auto next = service.window.next();
  auto sequence = (next & ~std::uint64_t{0xffffff}) | mark.sequence;
  if (sequence > next + 0x800000 && sequence >= 0x1000000) sequence -= 0x1000000;
  if (sequence + 0x800000 < next) sequence += 0x1000000;
  switch (service.window.add(sequence)) {
    case Arrival::duplicate: ++service.duplicated; return;
    case Arrival::late: ++service.late; return;
    case Arrival::fresh: break;
  }
  ++service.received;
  ++taken_;
  if (service.order.add(sequence, 0)) ++service.reordered;
  ++account_.intervals[interval_.find(now)].received;
}

}  // namespace portier::load
