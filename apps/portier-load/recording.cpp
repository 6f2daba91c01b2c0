/// By the router's capture reader.
#include "recording.hpp"

#include <fmt/format.h>

#include "control/capture_reader.hpp"
#include "frame_sizes.hpp"

namespace portier::load {

namespace {
constexpr std::size_t most_bytes = std::size_t{1} << 30;
}

LoadedRecording load_recording(const std::string& path) {
  auto reader = control::CaptureReader::open(path);
  control::CapturedPacket packet;
  Recording recording;
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;
  std::size_t bytes = 0;
  std::uint64_t backwards = 0;
  const auto refuse = [](std::string sentence) { return LoadedRecording{std::nullopt, std::move(sentence), {}}; };
  auto next = reader.next(packet);
  for (; next == control::CaptureReader::Next::packet; next = reader.next(packet)) {
    const auto number = recording.frames.size() + 1;
    if (packet.link_type != 1) {
      return refuse(fmt::format("{}: frame {} has link type {}, but only Ethernet (1) can be sent: convert the capture",
                                path, number, packet.link_type));
    }
    if (packet.bytes.size() < packet.wire_length) {
      return refuse(
          fmt::format("{}: frame {} was cut to {} of {} bytes when it was captured: capture again with whole "
                      "frames (tcpdump -s 0)",
                      path, number, packet.bytes.size(), packet.wire_length));
    }
    if (packet.bytes.size() < 14 || packet.bytes.size() > most_frame_bytes) {
      return refuse(fmt::format("{}: frame {} has {} bytes, but a frame has 14 to {}: leave it out of the capture",
                                path, number, packet.bytes.size(), most_frame_bytes));
    }
    bytes += packet.bytes.size();
    if (bytes > most_bytes) return refuse(fmt::format("{}: more than 1 GiB of frames: send a part of it", path));
    if (recording.frames.empty()) first_ns = last_ns = packet.time_ns;
    if (packet.time_ns < last_ns) ++backwards;
    else last_ns = packet.time_ns;
    recording.frames.emplace_back(packet.bytes.begin(), packet.bytes.end());
    recording.times_ns.push_back(last_ns - first_ns);
  }
  if (next == control::CaptureReader::Next::damaged) {
    return refuse(reader.problem() + "; make a whole capture, or repair it (editcap)");
  }
  if (recording.frames.empty()) return refuse(fmt::format("{}: there is no frame in it, so nothing to send", path));
  LoadedRecording loaded{std::move(recording), {}, {}};
  if (backwards != 0) {
    loaded.warning =
        fmt::format("{}: {} frame(s) are older than the one before; they are sent right behind it", path, backwards);
  }
  return loaded;
}

}  // namespace portier::load
