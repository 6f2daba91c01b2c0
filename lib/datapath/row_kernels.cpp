/// The scalar loops over plain rows, and the choice.
#include "datapath/row_kernels.hpp"

#include <emmintrin.h>

#include <array>
#include <cstdlib>

#include "packet/plain.hpp"

namespace portier::datapath {
namespace {

/// What a row that is too short or not all there is replaced by: no EtherType, so not plain.
constexpr std::array<std::uint8_t, packet::min_plain_bytes> blank_frame{};
static_assert(crosscore::flag_ipv4 << 1 == crosscore::flag_ipv6);

void note_addresses(RxBurst& burst, std::size_t i, const packet::PlainFacts& facts) {
  if (facts.is_plain == 0) return;
  const auto* transport = burst.data[i] + facts.l4_offset;
  if (facts.is_ipv6 == 0) {
    burst.addresses[0][i] = packet::load64(transport - 8);
    return;
  }
  for (std::size_t k = 0; k < 4; ++k) burst.addresses[k][i] = packet::load64(transport - 32 + 8 * k);
}

void parse_rows(RxBurst& burst) {
  Rows plain = 0;  // filled from the top, so that no shift depends on the row
  Rows ipv6 = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    const std::size_t length = burst.present[i];
    const bool is_whole = length == burst.wire_length[i];
    const bool fits = length - packet::min_plain_bytes <= crosscore::max_frame_bytes - packet::min_plain_bytes;
    const auto facts = packet::parse_plain(is_whole && fits ? burst.data[i] : blank_frame.data(), length);
    const unsigned version = unsigned{crosscore::flag_ipv4} << facts.is_ipv6;
    const unsigned flags = version | facts.is_tagged << crosscore::flag_vlan_shift;
    burst.head[i] =
        slot_head(burst.present[i], facts.l4_offset, burst.device, static_cast<std::uint8_t>(facts.proto), flags);
    burst.ports[i] = facts.ports;
    note_addresses(burst, i, facts);
    plain = plain >> 1 | Rows{facts.is_plain} << 63;
    ipv6 = ipv6 >> 1 | Rows{facts.is_ipv6} << 63;
  }
  burst.plain = burst.count == 0 ? 0 : plain >> (max_burst - burst.count);
  burst.ipv6 = burst.count == 0 ? 0 : ipv6 >> (max_burst - burst.count);
}

void hash_rows(const packet::HashKey& key, RxBurst& burst, Rows rows) {
  const auto copy = key;
  const auto& a = burst.addresses;
  for_each(rows & ~burst.ipv6,
           [&](std::size_t i) { burst.hash[i] = packet::flow_hash4(copy, a[0][i], burst.ports[i]); });
  for_each(rows & burst.ipv6, [&](std::size_t i) {
    burst.hash[i] = packet::flow_hash6(copy, {a[0][i], a[1][i], a[2][i], a[3][i]}, burst.ports[i]);
  });
}

/// 16 services against one: a bit for each that is equal.
inline Rows match_sixteen(const table::ServiceId* service, __m128i one) {
  static_assert(sizeof(table::ServiceId) == 2);
  const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(service));
  const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(service + 8));
  const __m128i equal = _mm_packs_epi16(_mm_cmpeq_epi16(low, one), _mm_cmpeq_epi16(high, one));
  return static_cast<Rows>(static_cast<std::uint32_t>(_mm_movemask_epi8(equal)));
}

/// SSE2, which every x86-64 processor has.
Rows match_rows(const std::array<table::ServiceId, max_burst>& service, Rows rows, std::array<Rows, max_burst>& same) {
  Rows leaders = 0;
  const bool is_long = rows >> 32 != 0;
  for_each(rows, [&](std::size_t i) {
    const __m128i one = _mm_set1_epi16(static_cast<short>(service[i]));
    Rows equal = match_sixteen(service.data(), one) | match_sixteen(service.data() + 16, one) << 16;
    if (is_long) {
      equal |= match_sixteen(service.data() + 32, one) << 32 | match_sixteen(service.data() + 48, one) << 48;
    }
    same[i] = equal & rows;
    leaders |= same[i] & (0 - same[i]) & row(i);
  });
  return leaders;
}

}  // namespace

const RowKernels scalar_kernels{"scalar", parse_rows, hash_rows, match_rows};

bool can_run_avx512() {
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vbmi2");
}

const RowKernels& row_kernels() {
  static const RowKernels& chosen = []() -> const RowKernels& {
    const char* wanted = std::getenv("PORTIER_VECTORS");
    const bool has_veto = wanted != nullptr && std::string_view(wanted) == "scalar";
    return can_run_avx512() && !has_veto ? avx512_kernels : scalar_kernels;
  }();
  return chosen;
}

}  // namespace portier::datapath
