/// Reads size texts.
#include "frame_sizes.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

#include "control/fault.hpp"
#include "text_parts.hpp"

namespace portier::load {

namespace {

constexpr unsigned range_steps = 32;

std::optional<unsigned> size_of(std::string_view text) {
  unsigned bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (bytes < least_frame_bytes || bytes > most_frame_bytes) return std::nullopt;
  return bytes;
}

ParsedSizes problem(std::string_view text) {
  return {{},
          fmt::format("{} is no frame size; write bytes without FCS from {} to {}, a list with weights such as "
                      "60:7,590:4,1514:1, a range such as 60-1514, or imix",
                      control::in_quotes(text), least_frame_bytes, most_frame_bytes)};
}

}  // namespace

ParsedSizes parse_sizes(std::string_view text) {
  if (text == "imix") return {{{60, 7}, {590, 4}, {1514, 1}}, {}};
  if (const auto dash = text.find('-'); dash != text.npos) {
    const auto first = size_of(text.substr(0, dash));
    const auto last = size_of(text.substr(dash + 1));
    if (!first || !last || *first > *last) return problem(text);
    ParsedSizes parsed;
    const unsigned steps = std::min(range_steps, *last - *first + 1);
    for (unsigned i = 0; i < steps; ++i) {
      parsed.sizes.push_back({steps == 1 ? *first : *first + (*last - *first) * i / (steps - 1), 1});
    }
    return parsed;
  }
  ParsedSizes parsed;
  for (const auto part : parts_of(text, ',')) {
    const auto colon = part.find(':');
    const auto bytes = size_of(part.substr(0, colon));
    const auto weight = colon == part.npos ? 1.0 : positive_number(part.substr(colon + 1)).value_or(0);
    if (!bytes || weight <= 0) return problem(part);
    parsed.sizes.push_back({*bytes, weight});
  }
  if (parsed.sizes.size() > 64) return {{}, "there are more than 64 frame sizes; write a range such as 60-1514"};
  return parsed;
}

double mean_bytes(const std::vector<SizeShare>& sizes) {
  double bytes = 0;
  double weight = 0;
  for (const auto& size : sizes) {
    bytes += size.weight * size.bytes;
    weight += size.weight;
  }
  return weight > 0 ? bytes / weight : 0;
}

}  // namespace portier::load
