/// Why a packet did not reach a handler: one enum value, one name and one sentence for every way to end.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace portier::packet {

enum class Reason : std::uint8_t {
  none,  ///< not dropped (so far)
#define PORTIER_REASON(name, stage, sentence) name,
#include "packet/reason.def"
#undef PORTIER_REASON
};

struct ReasonText {
  std::string_view name;
  std::string_view stage;
  std::string_view sentence;
};

inline constexpr std::array reason_texts{
    ReasonText{"none", "", "not dropped"},
#define PORTIER_REASON(name, stage, sentence) ReasonText{#name, #stage, sentence},
#include "packet/reason.def"
#undef PORTIER_REASON
};

inline constexpr std::size_t reason_count = reason_texts.size();

constexpr const ReasonText& text_of(Reason reason) { return reason_texts[static_cast<std::size_t>(reason)]; }

}  // namespace portier::packet
