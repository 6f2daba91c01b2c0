/// Which frame sizes a trial has, and how often: fixed, IMIX, a list with weights, or a range.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace portier::load {

inline constexpr unsigned least_frame_bytes = 60;    ///< without FCS: what most testers call 64
inline constexpr unsigned most_frame_bytes = 9'018;  ///< a jumbo frame with a tag, without FCS

struct SizeShare {
  unsigned bytes = least_frame_bytes;  ///< of the frame without its FCS
  double weight = 1;
};

/// One of the two: sizes, or a sentence about what is wrong and what to write instead.
struct ParsedSizes {
  std::vector<SizeShare> sizes;
  std::string problem;
};

/// "60"; "imix" (60, 590 and 1514 bytes as 7:4:1); "60:5,1514:1" (sizes and weights); "60-1514" (evenly, 32 steps).
ParsedSizes parse_sizes(std::string_view text);

double mean_bytes(const std::vector<SizeShare>& sizes);

}  // namespace portier::load
