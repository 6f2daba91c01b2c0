/// Reads capture files, pcap and pcapng, one packet at a time: constant memory, and no length in the file is trusted.
///
/// pcap: both byte orders, micro- and nanoseconds. pcapng: sections of either byte order, any number of interfaces up
/// to 65,536 per section, enhanced, simple and obsolete packet blocks; every other block is skipped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "packet/bytes.hpp"

namespace portier::control {

struct CapturedPacket {
  packet::Bytes bytes;            ///< what was captured; gone at the next call of `next`
  std::uint32_t wire_length = 0;  ///< bytes on the wire, never less than were captured
  std::uint64_t time_ns = 0;      ///< since 1970-01-01 UTC; 0 in simple packet blocks, which carry no time
  std::uint16_t link_type = 0;    ///< LINKTYPE_ number; 1: Ethernet
};

class CaptureReader {
 public:
  /// `damaged`: the file ends too early, breaks its format, or could not be opened; it stays so.
  enum class Next { packet, end, damaged };

  static constexpr std::uint32_t max_packet_bytes = 262'144;

  /// Regular files only. A file that cannot be opened says so at the first `next`.
  static CaptureReader open(const std::string& path);
  /// Reads from memory that outlives the reader.
  static CaptureReader over(packet::Bytes memory);

  Next next(CapturedPacket& packet);

  /// Empty, or one sentence: file, byte offset, what is wrong.
  const std::string& problem() const { return problem_; }

 private:
  enum class Format { unread, pcap, pcapng };

  struct Interface {
    std::uint32_t snap_length = 0;  ///< bytes; 0: unlimited
    std::uint16_t link_type = 0;
    std::uint8_t resolution = 6;  ///< n: 10^-n s; with the high bit: 2^-n s
    std::int64_t offset_s = 0;
  };

  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };

  explicit CaptureReader(std::string name) : name_(std::move(name)) {}

  // Each returns false when it has set problem_.
  bool read_head();
  bool read_pcap_head(std::uint32_t magic);
  bool read_section();
  bool read_interface();
  bool read_packet_block(std::uint32_t type, CapturedPacket& packet);
  bool read_simple_packet_block(CapturedPacket& packet);
  bool read_packet_bytes(std::uint32_t captured, std::uint32_t wire, CapturedPacket& packet);
  bool skip_rest_of_block();
  Next next_record(CapturedPacket& packet);
  Next next_block(CapturedPacket& packet);

  std::size_t take(packet::MutableBytes into);
  bool take_all(packet::MutableBytes into, const char* what);
  bool take_of_block(packet::MutableBytes into, const char* what);
  bool skip_of_block(std::uint32_t count, const char* what);
  bool fail(std::string sentence);

  std::uint16_t u16(const std::uint8_t* at) const;
  std::uint32_t u32(const std::uint8_t* at) const;
  std::uint64_t u64(const std::uint8_t* at) const;
  static std::uint64_t time_ns(const Interface& interface, std::uint64_t ticks);

  std::string name_;
  std::string problem_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::vector<std::uint8_t> bytes_;    ///< of the packet last returned; at most `max_packet_bytes`
  std::vector<Interface> interfaces_;  ///< of the pcapng section; for pcap the one and only
  std::uint64_t offset_ = 0;           ///< bytes read so far
  std::uint64_t block_offset_ = 0;     ///< where the record or block being read starts
  std::uint32_t block_length_ = 0;     ///< of the pcapng block being read, as its head says
  std::uint32_t block_left_ = 0;       ///< bytes of its body not read yet
  Format format_ = Format::unread;
  bool big_endian_ = false;
  bool nanoseconds_ = false;
};

}  // namespace portier::control
