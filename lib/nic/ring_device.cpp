/// rte_eth_from_rings, with a pool of its own.
#include "nic/ring_device.hpp"

#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <cstring>

#include "nic/failure.hpp"

namespace portier::nic {

namespace {
constexpr std::size_t at_once = 64;
}

RingDevice::RingDevice(const std::string& name, unsigned queues, unsigned ring_size, unsigned mbufs)
    : pool_("far_" + name, mbufs, receive_room_bytes) {
  auto make_rings = [&](std::vector<rte_ring*>& rings, const char* direction) {
    for (unsigned queue = 0; queue < queues; ++queue) {
      const auto ring_name = std::string(direction) + name + "_" + std::to_string(queue);
      auto* ring = rte_ring_create(ring_name.c_str(), ring_size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
      if (ring == nullptr) throw Failure("no memory for the rings of device '" + name + "': raise router.memory_mb");
      rings.push_back(ring);
    }
  };
  make_rings(to_device_, "in_");
  make_rings(from_device_, "out_");
  const int port = rte_eth_from_rings(name.c_str(), to_device_.data(), queues, from_device_.data(), queues, 0);
  if (port < 0) throw Failure("device '" + name + "' cannot be made from rings");
  char full_name[RTE_ETH_NAME_MAX_LEN];
  rte_eth_dev_get_name_by_port(static_cast<std::uint16_t>(port), full_name);
  eal_name_ = full_name;
}

RingDevice::~RingDevice() {
  drain();
  for (auto* ring : to_device_) rte_ring_free(ring);
  for (auto* ring : from_device_) rte_ring_free(ring);
}

std::size_t RingDevice::push(unsigned queue, std::span<const packet::Bytes> frames) {
  auto* ring = to_device_[queue];
  std::size_t done = 0;
  while (done < frames.size()) {
    const auto room = std::min<std::size_t>({at_once, frames.size() - done, rte_ring_free_count(ring)});
    rte_mbuf* mbufs[at_once];
    if (room == 0 || rte_pktmbuf_alloc_bulk(pool_.get(), mbufs, static_cast<unsigned>(room)) != 0) break;
    for (std::size_t i = 0; i < room; ++i) {
      const auto& frame = frames[done + i];
      const auto length = static_cast<std::uint16_t>(std::min<std::size_t>(frame.size(), receive_room_bytes));
      std::memcpy(rte_pktmbuf_mtod(mbufs[i], void*), frame.data(), length);
      mbufs[i]->data_len = length;
      mbufs[i]->pkt_len = length;
    }
    rte_ring_enqueue_bulk(ring, reinterpret_cast<void**>(mbufs), static_cast<unsigned>(room), nullptr);
    done += room;
  }
  return done;
}

bool RingDevice::push_segmented(unsigned queue, packet::Bytes frame, std::size_t segment_bytes) {
  rte_mbuf* head = nullptr;
  for (std::size_t at = 0; at < frame.size() || head == nullptr; at += segment_bytes) {
    auto* segment = rte_pktmbuf_alloc(pool_.get());
    if (segment == nullptr) return rte_pktmbuf_free(head), false;
    const auto length = static_cast<std::uint16_t>(std::min(segment_bytes, frame.size() - at));
    std::memcpy(rte_pktmbuf_mtod(segment, void*), frame.data() + at, length);
    segment->data_len = length;
    segment->pkt_len = length;
    if (head == nullptr) {
      head = segment;
    } else if (rte_pktmbuf_chain(head, segment) != 0) {
      rte_pktmbuf_free(segment);
      rte_pktmbuf_free(head);
      return false;
    }
  }
  if (rte_ring_enqueue(to_device_[queue], head) == 0) return true;
  rte_pktmbuf_free(head);
  return false;
}

std::size_t RingDevice::pull(void (*take)(void*, packet::Bytes), void* context) {
  std::size_t total = 0;
  for (auto* ring : from_device_) {
    rte_mbuf* mbufs[at_once];
    unsigned count = 0;
    while ((count = rte_ring_dequeue_burst(ring, reinterpret_cast<void**>(mbufs), at_once, nullptr)) != 0) {
      for (unsigned i = 0; take != nullptr && i < count; ++i) {
        take(context, {rte_pktmbuf_mtod(mbufs[i], const std::uint8_t*), mbufs[i]->data_len});
      }
      rte_pktmbuf_free_bulk(mbufs, count);
      total += count;
    }
  }
  return total;
}

std::size_t RingDevice::waiting() const {
  std::size_t count = 0;
  for (auto* ring : to_device_) count += rte_ring_count(ring);
  return count;
}

void RingDevice::drain() {
  pull(nullptr, nullptr);
  for (auto* ring : to_device_) {
    void* mbuf = nullptr;
    while (rte_ring_dequeue(ring, &mbuf) == 0) rte_pktmbuf_free(static_cast<rte_mbuf*>(mbuf));
  }
}

}  // namespace portier::nic
