/// The slot: 16 bytes of facts and up to 112 bytes of packet, the unit of every hand-over between cores and processes.
///
/// A packet of more than 112 bytes goes on in the slots behind, whole 128 bytes each, so its bytes are contiguous.
/// The layout is a C ABI: host byte order, no pointers, no padding.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace portier::crosscore {

inline constexpr std::size_t cache_line = 64;
inline constexpr std::size_t slot_size = 128;

struct SlotFacts {
  std::uint32_t hash;           ///< flow hash
  std::uint32_t time;           ///< receive time: time stamp counter / 16, low 32 bits (wraps after 29 s at 2.3 GHz)
  std::uint16_t service;        ///< ServiceId, or `pad_service`
  std::uint16_t length;         ///< bytes of the frame; of a pad: slots to skip
  std::uint16_t l4_and_device;  ///< low 12 bits: offset of the transport header; high 4: device of arrival
  std::uint8_t proto;           ///< upper-layer protocol
  std::uint8_t flags;           ///< see the masks below
};

inline constexpr std::uint8_t flag_ipv4 = 0x01;
inline constexpr std::uint8_t flag_ipv6 = 0x02;
inline constexpr std::uint8_t flag_first_fragment = 0x04;
inline constexpr std::uint8_t flag_later_fragment = 0x08;
inline constexpr std::uint8_t flag_icmp_error = 0x10;
inline constexpr std::uint8_t flag_vlan_shift = 5;  ///< high 3 bits: VLAN tags before the IP header

/// Not a packet: the ring's end had too little room for the next one, which starts at the ring's first slot.
inline constexpr std::uint16_t pad_service = 0xffff;

constexpr SlotFacts pad_facts(std::size_t slots) {
  SlotFacts facts{};
  facts.service = pad_service;
  facts.length = static_cast<std::uint16_t>(slots);
  return facts;
}

struct alignas(cache_line) Slot {
  SlotFacts facts;
  std::uint8_t bytes[slot_size - sizeof(SlotFacts)];
};

inline constexpr std::size_t first_slot_bytes = sizeof(Slot::bytes);
/// The longest frame that is handed over: 9 KiB jumbo with tags.
inline constexpr std::size_t max_frame_bytes = 9728;

constexpr std::size_t slots_for(std::size_t frame_bytes) {
  return frame_bytes <= first_slot_bytes ? 1 : 1 + (frame_bytes - first_slot_bytes + slot_size - 1) / slot_size;
}
inline constexpr std::size_t max_slots_per_packet = slots_for(max_frame_bytes);

/// Facts from columns: `head` is their second half, with service 0.
constexpr SlotFacts make_facts(std::uint32_t hash, std::uint32_t time, std::uint64_t head, std::uint16_t service) {
  return std::bit_cast<SlotFacts>(std::array{hash | std::uint64_t{time} << 32, head | service});
}
static_assert(std::endian::native == std::endian::little, "make_facts builds the fields in words");
static_assert(make_facts(1, 2, 0x0908'0706'0005'0000, 3).length == 5);

static_assert(sizeof(SlotFacts) == 16);
static_assert(sizeof(Slot) == slot_size);
static_assert(offsetof(SlotFacts, time) == 4 && offsetof(SlotFacts, service) == 8 && offsetof(SlotFacts, length) == 10);
static_assert(offsetof(SlotFacts, l4_and_device) == 12 && offsetof(SlotFacts, proto) == 14 &&
              offsetof(SlotFacts, flags) == 15);
static_assert(offsetof(Slot, bytes) == 16);
static_assert(std::is_trivially_copyable_v<Slot>);

}  // namespace portier::crosscore
