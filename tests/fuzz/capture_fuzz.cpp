/// Any bytes as a capture file: the reader must end, stay inside its limits, and stay where it ended.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "control/capture_reader.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using portier::control::CaptureReader;
  auto reader = CaptureReader::over({data, size});
  portier::control::CapturedPacket packet;
  auto next = reader.next(packet);
  std::size_t sum = 0;
  std::size_t packets = 0;
  for (; next == CaptureReader::Next::packet; next = reader.next(packet)) {
    // Every packet costs at least 16 bytes of file.
    if (++packets > size / 16 || packet.bytes.size() > CaptureReader::max_packet_bytes ||
        packet.wire_length < packet.bytes.size()) {
      std::abort();
    }
    for (const auto byte : packet.bytes) sum += byte;
  }
  if (reader.next(packet) != next || reader.problem().empty() != (next == CaptureReader::Next::end)) std::abort();
  return sum == SIZE_MAX ? 1 : 0;
}
