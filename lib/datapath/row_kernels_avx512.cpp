/// Plain rows eight at a time: header words are gathered, so eight packets wait for memory together instead of one
/// behind the other, and no branch depends on what they are.
///
/// The target is said per function, not for the file: whatever else is inlined from headers stays what every processor
/// runs.
// g++ 12 takes the "undefined" operands inside its own intrinsics for a mistake of ours.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>

#include "datapath/row_kernels.hpp"
#include "packet/plain.hpp"

#define PORTIER_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl")))

namespace portier::datapath {
namespace {

constexpr std::size_t lanes = 8;
constexpr long long as_word(std::uint64_t value) { return static_cast<long long>(value); }

PORTIER_AVX512 inline __m512i words(std::uint64_t value) { return _mm512_set1_epi64(as_word(value)); }

/// Eight bytes, as a big-endian number, at each of eight addresses; 0 where `wanted` has no bit.
PORTIER_AVX512 inline __m512i load_words(__mmask8 wanted, __m512i addresses) {
  const __m512i swap = _mm512_broadcast_i32x4(_mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7));
  const __m512i raw = _mm512_mask_i64gather_epi64(_mm512_setzero_si512(), wanted, addresses, nullptr, 1);
  return _mm512_shuffle_epi8(raw, swap);
}

/// 16 bits of each word, `shift` from its low end.
PORTIER_AVX512 inline __m512i half_word(__m512i word, unsigned shift) {
  return _mm512_and_si512(_mm512_srli_epi64(word, shift), words(0xffff));
}

PORTIER_AVX512 inline __m512i choose(__mmask8 second, __m512i if_not, __m512i if_so) {
  return _mm512_mask_blend_epi64(second, if_not, if_so);
}

/// Rows `at` to `at` + 7 of the burst; sets their bits. `present`: those of them that exist.
PORTIER_AVX512 inline void parse_eight(RxBurst& burst, std::size_t at, __mmask8 present, Rows& plain, Rows& ipv6) {
  const __m512i data = _mm512_maskz_loadu_epi64(present, &burst.data[at]);
  const __m512i length = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(present, &burst.present[at]));
  const __m512i wire = _mm512_cvtepu32_epi64(_mm256_maskz_loadu_epi32(present, &burst.wire_length[at]));
  const auto whole = _mm512_mask_cmpeq_epi64_mask(present, length, wire);
  const auto sized = _mm512_mask_cmple_epu64_mask(whole, _mm512_sub_epi64(length, words(packet::min_plain_bytes)),
                                                  words(crosscore::max_frame_bytes - packet::min_plain_bytes));

  // From the EtherType on, behind a tag if there is one.
  const __m512i ethertype_at = _mm512_add_epi64(data, words(12));
  __m512i first = load_words(sized, ethertype_at);
  const auto tagged =
      _mm512_mask_cmpeq_epi64_mask(sized, _mm512_srli_epi64(first, 48), words(packet::wire::ethertype_vlan));
  const __m512i tag_bytes = _mm512_maskz_mov_epi64(tagged, words(packet::wire::vlan_tag_size));
  const __m512i l2_end = _mm512_add_epi64(ethertype_at, tag_bytes);
  if (tagged != 0) first = choose(tagged, first, load_words(tagged, l2_end));
  const __m512i second = load_words(sized, _mm512_add_epi64(l2_end, words(8)));

  // EtherType, version and header length; IPv4 besides: no fragment.
  const auto is4 =
      _mm512_mask_testn_epi64_mask(_mm512_mask_cmpeq_epi64_mask(sized, _mm512_srli_epi64(first, 40), words(0x080045)),
                                   second, words(0x3fff000000000000));
  const auto is6 = _mm512_mask_cmpeq_epi64_mask(sized, _mm512_srli_epi64(first, 44), words(0x86dd6));
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

  // What the transport header says of its length; see packet/plain.hpp.
  const __m512i l4_at = _mm512_add_epi64(data, l4);
  const __m512i ports = load_words(fits, l4_at);
  const auto tcp_fits = static_cast<__mmask8>(fits & is_tcp);
  const __m512i offset_at = _mm512_add_epi64(l4_at, words(12));
  const __m512i tcp_word =
      _mm512_cvtepu32_epi64(_mm512_mask_i64gather_epi32(_mm256_setzero_si256(), tcp_fits, offset_at, nullptr, 1));
  const __m512i tcp_bytes = _mm512_and_si512(_mm512_srli_epi64(tcp_word, 2), words(0x3c));
  const __m512i claimed = choose(is_tcp, half_word(ports, 16), tcp_bytes);
  const auto sound = _mm512_mask_cmple_epi64_mask(_mm512_mask_cmpge_epi64_mask(fits, claimed, least), claimed, room);

  const auto flag = [](unsigned bits) { return std::uint64_t{bits} << 56; };
  const __m512i flags =
      _mm512_or_si512(choose(is6, words(flag(crosscore::flag_ipv4)), words(flag(crosscore::flag_ipv6))),
                      _mm512_maskz_mov_epi64(tagged, words(flag(1U << crosscore::flag_vlan_shift))));
  const __m512i offsets = _mm512_slli_epi64(_mm512_or_si512(l4, words(std::uint64_t{burst.device} << 12)), 32);
  const __m512i facts = _mm512_or_si512(_mm512_or_si512(_mm512_slli_epi64(length, 16), _mm512_slli_epi64(proto, 48)),
                                        _mm512_or_si512(offsets, flags));
  _mm512_mask_storeu_epi64(&burst.head[at], present, facts);
  _mm_mask_storeu_epi16(&burst.dst_port[at], present, _mm512_cvtepi64_epi16(half_word(ports, 32)));
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
  const auto is4 = static_cast<__mmask8>(wanted & ~is6);
  const __m512i head = _mm512_maskz_loadu_epi64(wanted, &burst.head[at]);
  const __m512i l4 = _mm512_and_si512(_mm512_srli_epi64(head, 32), words(0x0fff));
  const __m512i l4_at = _mm512_add_epi64(_mm512_maskz_loadu_epi64(wanted, &burst.data[at]), l4);
  const auto before = [&](std::uint64_t bytes) PORTIER_AVX512 { return _mm512_sub_epi64(l4_at, words(bytes)); };
  const __m512i proto = _mm512_and_si512(_mm512_srli_epi64(head, 16), words(0xff'00000000));
  const __m512i ports = _mm512_or_si512(_mm512_srli_epi64(load_words(wanted, l4_at), 32), proto);

  __m512i addresses = load_words(is4, before(8));
  if (is6 != 0) {
    const __m512i folded =
        _mm512_xor_si512(fold_in(load_words(is6, before(32)), key.words[0], load_words(is6, before(24)), key.words[1]),
                         fold_in(load_words(is6, before(16)), key.words[2], load_words(is6, before(8)), key.words[3]));
    addresses = choose(is6, addresses, folded);
  }
  const __m512i sum = fold_in(addresses, key.words[0], ports, key.words[1]);
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

PORTIER_AVX512 Rows match_wide(const std::array<table::ServiceId, max_burst>& service, Rows rows,
                               std::array<Rows, max_burst>& same) {
  Rows leaders = 0;
  const __m512i low = _mm512_loadu_si512(service.data());
  const __m512i high = _mm512_loadu_si512(service.data() + 32);
  for (Rows left = rows; left != 0; left &= left - 1) {
    const auto i = static_cast<std::size_t>(std::countr_zero(left));
    const __m512i one = _mm512_set1_epi16(static_cast<short>(service[i]));
    const Rows equal = Rows{_mm512_cmpeq_epi16_mask(low, one)} | Rows{_mm512_cmpeq_epi16_mask(high, one)} << 32;
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
  return rows >> fewest_rows == 0 ? scalar_kernels.match(service, rows, same) : match_wide(service, rows, same);
}

}  // namespace

const RowKernels avx512_kernels{"avx512", parse_rows, hash_rows, match_rows};

}  // namespace portier::datapath
