/// Files to TOML tables: opens and reads with care, looks for what the parser must not be given, parses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "control/fault.hpp"

namespace portier::control {

inline constexpr std::size_t max_file_bytes = 16u << 20;

/// The bytes of a regular file, or of standard input where `path` is "-"; at most `max_file_bytes`. Never waits on a
/// FIFO or a device.
std::optional<std::string> read_text_file(const std::string& path, Faults& found);

/// The root table; nothing, and one fault, where the text is not TOML.
std::optional<toml::table> parse_toml(std::string_view text, Faults& found);

inline Place place_of(const toml::source_region& source) { return {source.begin.line, source.begin.column}; }

}  // namespace portier::control
