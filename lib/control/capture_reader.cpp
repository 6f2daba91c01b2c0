// Capture files, byte by byte: see draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng for the formats.
#include "control/capture_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

namespace portier::control {
namespace {

constexpr std::uint32_t pcap_magic_us = 0xa1b2c3d4;
constexpr std::uint32_t pcap_magic_ns = 0xa1b23c4d;
constexpr std::uint32_t pcap_magic_kuznetzov = 0xa1b2cd34;
// The low 16 bits of the link-type word are the type; the top 6 tell about the FCS; those between must be 0.
constexpr std::uint32_t pcap_link_reserved = 0x03ff0000;

constexpr std::uint32_t section_header_block = 0x0a0d0d0a;  // reads the same in both byte orders
constexpr std::uint32_t interface_block = 1;
constexpr std::uint32_t obsolete_packet_block = 2;
constexpr std::uint32_t simple_packet_block = 3;
constexpr std::uint32_t enhanced_packet_block = 6;
constexpr std::uint32_t byte_order_magic = 0x1a2b3c4d;
constexpr std::uint32_t block_frame_bytes = 12;  // type and both lengths
constexpr std::uint32_t min_section_bytes = 28;
constexpr std::size_t max_interfaces = 65'536;

constexpr std::uint16_t option_end = 0;
constexpr std::uint16_t option_time_resolution = 9;
constexpr std::uint16_t option_time_offset = 14;

constexpr std::uint32_t padded(std::uint32_t length) { return (length + 3) & ~std::uint32_t{3}; }

}  // namespace

CaptureReader CaptureReader::open(const std::string& path) {
  CaptureReader reader(path);
  // Non-blocking, so that a FIFO is refused instead of waited for.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat status {};
  if (fd < 0 || ::fstat(fd, &status) != 0) {
    reader.problem_ = fmt::format("{}: cannot be opened: {}", path, std::strerror(errno));
  } else if (S_ISDIR(status.st_mode)) {
    reader.problem_ = fmt::format("{}: is a directory, not a capture file", path);
  } else if (!S_ISREG(status.st_mode)) {
    reader.problem_ = fmt::format("{}: is not a regular file; save the packets to one first", path);
  } else {
    reader.file_.reset(::fdopen(fd, "rb"));
    if (!reader.file_) reader.problem_ = fmt::format("{}: cannot be opened: {}", path, std::strerror(errno));
  }
  if (fd >= 0 && !reader.file_) ::close(fd);
  return reader;
}

CaptureReader CaptureReader::over(packet::Bytes memory) {
  CaptureReader reader("(memory)");
  // Opened for reading only: the bytes are not written to.
  if (!memory.empty()) reader.file_.reset(::fmemopen(const_cast<std::uint8_t*>(memory.data()), memory.size(), "rb"));
  if (!reader.file_) reader.fail(memory.empty() ? "the file is empty" : "cannot be read");
  return reader;
}

CaptureReader::Next CaptureReader::next(CapturedPacket& packet) {
  if (!problem_.empty()) return Next::damaged;
  if (format_ == Format::unread && !read_head()) return Next::damaged;
  return format_ == Format::pcap ? next_record(packet) : next_block(packet);
}

bool CaptureReader::read_head() {
  std::array<std::uint8_t, 4> head{};
  const auto got = take(head);
  if (got == 0) return fail("the file is empty");
  if (got < head.size()) return fail("the file ends inside its first 4 bytes");
  big_endian_ = true;
  const auto magic = u32(head.data());
  if (magic == section_header_block) {
    format_ = Format::pcapng;
    return read_section();
  }
  const auto swapped = __builtin_bswap32(magic);
  big_endian_ = magic == pcap_magic_us || magic == pcap_magic_ns || magic == pcap_magic_kuznetzov;
  format_ = Format::pcap;
  return read_pcap_head(big_endian_ ? magic : swapped);
}

bool CaptureReader::read_pcap_head(std::uint32_t magic) {
  if (magic == pcap_magic_kuznetzov) {
    return fail(
        "this is Kuznetzov's modified pcap (magic number a1b2cd34), which is not supported; convert it with editcap");
  }
  if (magic != pcap_magic_us && magic != pcap_magic_ns) return fail("this is neither a pcap nor a pcapng file");
  std::array<std::uint8_t, 20> rest{};
  if (!take_all(rest, "the file header")) return false;
  const auto major = u16(&rest[0]);
  const auto minor = u16(&rest[2]);
  if (major != 2 || minor != 4) {
    return fail(fmt::format("pcap version {}.{} is not supported, only 2.4 is", major, minor));
  }
  const auto link = u32(&rest[16]);
  if ((link & pcap_link_reserved) != 0) return fail(fmt::format("the link type {:#010x} has reserved bits set", link));
  nanoseconds_ = magic == pcap_magic_ns;
  interfaces_.push_back({.link_type = static_cast<std::uint16_t>(link)});
  return true;
}

CaptureReader::Next CaptureReader::next_record(CapturedPacket& packet) {
  block_offset_ = offset_;
  std::array<std::uint8_t, 16> head{};
  const auto got = take(head);
  if (got == 0 && problem_.empty()) return Next::end;
  if (got < head.size()) {
    fail(fmt::format("the file ends inside a packet's header ({} of 16 bytes)", got));
    return Next::damaged;
  }
  const std::uint64_t second = 1'000'000'000;
  packet.time_ns = u32(&head[0]) * second + std::uint64_t{u32(&head[4])} * (nanoseconds_ ? 1 : 1000);
  packet.link_type = interfaces_.front().link_type;
  return read_packet_bytes(u32(&head[8]), u32(&head[12]), packet) ? Next::packet : Next::damaged;
}

CaptureReader::Next CaptureReader::next_block(CapturedPacket& packet) {
  for (;;) {
    block_offset_ = offset_;
    std::array<std::uint8_t, 4> word{};
    const auto got = take(word);
    if (got == 0 && problem_.empty()) return Next::end;
    if (got < word.size()) {
      fail("the file ends inside a block's header");
      return Next::damaged;
    }
    const auto type = u32(word.data());
    if (type == section_header_block) {
      if (!read_section()) return Next::damaged;
      continue;
    }
    if (!take_all(word, "a block's header")) return Next::damaged;
    block_length_ = u32(word.data());
    if (block_length_ < block_frame_bytes || block_length_ % 4 != 0) {
      fail(fmt::format("a block of {} bytes; at least 12 and a multiple of 4 are needed", block_length_));
      return Next::damaged;
    }
    block_left_ = block_length_ - block_frame_bytes;

    bool is_packet = false;
    if (type == interface_block) {
      if (!read_interface()) return Next::damaged;
    } else if (type == enhanced_packet_block || type == obsolete_packet_block) {
      is_packet = true;
      if (!read_packet_block(type, packet)) return Next::damaged;
    } else if (type == simple_packet_block) {
      is_packet = true;
      if (!read_simple_packet_block(packet)) return Next::damaged;
    }
    if (!skip_rest_of_block()) return Next::damaged;
    if (is_packet) return Next::packet;
  }
}

/// Behind its type: length, byte order, version, and options that do not matter here.
bool CaptureReader::read_section() {
  std::array<std::uint8_t, 20> head{};
  if (!take_all(head, "a section header")) return false;
  big_endian_ = true;
  if (u32(&head[4]) != byte_order_magic) {
    big_endian_ = false;
    if (u32(&head[4]) != byte_order_magic) return fail("a section header without a byte-order magic number");
  }
  block_length_ = u32(&head[0]);
  if (block_length_ < min_section_bytes || block_length_ % 4 != 0) {
    return fail(fmt::format("a section header of {} bytes; at least 28 and a multiple of 4 are needed", block_length_));
  }
  const auto major = u16(&head[8]);
  const auto minor = u16(&head[10]);
  // 1.2 was written by some programs and means 1.0.
  if (major != 1 || (minor != 0 && minor != 2)) {
    return fail(fmt::format("pcapng version {}.{} is not supported, only 1.0 is", major, minor));
  }
  interfaces_.clear();
  block_left_ = block_length_ - min_section_bytes;
  return skip_rest_of_block();
}

bool CaptureReader::read_interface() {
  std::array<std::uint8_t, 8> fixed{};
  if (!take_of_block(fixed, "an interface description")) return false;
  if (interfaces_.size() == max_interfaces) return fail("more than 65536 interfaces in one section");
  Interface interface { .snap_length = u32(&fixed[4]), .link_type = u16(&fixed[0]) };
  while (block_left_ >= 4) {
    std::array<std::uint8_t, 4> head{};
    if (!take_of_block(head, "an option")) return false;
    const auto code = u16(&head[0]);
    auto length = padded(u16(&head[2]));
    if (code == option_end) break;
    if (length > block_left_) return fail("an option is longer than the block it is in");
    std::array<std::uint8_t, 8> value{};
    if (code == option_time_resolution && length >= 4) {
      if (!take_of_block({value.data(), 4}, "an option")) return false;
      interface.resolution = value[0];
      length -= 4;
    } else if (code == option_time_offset && length >= 8) {
      if (!take_of_block(value, "an option")) return false;
      interface.offset_s = static_cast<std::int64_t>(u64(value.data()));
      length -= 8;
    }
    if (!skip_of_block(length, "an option")) return false;
  }
  interfaces_.push_back(interface);
  return true;
}

/// Enhanced and obsolete packet blocks differ in the first word only.
bool CaptureReader::read_packet_block(std::uint32_t type, CapturedPacket& packet) {
  std::array<std::uint8_t, 20> fixed{};
  if (!take_of_block(fixed, "a packet block")) return false;
  const std::uint32_t index = type == enhanced_packet_block ? u32(&fixed[0]) : u16(&fixed[0]);
  if (index >= interfaces_.size()) {
    return fail(fmt::format("a packet of interface {}, and the section has {}", index, interfaces_.size()));
  }
  const auto& interface = interfaces_[index];
  packet.link_type = interface.link_type;
  packet.time_ns = time_ns(interface, std::uint64_t{u32(&fixed[4])} << 32 | u32(&fixed[8]));
  return read_packet_bytes(u32(&fixed[12]), u32(&fixed[16]), packet);
}

bool CaptureReader::read_simple_packet_block(CapturedPacket& packet) {
  std::array<std::uint8_t, 4> fixed{};
  if (!take_of_block(fixed, "a packet block")) return false;
  if (interfaces_.empty()) return fail("a packet before the first interface");
  const auto& interface = interfaces_.front();
  packet.link_type = interface.link_type;
  packet.time_ns = 0;
  const auto wire = u32(fixed.data());
  const auto captured = interface.snap_length == 0 ? wire : std::min(wire, interface.snap_length);
  return read_packet_bytes(captured, wire, packet);
}

bool CaptureReader::read_packet_bytes(std::uint32_t captured, std::uint32_t wire, CapturedPacket& packet) {
  if (captured > max_packet_bytes) {
    return fail(fmt::format("a packet of {} captured bytes; at most {} are read", captured, max_packet_bytes));
  }
  bytes_.resize(captured);
  const bool taken = format_ == Format::pcap ? take_all(bytes_, "a packet") : take_of_block(bytes_, "a packet block");
  packet.bytes = bytes_;
  packet.wire_length = std::max(captured, wire);
  return taken;
}

bool CaptureReader::skip_rest_of_block() {
  if (!skip_of_block(block_left_, "a block")) return false;
  std::array<std::uint8_t, 4> trailer{};
  if (!take_all(trailer, "a block")) return false;
  const auto length = u32(trailer.data());
  return length == block_length_ ||
         fail(fmt::format("a block that says {} bytes at its head and {} at its end", block_length_, length));
}

std::size_t CaptureReader::take(packet::MutableBytes into) {
  const auto got = into.empty() ? 0 : std::fread(into.data(), 1, into.size(), file_.get());
  offset_ += got;
  if (got < into.size() && std::ferror(file_.get()) != 0) {
    fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  }
  return got;
}

bool CaptureReader::take_all(packet::MutableBytes into, const char* what) {
  const auto got = take(into);
  return got == into.size() || fail(fmt::format("the file ends inside {} ({} of {} bytes)", what, got, into.size()));
}

bool CaptureReader::take_of_block(packet::MutableBytes into, const char* what) {
  if (into.size() > block_left_) {
    return fail(fmt::format("{} of {} bytes, too short for what it says it holds", what, block_length_));
  }
  block_left_ -= static_cast<std::uint32_t>(into.size());
  return take_all(into, what);
}

bool CaptureReader::skip_of_block(std::uint32_t count, const char* what) {
  std::array<std::uint8_t, 4096> scratch;
  while (count > 0) {
    const auto step = std::min<std::size_t>(count, scratch.size());
    if (!take_of_block({scratch.data(), step}, what)) return false;
    count -= static_cast<std::uint32_t>(step);
  }
  return true;
}

bool CaptureReader::fail(std::string sentence) {
  if (problem_.empty()) problem_ = fmt::format("{}: byte {}: {}", name_, block_offset_, std::move(sentence));
  return false;
}

std::uint16_t CaptureReader::u16(const std::uint8_t* at) const {
  return big_endian_ ? packet::load16(at) : __builtin_bswap16(packet::load16(at));
}

std::uint32_t CaptureReader::u32(const std::uint8_t* at) const {
  return big_endian_ ? packet::load32(at) : __builtin_bswap32(packet::load32(at));
}

std::uint64_t CaptureReader::u64(const std::uint8_t* at) const {
  return big_endian_ ? packet::load64(at) : __builtin_bswap64(packet::load64(at));
}

/// Ticks in nanoseconds; what lies before 1970 or beyond 2554 ends up at the nearest end.
std::uint64_t CaptureReader::time_ns(const Interface& interface, std::uint64_t ticks) {
  __extension__ using Wide = __int128;
  constexpr Wide second = 1'000'000'000;
  constexpr std::uint8_t binary = 0x80;
  const unsigned exponent = interface.resolution & 0x7f;
  Wide time = 0;
  if ((interface.resolution & binary) != 0) {
    time = ticks * second >> exponent;
  } else {
    time = ticks * (exponent <= 9 ? second : 1);
    // Beyond 10^29 nothing is left of 64 bits of ticks.
    for (unsigned i = exponent <= 9 ? 0 : 9; i < std::min(exponent, 29U); ++i) time /= 10;
  }
  time += interface.offset_s * second;
  return static_cast<std::uint64_t>(std::clamp<Wide>(time, 0, std::numeric_limits<std::uint64_t>::max()));
}

}  // namespace portier::control
