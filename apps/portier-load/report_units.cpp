/// Chooses prefixes and digits.
#include "report_units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <utility>

namespace portier::load {

namespace {

constexpr std::array<std::pair<Unit, const char*>, 6> unit_names = {{{Unit::pps, "pps"},
                                                                     {Unit::ns, "ns"},
                                                                     {Unit::seconds, "s"},
                                                                     {Unit::packets, "packets"},
                                                                     {Unit::share, "share"},
                                                                     {Unit::bytes, "bytes"}}};

/// With trailing zeros, so that figures below each other are equally wide.
std::string same_digits(double value, int digits) {
  const int before_point = value > 0 ? static_cast<int>(std::floor(std::log10(value))) + 1 : 1;
  return fmt::format("{:.{}f}", value, std::max(0, digits - before_point));
}

template <typename Digits>
std::string time_with(double ns, const Digits& digits) {
  if (!std::isfinite(ns)) return "-";
  if (ns < 999.5) return digits_text(ns, 3) + " ns";
  if (ns < 999.5e3) return digits(ns / 1e3, 3) + " us";
  if (ns < 999.5e6) return digits(ns / 1e6, 3) + " ms";
  return digits(ns / 1e9, 3) + " s";
}

/// Bytes of the code point that starts here; 0 when none does (RFC 3629).
std::size_t utf8_length(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  }
  const unsigned second = byte(at + 1);
  const bool is_overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool is_no_character = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return is_overlong || is_no_character ? 0 : length;
}

}  // namespace

std::string digits_text(double value, int digits) {
  if (!std::isfinite(value)) return "-";
  if (value == 0) return "0";
  const int before_point = static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1;
  const int decimals = std::max(0, digits - before_point);
  auto text = fmt::format("{:.{}f}", value, decimals);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

std::string rate_text(double pps) {
  if (!std::isfinite(pps)) return "-";
  if (pps >= 999'950) return same_digits(pps / 1e6, 4) + " Mpps";
  if (pps >= 9'999.5) return same_digits(pps / 1e3, 4) + " kpps";
  return digits_text(pps, 4) + " pps";
}

std::string time_text(double ns) { return time_with(ns, same_digits); }
std::string time_tick_text(double ns) { return time_with(ns, digits_text); }

std::string valid_utf8(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto length = utf8_length(text, i);
    if (length == 0) {
      out += "\xef\xbf\xbd";
      ++i;
    } else {
      out.append(text, i, length);
      i += length;
    }
  }
  return out;
}

std::string count_text(std::uint64_t count) {
  auto digits = std::to_string(count);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string count_tick_text(double count) {
  if (count >= 999'999) return digits_text(count / 1e6, 4) + " M";
  if (count >= 9'999) return digits_text(count / 1e3, 4) + " k";
  return digits_text(count, 4);
}

std::string share_text(double share) {
  if (!std::isfinite(share)) return "-";
  if (share == 0) return "0";
  if (std::abs(share) < 1e-4) return digits_text(share * 1e6, 2) + " ppm";
  return digits_text(share * 100, 3) + " %";
}

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "-";
  if (seconds < 60) return digits_text(seconds, 2) + " s";
  const auto whole = static_cast<std::uint64_t>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string value_text(double value, Unit unit) {
  switch (unit) {
    case Unit::pps: return rate_text(value);
    case Unit::ns: return time_text(value);
    case Unit::seconds: return value != 0 && value < 1 ? time_text(value * 1e9) : duration_text(value);
    case Unit::packets:
      return std::isfinite(value) && value >= 0 && value < 1e18
                 ? count_text(static_cast<std::uint64_t>(std::llround(value)))
                 : "-";
    case Unit::share: return share_text(value);
    case Unit::bytes: return digits_text(value, 4) + " bytes";
  }
  return digits_text(value, 4);
}

std::string to_text(Unit unit) {
  for (const auto& [value, name] : unit_names) {
    if (value == unit) return name;
  }
  return "";
}

Unit unit_from_text(const std::string& text) {
  for (const auto& [value, name] : unit_names) {
    if (text == name) return value;
  }
  throw std::invalid_argument("no unit is called '" + text + "'");
}

}  // namespace portier::load
