/// Builds, reads and writes the frames of a looped capture.
#include "capture.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "control/capture_reader.hpp"
#include "nic/pool.hpp"
#include "traffic/random.hpp"

namespace portier::bench {

namespace {

constexpr std::uint64_t seed = 20'261'123;
constexpr std::uint16_t link_type_ethernet = 1;
constexpr std::size_t min_frame_bytes = 60;
constexpr double udp_share = 0.7;

/// 7 : 4 : 1 of twelve.
constexpr std::array<std::size_t, 12> imix_bytes{60, 60, 60, 60, 60, 60, 60, 590, 590, 590, 590, 1514};

struct Kind {
  std::uint8_t ip_version = 4;
  bool has_tag = false;
  bool is_imix = false;
};

Kind kind_of(const std::string& name) {
  if (name == "w4") return {};
  if (name == "w6") return {.ip_version = 6};
  if (name == "imix") return {.is_imix = true};
  if (name == "vlan") return {.has_tag = true};
  throw std::invalid_argument("no traffic '" + name + "': there are w4, w6, imix and vlan");
}

traffic::Frame make_frame(const Kind& kind, traffic::Random& random, std::uint16_t port, std::size_t index) {
  auto builder = traffic::frame();
  const auto host = random.below(16);
  if (kind.ip_version == 4) {
    // Sources of the whole unicast range below 224, destinations 192.0.2.1 to 192.0.2.16.
    builder.ipv4(packet::ipv4(0x01000000 + random.below(0xde000000)), packet::ipv4(0xc0000201 + host));
  } else {
    builder.ipv6(traffic::v6(0x20010000'00000000 | random.next() >> 16, random.next()),
                 traffic::v6(0x20010db8'00000000, 1 + host));
  }
  if (kind.has_tag) builder.vlan(static_cast<std::uint16_t>(1 + random.below(4094)));
  const auto src_port = static_cast<std::uint16_t>(random.between(1024, 65535));
  const bool is_udp = random.chance(udp_share);
  is_udp ? builder.udp(src_port, port) : builder.tcp(src_port, port, packet::wire::tcp_ack);
  const std::size_t headers = builder.build().size();
  const std::size_t tags = kind.has_tag ? packet::wire::vlan_tag_size : 0;
  const std::size_t wanted = (kind.is_imix ? imix_bytes[index % imix_bytes.size()] : min_frame_bytes) + tags;
  return builder.payload(wanted > headers ? wanted - headers : 0).build();
}

void put32(std::FILE* file, std::uint32_t value) { std::fwrite(&value, sizeof value, 1, file); }
void put16(std::FILE* file, std::uint16_t value) { std::fwrite(&value, sizeof value, 1, file); }

void write_capture(const Capture& capture, const std::string& path) {
  const auto close = [](std::FILE* file) { std::fclose(file); };
  const std::unique_ptr<std::FILE, decltype(close)> file(std::fopen(path.c_str(), "wb"), close);
  if (file == nullptr) throw std::runtime_error(path + ": cannot be written: " + std::strerror(errno));
  put32(file.get(), 0xa1b2c3d4);  // microseconds, host order
  put16(file.get(), 2);
  put16(file.get(), 4);
  put32(file.get(), 0);
  put32(file.get(), 0);
  put32(file.get(), 65535);
  put32(file.get(), link_type_ethernet);
  for (const auto& frame : capture.frames) {
    const auto length = static_cast<std::uint32_t>(frame.size());
    put32(file.get(), 0);
    put32(file.get(), 0);
    put32(file.get(), length);
    put32(file.get(), length);
    std::fwrite(frame.data(), 1, frame.size(), file.get());
  }
  if (std::fflush(file.get()) != 0) throw std::runtime_error(path + ": cannot be written: " + std::strerror(errno));
}

}  // namespace

std::vector<std::uint16_t> service_ports(unsigned count) {
  traffic::Random random(seed);
  std::vector<bool> is_taken(65536);
  std::vector<std::uint16_t> ports;
  while (ports.size() < count) {
    const auto port = static_cast<std::uint16_t>(random.between(1, 65535));
    if (is_taken[port]) continue;
    is_taken[port] = true;
    ports.push_back(port);
  }
  return ports;
}

traffic::Frame small_frame(traffic::Random& random, std::uint16_t port) { return make_frame({}, random, port, 0); }

Capture builtin_capture(const std::string& kind, unsigned services) {
  const auto content = kind_of(kind);
  Capture capture{.label = kind, .frames = {}, .ports = service_ports(services)};
  traffic::Random random(seed + 1);
  const traffic::Zipf zipf(services, 1.0);
  for (std::size_t i = 0; i < builtin_frames; ++i) {
    const auto port = capture.ports[zipf.choose(random)];
    capture.frames.push_back(make_frame(content, random, port, random.below(imix_bytes.size())));
  }
  return capture;
}

Capture read_capture(const std::string& path) {
  auto reader = control::CaptureReader::open(path);
  Capture capture{.label = path.substr(path.find_last_of('/') + 1), .frames = {}, .ports = {}};
  control::CapturedPacket packet;
  for (;;) {
    const auto next = reader.next(packet);
    if (next == control::CaptureReader::Next::damaged) {
      throw std::invalid_argument(reader.problem() + "; repair it, for example by editcap, or name another");
    }
    if (next == control::CaptureReader::Next::end) break;
    const auto number = capture.frames.size() + 1;
    if (packet.link_type != link_type_ethernet) {
      throw std::invalid_argument(
          fmt::format("{}: packet {} is of link type {}, not Ethernet: capture on an Ethernet "
                      "interface",
                      path, number, packet.link_type));
    }
    if (packet.bytes.size() > nic::receive_room_bytes || packet.bytes.empty()) {
      throw std::invalid_argument(
          fmt::format("{}: packet {} has {} bytes; a looped capture can have packets of 1 to {}", path, number,
                      packet.bytes.size(), nic::receive_room_bytes));
    }
    if (number > max_capture_frames) {
      throw std::invalid_argument(
          fmt::format("{}: more than {} packets; take fewer, for example by editcap -r", path, max_capture_frames));
    }
    capture.frames.emplace_back(packet.bytes.begin(), packet.bytes.end());
  }
  if (capture.frames.empty()) throw std::invalid_argument(path + ": has no packets to send; name another capture");
  return capture;
}

CaptureFile::CaptureFile(const Capture& capture, const std::string& directory) : is_kept_(!directory.empty()) {
  const auto own = fmt::format("portier-bench-{}-{}", getpid(), capture.label);
  const auto folder = is_kept_ ? std::filesystem::path(directory) : std::filesystem::temp_directory_path();
  path_ = (folder / ((is_kept_ ? capture.label : own) + ".pcap")).string();
  write_capture(capture, path_);
}

CaptureFile::~CaptureFile() {
  if (!is_kept_) unlink(path_.c_str());
}

}  // namespace portier::bench
