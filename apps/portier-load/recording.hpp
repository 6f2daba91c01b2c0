/// A capture file as a recording that can be sent.
#pragma once

#include <optional>
#include <string>

#include "engine.hpp"

namespace portier::load {

struct LoadedRecording {
  std::optional<Recording> recording;
  std::string problem;  ///< a sentence, where there is no recording
  std::string warning;  ///< a sentence, or empty
};

/// Reads all frames (1 GiB of them at most). Refused: a capture that is empty, cut, not Ethernet, or has frames that
/// were not captured whole.
LoadedRecording load_recording(const std::string& path);

}  // namespace portier::load
