/// mbufs on the way out, and what handlers do through `Burst`.
#include "datapath/outbox.hpp"

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>

#include "crosscore/slot.hpp"

namespace portier::datapath {

Outbox::Outbox(rte_mempool* pool, std::vector<TxLane> lanes, CoreCounters& counters)
    : pool_(pool), lanes_(std::move(lanes)), held_(lanes_.size()), counters_(counters) {}

Outbox::~Outbox() {
  rollback();
  abandon();
}

packet::MutableBytes Outbox::open(std::uint8_t device, std::size_t length) {
  if (length == 0 || length > crosscore::max_frame_bytes || device >= lanes_.size()) return {};
  rte_mbuf* mbuf = open_count_ < open_limit ? rte_pktmbuf_alloc(pool_) : nullptr;
  if (mbuf == nullptr) {
    counters_.no_buffer.add(1);
    return {};
  }
  mbuf->data_len = static_cast<std::uint16_t>(length);
  mbuf->pkt_len = static_cast<std::uint32_t>(length);
  open_[open_count_++] = {mbuf, device};
  return {rte_pktmbuf_mtod(mbuf, std::uint8_t*), length};
}

void Outbox::trim(std::size_t length) {
  if (open_count_ == 0) return;
  auto* mbuf = open_[open_count_ - 1].mbuf;
  mbuf->data_len = static_cast<std::uint16_t>(std::min<std::size_t>(length, mbuf->data_len));
  mbuf->pkt_len = mbuf->data_len;
}

void Outbox::cancel() {
  if (open_count_ != 0) rte_pktmbuf_free(open_[--open_count_].mbuf);
}

std::size_t Outbox::room(std::uint8_t device) {
  constexpr std::size_t enough = 64;  // a burst
  if (device >= lanes_.size()) return 0;
  const auto& held = held_[device];
  if (held.count + open_count_ + enough > held_limit) send(device);
  return held_limit - std::min(held_limit, held.count + open_count_);
}

rte_mbuf* Outbox::copy(packet::Bytes frame) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool_);
  if (mbuf == nullptr) {
    counters_.no_buffer.add(1);
    return nullptr;
  }
  std::memcpy(rte_pktmbuf_mtod(mbuf, void*), frame.data(), frame.size());
  mbuf->data_len = static_cast<std::uint16_t>(frame.size());
  mbuf->pkt_len = mbuf->data_len;
  return mbuf;
}

void Outbox::hold(rte_mbuf* mbuf, std::uint8_t device) {
  auto& held = held_[device];
  if (held.count == held_limit) send(device);
  if (held.count == held_limit) {
    counters_.tx_full.add(1);
    rte_pktmbuf_free(mbuf);
    return;
  }
  held.mbufs[held.count++] = mbuf;
}

void Outbox::hold_opened() {
  for (std::size_t i = 0; i < open_count_; ++i) hold(open_[i].mbuf, open_[i].device);
  open_count_ = 0;
}

void Outbox::rollback() {
  for (std::size_t i = 0; i < open_count_; ++i) rte_pktmbuf_free(open_[i].mbuf);
  open_count_ = 0;
}

void Outbox::send(std::size_t device) {
  auto& held = held_[device];
  const auto& lane = lanes_[device];
  const auto count = static_cast<std::uint16_t>(held.count);
  unsigned sent = 0;
  if (lane.relay != nullptr) {
    sent = rte_ring_enqueue_burst(lane.relay, reinterpret_cast<void**>(held.mbufs.data()), count, nullptr);
  } else {
    sent = rte_eth_tx_burst(lane.port, lane.queue, held.mbufs.data(), count);
    counters_.replied.add(sent);
  }
  std::copy(held.mbufs.begin() + sent, held.mbufs.begin() + count, held.mbufs.begin());
  held.count -= sent;
}

void Outbox::flush() {
  for (std::size_t device = 0; device < held_.size(); ++device) {
    if (held_[device].count != 0) send(device);
  }
}

void Outbox::serve_relay(rte_ring* relay, std::uint8_t device) {
  auto& held = held_[device];
  held.count += rte_ring_dequeue_burst(relay, reinterpret_cast<void**>(held.mbufs.data() + held.count),
                                       static_cast<unsigned>(held_limit - held.count), nullptr);
}

bool Outbox::is_empty() const {
  return std::all_of(held_.begin(), held_.end(), [](const Held& held) { return held.count == 0; });
}

void Outbox::abandon() {
  for (auto& held : held_) {
    counters_.tx_full.add(held.count);
    for (std::size_t i = 0; i < held.count; ++i) rte_pktmbuf_free(held.mbufs[i]);
    held.count = 0;
  }
}

}  // namespace portier::datapath
