/// The per-packet work of sending: an order, a sequence number, a flow, a mark; no branch that traffic decides.
#include "packet_source.hpp"

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include <cstring>

namespace portier::load {

namespace {

std::uint8_t* start_of(rte_mbuf* mbuf) { return static_cast<std::uint8_t*>(mbuf->buf_addr) + RTE_PKTMBUF_HEADROOM; }

/// What rte_pktmbuf_reset does, in whole words. The pool keeps `next` null and the number of segments 1.
void reset(rte_mbuf* mbuf, std::uint16_t length, std::uint32_t remember) {
  constexpr std::uint64_t rearm = std::uint64_t{RTE_PKTMBUF_HEADROOM} | std::uint64_t{1} << 16 |
                                  std::uint64_t{1} << 32 | std::uint64_t{RTE_MBUF_PORT_INVALID} << 48;
  std::memcpy(reinterpret_cast<std::uint8_t*>(mbuf) + offsetof(rte_mbuf, rearm_data), &rearm, sizeof rearm);
  mbuf->ol_flags = 0;
  mbuf->packet_type = 0;
  mbuf->pkt_len = length;
  mbuf->data_len = length;
  mbuf->vlan_tci = 0;
  mbuf->hash.rss = remember;  // nobody reads it on sending: the template, for `restamp`
}

}  // namespace

void fill_pool(rte_mempool* pool) {
  rte_mempool_obj_iter(
      pool,
      [](rte_mempool*, void*, void* object, unsigned) {
        auto* mbuf = static_cast<rte_mbuf*>(object);
        fill({start_of(mbuf), static_cast<std::size_t>(mbuf->buf_len) - RTE_PKTMBUF_HEADROOM});
      },
      nullptr);
}

MarkedSource::MarkedSource(const TrafficPlan& plan, Endpoints endpoints, const MarkKey& key, double tsc_hz)
    : plan_(plan), endpoints_(std::move(endpoints)), key_(key), tsc_hz_(tsc_hz) {
  restart();
}

void MarkedSource::restart() {
  cursors_.clear();
  for (const auto& service : plan_.services) {
    cursors_.push_back({.ports = service.port_count, .first_port = service.first_port});
  }
  position_ = 0;
  endpoints_.restart();
}

void MarkedSource::write(rte_mbuf** mbufs, std::size_t count, const SendTimes& times) {
  if (endpoints_.changes()) endpoints_.renew(static_cast<double>(times.now_ticks) / tsc_hz_);
  if (plan_.head_bytes == 64) return write_all<64>(mbufs, count, times);
  write_all<most_head_bytes>(mbufs, count, times);
}

template <std::size_t HeadBytes>
void MarkedSource::write_all(rte_mbuf** mbufs, std::size_t count, const SendTimes& times) {
  const auto* templates = plan_.templates.data();
  const auto* order = plan_.order.data();
  const auto order_length = plan_.order.size();
  const auto flows = endpoints_.size();
  auto position = position_;
  const auto key = key_;
  for (std::size_t i = 0; i < count; ++i) {
    const auto index = order[position];
    position = position + 1 == order_length ? 0 : position + 1;
    const auto& frame = templates[index];
    auto& cursor = cursors_[frame.service];
    const auto& from = endpoints_[cursor.place];
    cursor.place = cursor.place + 1 == flows ? 0 : cursor.place + 1;
    const auto sequence = cursor.next++;
    auto dst_port = frame.dst_port;
    if (cursor.ports != 1) [[unlikely]] {
      dst_port = __builtin_bswap16(static_cast<std::uint16_t>(cursor.first_port + cursor.port));
      cursor.port = cursor.port + 1 == cursor.ports ? 0 : cursor.port + 1;
    }
    auto* mbuf = mbufs[i];
    reset(mbuf, frame.length, index);
    auto* to = start_of(mbuf);
    if (frame.kind == TemplateKind::marked) [[likely]] {
      const Mark mark{.sequence = sequence,
                      .service = frame.service,
                      .generation = from.generation,
                      .intended_ticks = times.start_ticks + times.intended_ticks[i],
                      .delay_ticks = times.now_ticks - times.intended_ticks[i]};
      write_marked<HeadBytes>(to, frame, from, dst_port, encode_mark(key, mark, frame.payload_bytes));
    } else {
      write_syn<HeadBytes>(to, frame, from, dst_port, syn_number(key, frame.service, sequence));
    }
  }
  position_ = position;
}

void MarkedSource::restamp(rte_mbuf** mbufs, std::size_t count, const SendTimes& times) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& frame = plan_.templates[mbufs[i]->hash.rss];
    if (frame.kind == TemplateKind::marked) {
      load::restamp(start_of(mbufs[i]), frame, key_, times.start_ticks + times.now_ticks);
    }
  }
}

void MarkedSource::take_back(rte_mbuf** mbufs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) --cursors_[plan_.templates[mbufs[i]->hash.rss].service].next;
}

void CaptureSource::write(rte_mbuf** mbufs, std::size_t count, const SendTimes&) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto& frame = frames_[position_];
    position_ = position_ + 1 == frames_.size() ? 0 : position_ + 1;
    reset(mbufs[i], static_cast<std::uint16_t>(frame.size()), 0);
    std::memcpy(start_of(mbufs[i]), frame.data(), frame.size());
  }
}

}  // namespace portier::load
