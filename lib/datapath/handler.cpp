/// What handlers do through `Burst` and `KeptPacket`, in terms of the worker's outbox.
#include "datapath/handler.hpp"

#include <rte_cycles.h>
#include <rte_mbuf.h>

#include "datapath/burst.hpp"
#include "datapath/outbox.hpp"

namespace portier::datapath {

packet::MutableBytes Burst::reply(std::size_t i, std::size_t length) {
  return outbox_->open((*this)[i].device(), length);
}
packet::MutableBytes Burst::forward(std::uint8_t device, std::size_t length) { return outbox_->open(device, length); }
std::size_t Burst::room(std::uint8_t device) { return outbox_->room(device); }
void Burst::trim(std::size_t length) { outbox_->trim(length); }
void Burst::cancel() { outbox_->cancel(); }

void Burst::note_order() const {
  std::size_t count = 0;
  for_each(rows_, [&](std::size_t i) { order_[count++] = static_cast<std::uint8_t>(i); });
  has_order_ = true;
}

KeptPacket Burst::keep(std::size_t i) {
  const auto view = (*this)[i];
  auto* mbuf = outbox_->copy(view.frame());
  if (mbuf == nullptr) return {};
  return {mbuf, view.moved_to(rte_pktmbuf_mtod(mbuf, const std::uint8_t*))};
}

void Burst::begin_exceptions() {
  refused_.fill(packet::Reason::none);
  postponed_ = 0;
  postponed_bytes_ = 0;
  has_exceptions_ = true;
}

void Burst::refuse(std::size_t i, packet::Reason reason) {
  if (!has_exceptions_) begin_exceptions();
  refused_[i] = reason;
}

void Burst::postpone(std::size_t packets, std::size_t bytes) {
  if (!has_exceptions_) begin_exceptions();
  postponed_ += packets;
  postponed_bytes_ += bytes;
}

std::uint64_t Burst::age_ns(std::size_t i) const {
  const std::uint64_t units = time_of(now_tsc_) - (*this)[i].receive_time();
  return static_cast<std::uint64_t>(static_cast<double>(units * 16) * 1e9 / static_cast<double>(rte_get_tsc_hz()));
}

KeptPacket& KeptPacket::operator=(KeptPacket&& other) noexcept {
  std::swap(buffer_, other.buffer_);
  std::swap(view_, other.view_);
  return *this;
}

KeptPacket::~KeptPacket() {
  if (buffer_ != nullptr) rte_pktmbuf_free(static_cast<rte_mbuf*>(buffer_));
}

}  // namespace portier::datapath
