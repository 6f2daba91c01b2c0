/// The memory that a router shares with one process: a head, and for each core that delivers a ring there and one back.
///
/// C ABI, host byte order, offsets from the start of the region. The router writes the head once; the one word that the
/// process may write in it says that it sleeps.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "crosscore/mail_ring.hpp"

namespace portier::crosscore {

inline constexpr std::uint64_t mail_magic = 0x6c69616d'74726f70;  // "portmail" in memory
inline constexpr std::uint32_t mail_version = 1;
inline constexpr std::size_t mail_page = 4096;
inline constexpr std::uint32_t max_mail_cores = 64;

/// What both sides must know to find the rings.
struct MailShape {
  std::uint32_t cores = 0;
  std::uint32_t places = 0;        ///< slots of each ring towards the process; a power of two
  std::uint32_t capacity = 0;      ///< of these, how many may be full
  std::uint32_t reply_places = 0;  ///< slots of each ring back; all of them may be full

  /// False: no region has this shape. To be asked before anything else by who did not make it.
  constexpr bool is_sound() const {
    constexpr std::uint32_t least = 256;
    constexpr std::uint32_t most = 1 << 20;
    return cores >= 1 && cores <= max_mail_cores && std::has_single_bit(places) && std::has_single_bit(reply_places) &&
           capacity >= least && capacity <= places && places <= most && reply_places >= least && reply_places <= most;
  }
  constexpr std::size_t positions_at(std::uint32_t ring) const { return mail_page + ring * sizeof(MailPositions); }
  constexpr std::size_t slots_at() const {
    return mail_page + (2 * cores * sizeof(MailPositions) + mail_page - 1) / mail_page * mail_page;
  }
  constexpr std::size_t region_bytes() const {
    return slots_at() + std::size_t{cores} * (std::size_t{places} + reply_places) * slot_size;
  }
  friend constexpr bool operator==(const MailShape&, const MailShape&) = default;
};

struct MailHead {
  std::uint64_t magic;
  std::uint32_t version;
  MailShape shape;
  std::uint64_t tsc_hz;                                   ///< ticks a second of the receive times in slots, times 16
  alignas(cache_line) std::atomic<std::uint32_t> sleeps;  ///< written by the process: it waits for its event
};
static_assert(sizeof(MailHead) <= mail_page && sizeof(MailShape) == 16);

/// The rings of core `core`, in memory of `shape.region_bytes()` at `region`.
inline MailRingPlace towards_process(std::uint8_t* region, const MailShape& shape, std::uint32_t core) {
  return {reinterpret_cast<MailPositions*>(region + shape.positions_at(2 * core)),
          reinterpret_cast<Slot*>(region + shape.slots_at() + std::size_t{core} * shape.places * slot_size),
          shape.places, shape.capacity};
}
inline MailRingPlace towards_router(std::uint8_t* region, const MailShape& shape, std::uint32_t core) {
  const auto before = std::size_t{shape.cores} * shape.places + std::size_t{core} * shape.reply_places;
  return {reinterpret_cast<MailPositions*>(region + shape.positions_at(2 * core + 1)),
          reinterpret_cast<Slot*>(region + shape.slots_at() + before * slot_size), shape.reply_places,
          shape.reply_places};
}

/// The first message of a process on the router's socket (SOCK_SEQPACKET), and the router's answer, with which come the
/// region and the event as descriptors. After that neither side says more; the end of the connection ends it all.
struct MailHello {
  std::uint64_t magic;
  std::uint32_t version;
  char mailbox[68];  ///< its name, ended by a zero
};
struct MailWelcome {
  std::uint64_t magic;
  std::uint32_t version;
  std::uint32_t is_accepted;
  MailShape shape;
  char sentence[192];  ///< why not
};
static_assert(sizeof(MailHello) == 80 && sizeof(MailWelcome) == 224);

}  // namespace portier::crosscore
