/// Pools of both layouts: every buffer there once, apart from the others, writable to its end, and home again.
#include "nic/pool.hpp"

#include <gtest/gtest.h>
#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace portier::nic {
namespace {

struct Span {
  std::uintptr_t from;
  std::uintptr_t to;
};

class PoolTest : public testing::TestWithParam<MbufLayout> {};

TEST_P(PoolTest, GivesEachBufferOnceAndWhole) {
  constexpr unsigned count = 3000;
  const Pool pool("pool_test", count, receive_room_bytes, GetParam());
  ASSERT_EQ(pool.size(), count);
  ASSERT_EQ(pool.available(), count);
  std::vector<rte_mbuf*> mbufs(count);
  ASSERT_EQ(rte_mempool_get_bulk(pool.get(), reinterpret_cast<void**>(mbufs.data()), count), 0);
  EXPECT_EQ(pool.available(), 0U);
  std::vector<Span> spans;
  for (auto* mbuf : mbufs) {
    ASSERT_EQ(mbuf->pool, pool.get());
    ASSERT_EQ(mbuf->buf_len, receive_room_bytes + RTE_PKTMBUF_HEADROOM);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(mbuf) % RTE_CACHE_LINE_SIZE, 0U);
    std::memset(mbuf->buf_addr, 0xa5, mbuf->buf_len);
    const auto at = reinterpret_cast<std::uintptr_t>(mbuf);
    spans.push_back({at, reinterpret_cast<std::uintptr_t>(mbuf->buf_addr) + mbuf->buf_len});
  }
  std::ranges::sort(spans, {}, &Span::from);
  std::size_t in_one_page = 0;
  for (std::size_t i = 1; i < count; ++i) {
    ASSERT_LE(spans[i - 1].to, spans[i].from) << "buffers overlap";
    in_one_page += spans[i - 1].from / 4096 == spans[i].from / 4096 ? 1 : 0;
  }
  if (GetParam() == MbufLayout::packed) {
    EXPECT_GT(in_one_page, count / 4) << "headers share pages";
  } else {
    EXPECT_EQ(in_one_page, 0U);
  }
  rte_mempool_put_bulk(pool.get(), reinterpret_cast<void**>(mbufs.data()), count);
  EXPECT_EQ(pool.available(), count);
}

TEST_P(PoolTest, MayBeMadeAgainUnderItsName) {
  for (int times = 0; times < 20; ++times) {
    const Pool pool("pool_test", 4000, 9728, GetParam());
    ASSERT_EQ(pool.available(), 4000U);
  }
}

INSTANTIATE_TEST_SUITE_P(Layouts, PoolTest, testing::Values(MbufLayout::packed, MbufLayout::page_each),
                         [](const auto& layout) {
                           return layout.param == MbufLayout::packed ? "packed" : "page_each";
                         });

}  // namespace
}  // namespace portier::nic
