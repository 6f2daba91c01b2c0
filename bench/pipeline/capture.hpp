/// The frames that a source repeats: the built-in kinds of traffic, or a capture that somebody named.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::bench {

inline constexpr std::size_t builtin_frames = 4096;
/// More would not fit into the pool of the looping device: each frame of a looped capture takes an mbuf.
inline constexpr std::size_t max_capture_frames = 131'072;

struct Capture {
  std::string label;  ///< "w4", or the file's name
  std::vector<traffic::Frame> frames;
  std::vector<std::uint16_t> ports;  ///< of the services, most popular first; empty: unknown
};

/// `kind`: w4 (60 bytes, 70 % UDP and 30 % TCP, Zipf-distributed ports over `services`, random sources, 16
/// destination addresses), w6 (the same over IPv6), imix (60, 590 and 1514 bytes at 7:4:1), vlan (w4 with one tag).
/// Throws `std::invalid_argument`.
Capture builtin_capture(const std::string& kind, unsigned services);

/// One frame as in w4.
traffic::Frame small_frame(traffic::Random& random, std::uint16_t port);

/// Distinct ports of `count` services, the same on every machine.
std::vector<std::uint16_t> service_ports(unsigned count);

/// Reads and checks a capture that is to be looped. Throws `std::invalid_argument` with a sentence.
Capture read_capture(const std::string& path);

/// A pcap file with the frames of a capture: in `directory` to stay, or, where that is empty, among the temporary files
/// until the object goes. Throws `std::runtime_error`.
class CaptureFile {
 public:
  CaptureFile(const Capture& capture, const std::string& directory);
  ~CaptureFile();
  CaptureFile(const CaptureFile&) = delete;
  CaptureFile& operator=(const CaptureFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
  bool is_kept_;
};

}  // namespace portier::bench
