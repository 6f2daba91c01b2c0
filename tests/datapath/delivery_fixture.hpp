/// Frames as a worker finds them in its ring, and an outbox whose devices are rings that a test can empty.
#pragma once

#include <gtest/gtest.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "datapath/outbox.hpp"
#include "datapath/packet_view.hpp"
#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace portier::datapath {

class OutboxOverRings : public testing::Test {
 protected:
  static constexpr unsigned pool_size = 1023;
  static constexpr unsigned ring_room = 511;
  static constexpr std::size_t devices = 2;

  void SetUp() override {
    pool_ = rte_pktmbuf_pool_create("outbox_test", pool_size, 0, 0, 10240, SOCKET_ID_ANY);
    ASSERT_NE(pool_, nullptr);
    std::vector<TxLane> lanes(devices);
    for (std::size_t i = 0; i < devices; ++i) {
      rings_[i] = rte_ring_create(("outbox_test" + std::to_string(i)).c_str(), ring_room + 1, SOCKET_ID_ANY, 0);
      ASSERT_NE(rings_[i], nullptr);
      lanes[i].relay = rings_[i];
    }
    outbox_ = std::make_unique<Outbox>(pool_, lanes, counters_);
  }

  void TearDown() override {
    outbox_.reset();
    for (std::size_t i = 0; i < devices; ++i) {
      sent(i);
      rte_ring_free(rings_[i]);
    }
    EXPECT_EQ(rte_mempool_avail_count(pool_), pool_size) << "every buffer came home";
    rte_mempool_free(pool_);
  }

  /// Takes what has left by a device.
  std::vector<traffic::Frame> sent(std::size_t device) {
    std::vector<traffic::Frame> frames;
    void* at = nullptr;
    while (rte_ring_dequeue(rings_[device], &at) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(at);
      const auto* data = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
      EXPECT_EQ(mbuf->pkt_len, mbuf->data_len);
      frames.emplace_back(data, data + mbuf->data_len);
      rte_pktmbuf_free(mbuf);
    }
    return frames;
  }

  rte_mempool* pool_ = nullptr;
  std::array<rte_ring*, devices> rings_{};
  CoreCounters counters_;
  std::unique_ptr<Outbox> outbox_;
};

}  // namespace portier::datapath
