/// Plain rows eight at a time: 32 bytes of each are loaded as they lie and turned into columns, so no branch depends on
/// what they are. Not gathered: that takes most processors about as long as eight loads one behind the other.
///
/// The target is said per function, not for the file: whatever else is inlined from headers stays what every processor
/// runs.
// g++ 12 takes the "undefined" operands inside its own intrinsics for a mistake of ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#include <immintrin.h>

#include <array>

#include "datapath/row_kernels.hpp"
#include "packet/plain.hpp"

#define PORTIER_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace portier::datapath {
namespace {

constexpr std::size_t lanes = 8;
constexpr __mmask8 all_lanes = 0xff;
constexpr long long as_word(std::uint64_t value) { return static_cast<long long>(value); }

PORTIER_AVX512 inline __m512i words(std::uint64_t value) { return _mm512_set1_epi64(as_word(value)); }

/// 32 bytes of each of eight rows: column k has each row's bytes 8k to 8k + 7 as a big-endian number.
struct Columns {
  __m512i words[4];
};

using RowPointers = std::array<const std::uint8_t*, lanes>;

PORTIER_AVX512 inline __m512i two_rows(const std::uint8_t* const* rows, std::size_t row, std::size_t offset) {
  const __m512i swap = _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const auto load = [&](std::size_t i) PORTIER_AVX512 {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(rows[i] + offset));
  };
  return _mm512_shuffle_epi8(_mm512_inserti64x4(_mm512_castsi256_si512(load(row)), load(row + 4), 1), swap);
}

PORTIER_AVX512 inline Columns load_columns(const std::uint8_t* const* rows, std::size_t offset) {
  const __m512i row04 = two_rows(rows, 0, offset);
  const __m512i row15 = two_rows(rows, 1, offset);
  const __m512i row26 = two_rows(rows, 2, offset);
  const __m512i row37 = two_rows(rows, 3, offset);
  const __m512i even01 = _mm512_unpacklo_epi64(row04, row15);  // words 0 and 2 of rows 0, 1, 4, 5
  const __m512i odd01 = _mm512_unpackhi_epi64(row04, row15);
  const __m512i even23 = _mm512_unpacklo_epi64(row26, row37);
  const __m512i odd23 = _mm512_unpackhi_epi64(row26, row37);
  const __m512i first = _mm512_set_epi64(13, 12, 5, 4, 9, 8, 1, 0);
  const __m512i second = _mm512_set_epi64(15, 14, 7, 6, 11, 10, 3, 2);
  return {{_mm512_permutex2var_epi64(even01, first, even23), _mm512_permutex2var_epi64(odd01, first, odd23),
           _mm512_permutex2var_epi64(even01, second, even23), _mm512_permutex2var_epi64(odd01, second, odd23)}};
}

/// 64 bits of each row, from `Bytes` before the end of one column into the next.
template <unsigned Bytes>
PORTIER_AVX512 inline __m512i across(__m512i column, __m512i next) {
  return _mm512_or_si512(_mm512_slli_epi64(column, 64 - 8 * Bytes), _mm512_srli_epi64(next, 8 * Bytes));
}

/// Rows that are not looked at read this instead: no EtherType, so not plain.
constexpr std::array<std::uint8_t, 128> blank_row{};

PORTIER_AVX512 inline void point(RowPointers& rows, __mmask8 looked_at, __m512i addresses) {
  const __m512i blank = words(reinterpret_cast<std::uintptr_t>(blank_row.data()));
  _mm512_storeu_si512(rows.data(), _mm512_mask_blend_epi64(looked_at, blank, addresses));
}

/// 16 bits of each word, `shift` from its low end.
PORTIER_AVX512 inline __m512i half_word(__m512i word, unsigned shift) {
  return _mm512_and_si512(_mm512_srli_epi64(word, shift), words(0xffff));
}

PORTIER_AVX512 inline __m512i choose(__mmask8 second, __m512i if_not, __m512i if_so) {
  return _mm512_mask_blend_epi64(second, if_not, if_so);
}

/// The byte at `offset` of each row.
PORTIER_AVX512 inline __m512i load_bytes(const std::uint8_t* const* rows, std::size_t offset) {
  __m128i low = _mm_cvtsi32_si128(rows[0][offset]);
  __m128i high = _mm_cvtsi32_si128(rows[4][offset]);
  low = _mm_insert_epi8(low, rows[1][offset], 1);
  high = _mm_insert_epi8(high, rows[5][offset], 1);
  low = _mm_insert_epi8(low, rows[2][offset], 2);
  high = _mm_insert_epi8(high, rows[6][offset], 2);
  low = _mm_insert_epi8(low, rows[3][offset], 3);
  high = _mm_insert_epi8(high, rows[7][offset], 3);
  return _mm512_cvtepu8_epi64(_mm_unpacklo_epi32(low, high));
}

/// Frames are read up to 60 bytes, which is what every plain one has, and what lies behind a tag up to 64.
constexpr std::size_t least_tagged6_bytes = 64;

/// Rows `at` to `at` + 7 of the burst; sets their bits. `present`: those of them that exist.
PORTIER_AVX512 inline void parse_eight(RxBurst& burst, std::size_t at, __mmask8 present, Rows& plain, Rows& ipv6) {
  __m512i data = _mm512_maskz_loadu_epi64(present, &burst.data[at]);
  const __m512i length = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(present, &burst.present[at]));
  const __m512i wire = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(present, &burst.wire_length[at]));
  const auto whole = _mm512_mask_cmpeq_epi64_mask(present, length, wire);
  const auto sized = _mm512_mask_cmple_epu64_mask(whole, _mm512_sub_epi64(length, words(packet::min_plain_bytes)),
                                                  words(crosscore::max_frame_bytes - packet::min_plain_bytes));

  // From the EtherType on, behind a tag if there is one.
  RowPointers pointers;
  const std::uint8_t* const* rows = &burst.data[at];
  if (sized != all_lanes) [[unlikely]] {
    point(pointers, sized, data);
    rows = pointers.data();
  }
  auto columns = load_columns(rows, 12);
  const auto tagged =
      _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(columns.words[0], 48), words(packet::wire::ethertype_vlan));
  const __m512i tag_bytes = _mm512_maskz_mov_epi64(tagged, words(packet::wire::vlan_tag_size));
  if (tagged != 0) {
    data = _mm512_add_epi64(data, tag_bytes);
    point(pointers, sized, data);
    rows = pointers.data();
    columns = load_columns(rows, 12);
  }
  const auto& [first, second, third, fourth] = columns.words;

  // EtherType, version and header length; IPv4 besides: no fragment.
  const auto is4 = _mm512_mask_testn_epi64_mask(_mm512_cmpeq_epi64_mask(_mm512_srli_epi64(first, 40), words(0x080045)),
                                                second, words(0x3fff000000000000));
  auto is6 = _mm512_cmpeq_epi64_mask(_mm512_srli_epi64(first, 44), words(0x86dd6));
  is6 = static_cast<__mmask8>(is6 & ~_mm512_mask_cmplt_epi64_mask(tagged, length, words(least_tagged6_bytes)));
  const __m512i proto =
      choose(is6, _mm512_and_si512(_mm512_srli_epi64(second, 32), words(0xff)), _mm512_srli_epi64(second, 56));
  const __m512i room =
      choose(is6, _mm512_sub_epi64(half_word(first, 16), words(packet::wire::ipv4_size)), half_word(first, 0));
  const __m512i l4 = _mm512_add_epi64(tag_bytes, choose(is6, words(34), words(54)));
  const auto is_tcp = _mm512_cmpeq_epi64_mask(proto, words(packet::wire::proto_tcp));
  const auto is_udp = _mm512_cmpeq_epi64_mask(proto, words(packet::wire::proto_udp));
  const __m512i least = choose(is_tcp, words(packet::wire::udp_size), words(packet::wire::tcp_size));
  auto fits = static_cast<__mmask8>((is4 | is6) & (is_tcp | is_udp));
  fits = _mm512_mask_cmple_epi64_mask(fits, _mm512_add_epi64(l4, room), length);
  fits = _mm512_mask_cmpge_epi64_mask(fits, room, least);

  // The transport header's first eight bytes, byte 12 of a TCP header, and the addresses.
  __m512i transport = across<2>(third, fourth);
  __m512i tcp_byte = load_bytes(rows, 46);
  __m512i addresses = across<2>(second, third);
  if (is6 != 0) {
    RowPointers pointers6;
    point(pointers6, is6, data);
    const auto columns6 = load_columns(is6 == all_lanes ? rows : pointers6.data(), 28);
    const auto& behind = columns6.words;
    transport = choose(is6, transport, _mm512_slli_epi64(behind[3], 16));
    addresses = choose(is6, addresses, across<6>(second, third));
    _mm512_storeu_si512(&burst.addresses[1][at], across<6>(third, fourth));
    _mm512_storeu_si512(&burst.addresses[2][at], across<6>(fourth, behind[2]));
    _mm512_storeu_si512(&burst.addresses[3][at], across<6>(behind[2], behind[3]));
    // A row that fits has this byte; all others read the blank row.
    point(pointers6, static_cast<__mmask8>(fits & is6 & is_tcp), data);
    tcp_byte = choose(is6, tcp_byte, load_bytes(pointers6.data(), 66));
  }
  // What the transport header says of its length; see packet/plain.hpp.
  const __m512i tcp_bytes = _mm512_and_si512(_mm512_srli_epi64(tcp_byte, 2), words(0x3c));
  const __m512i claimed = choose(is_tcp, half_word(transport, 16), tcp_bytes);
  const auto sound = _mm512_mask_cmple_epi64_mask(_mm512_mask_cmpge_epi64_mask(fits, claimed, least), claimed, room);

  const auto flag = [](unsigned bits) { return std::uint64_t{bits} << 56; };
  const __m512i flags =
      _mm512_or_si512(choose(is6, words(flag(crosscore::flag_ipv4)), words(flag(crosscore::flag_ipv6))),
                      _mm512_maskz_mov_epi64(tagged, words(flag(1U << crosscore::flag_vlan_shift))));
  const __m512i offsets = _mm512_slli_epi64(_mm512_or_si512(l4, words(std::uint64_t{burst.device} << 12)), 32);
  const __m512i facts = _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi64(length, 16), _mm512_slli_epi64(proto, 48)),
                                        _mm512_or_si512(offsets, flags));
  const __m512i ports = _mm512_or_si512(_mm512_srli_epi64(transport, 32), _mm512_slli_epi64(proto, 32));
  // Rows that do not exist have room in the columns.
  _mm512_storeu_si512(&burst.head[at], facts);
  _mm512_storeu_si512(&burst.ports[at], ports);
  _mm512_storeu_si512(&burst.addresses[0][at], addresses);
  plain |= Rows{sound} << at;
  ipv6 |= Rows{is6} << at;
}

/// With fewer rows the scalar loop is as quick; and wide registers that were idle for a millisecond take half a
/// microsecond to wake up, which a lone packet would wait for.
constexpr std::size_t fewest_rows = 8;

PORTIER_AVX512 void parse_wide(RxBurst& burst) {
  Rows plain = 0;
  Rows ipv6 = 0;
  const Rows present = first_rows(burst.count);
  for (std::size_t at = 0; at < burst.count; at += lanes) {
    parse_eight(burst, at, static_cast<__mmask8>(present >> at), plain, ipv6);
  }
  burst.plain = plain;
  burst.ipv6 = ipv6;
}

/// `detail::fold` of packet/flow_hash.hpp: both halves of the 128-bit product, combined by exclusive or.
PORTIER_AVX512 inline __m512i fold(__m512i a, __m512i b) {
  const __m512i a_high = _mm512_srli_epi64(a, 32);
  const __m512i b_high = _mm512_srli_epi64(b, 32);
  const __m512i low = _mm512_mul_epu32(a, b);
  const __m512i middle1 = _mm512_mul_epu32(a, b_high);
  const __m512i middle2 = _mm512_mul_epu32(a_high, b);
  const __m512i high = _mm512_mul_epu32(a_high, b_high);
  const __m512i low_half = words(0xffffffff);
  const __m512i carry =
      _mm512_add_epi64(_mm512_add_epi64(_mm512_srli_epi64(low, 32), _mm512_and_si512(middle1, low_half)),
                       _mm512_and_si512(middle2, low_half));
  const __m512i product_low = _mm512_mask_blend_epi32(0xaaaa, low, _mm512_slli_epi64(carry, 32));
  const __m512i product_high =
      _mm512_add_epi64(_mm512_add_epi64(high, _mm512_srli_epi64(carry, 32)),
                       _mm512_add_epi64(_mm512_srli_epi64(middle1, 32), _mm512_srli_epi64(middle2, 32)));
  return _mm512_xor_si512(product_low, product_high);
}

PORTIER_AVX512 inline __m512i fold_in(__m512i a, std::uint64_t key_a, __m512i b, std::uint64_t key_b) {
  return fold(_mm512_xor_si512(a, words(key_a)), _mm512_xor_si512(b, words(key_b)));
}

/// Hashes of those of rows `at` to `at` + 7 that are `wanted`.
PORTIER_AVX512 inline void hash_eight(const packet::HashKey& key, RxBurst& burst, std::size_t at, __mmask8 wanted) {
  const auto is6 = static_cast<__mmask8>(burst.ipv6 >> at & wanted);
  const auto column = [&](std::size_t k) PORTIER_AVX512 { return _mm512_loadu_si512(&burst.addresses[k][at]); };
  __m512i addresses = column(0);
  if (is6 != 0) {
    const __m512i folded = _mm512_xor_si512(fold_in(addresses, key.words[0], column(1), key.words[1]),
                                            fold_in(column(2), key.words[2], column(3), key.words[3]));
    addresses = choose(is6, addresses, folded);
  }
  const __m512i sum = fold_in(addresses, key.words[0], _mm512_loadu_si512(&burst.ports[at]), key.words[1]);
  const __m512i hash = fold_in(sum, key.words[2], words(key.words[3]), 0);
  const __m512i folded = _mm512_xor_si512(hash, _mm512_srli_epi64(hash, 32));
  _mm256_mask_storeu_epi32(&burst.hash[at], wanted, _mm512_cvtepi64_epi32(folded));
}

PORTIER_AVX512 void hash_wide(const packet::HashKey& key, RxBurst& burst, Rows rows) {
  for (std::size_t at = 0; at < burst.count; at += lanes) {
    const auto wanted = static_cast<__mmask8>(rows >> at);
    if (wanted != 0) hash_eight(key, burst, at, wanted);
  }
}

/// `HasMany`: rows from 32 on are among them.
template <bool HasMany>
PORTIER_AVX512 inline Rows match_wide(const std::array<table::ServiceId, max_burst>& service, Rows rows,
                                      std::array<Rows, max_burst>& same) {
  Rows leaders = 0;
  const __m512i low = _mm512_loadu_si512(service.data());
  const __m512i high = _mm512_loadu_si512(service.data() + 32);
  for (Rows left = rows; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const __m512i one = _mm512_set1_epi16(static_cast<short>(service[i]));
    Rows equal = _mm512_cmpeq_epi16_mask(low, one);
    if constexpr (HasMany) equal |= Rows{_mm512_cmpeq_epi16_mask(high, one)} << 32;
    same[i] = equal & rows;
    leaders |= same[i] & (0 - same[i]) & row(i);
  }
  return leaders;
}

void parse_rows(RxBurst& burst) { burst.count < fewest_rows ? scalar_kernels.parse(burst) : parse_wide(burst); }

void hash_rows(const packet::HashKey& key, RxBurst& burst, Rows rows) {
  burst.count < fewest_rows ? scalar_kernels.hash(key, burst, rows) : hash_wide(key, burst, rows);
}

Rows match_rows(const std::array<table::ServiceId, max_burst>& service, Rows rows, std::array<Rows, max_burst>& same) {
  if (rows >> fewest_rows == 0) return scalar_kernels.match(service, rows, same);
  return rows >> 32 == 0 ? match_wide<false>(service, rows, same) : match_wide<true>(service, rows, same);
}

}  // namespace

const RowKernels avx512_kernels{"avx512", parse_rows, hash_rows, match_rows};

}  // namespace portier::datapath
