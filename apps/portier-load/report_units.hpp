/// Numbers as people read them: rates, times, counts, shares.
#pragma once

#include <cstdint>
#include <string>

namespace portier::load {

/// What a figure of a report is measured in.
enum class Unit : std::uint8_t { pps, ns, seconds, packets, share, bytes };

std::string rate_text(double pps);            ///< "14.88 Mpps"
std::string time_text(double ns);             ///< "3.40 us"
std::string time_tick_text(double ns);        ///< "3.4 us": for axes, without trailing zeros
std::string count_text(std::uint64_t count);  ///< "14,880,952"
std::string count_tick_text(double count);    ///< "20 k": for axes
std::string share_text(double share);         ///< "0.52 %"; below 0.01 % in parts per million; "0" for none
std::string duration_text(double seconds);    ///< "2 min 05 s"
std::string value_text(double value, Unit unit);

std::string to_text(Unit unit);                ///< "pps", "ns", "s", "packets", "share", "bytes"
Unit unit_from_text(const std::string& text);  ///< throws std::invalid_argument

/// What is no UTF-8 becomes U+FFFD, so that JSON and pages stay readable whatever a name holds.
std::string valid_utf8(const std::string& text);

/// Significant digits without an exponent and without trailing zeros: 1.5, 0.002, 1200; "-" for what is not a number.
std::string digits_text(double value, int digits);

}  // namespace portier::load
