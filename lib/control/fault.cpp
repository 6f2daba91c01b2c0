/// How faults are printed, collected and sorted.
#include "control/fault.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace portier::control {

std::string to_text(const Fault& fault) {
  if (fault.place.line == 0) return fmt::format("{}: {}", fault.file, fault.message);
  return fmt::format("{}:{}:{}: {}", fault.file, fault.place.line, fault.place.column, fault.message);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 80;
  std::size_t end = std::min(text.size(), longest);
  // Never cut a UTF-8 sequence: its continuation bytes are 10xxxxxx.
  if (end < text.size()) {
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  }
  std::string out = "'";
  for (const char byte : text.substr(0, end)) {
    const auto value = static_cast<unsigned char>(byte);
    if (value < 0x20 || value == 0x7f) out += fmt::format("\\x{:02x}", value);
    else out += byte;
  }
  return out + (end < text.size() ? "...'" : "'");
}

bool Faults::has_fault_at(Place place) const {
  return std::any_of(faults_.begin(), faults_.end(), [&](const Fault& fault) { return fault.place == place; });
}

void Faults::add(std::vector<Fault>& to, Place place, std::string message) {
  if (to.size() >= limit) {
    overflowed_ = true;
    return;
  }
  to.push_back({file_, place, std::move(message)});
}

std::vector<Fault> Faults::take(std::vector<Fault>& from) {
  auto taken = std::move(from);
  from.clear();
  std::stable_sort(taken.begin(), taken.end(), [](const Fault& a, const Fault& b) { return a.place < b.place; });
  if (overflowed_ && taken.size() >= limit) {
    taken.push_back(
        {file_, {}, fmt::format("more than {} findings, the others are not listed; correct these first", limit)});
  }
  return taken;
}

}  // namespace portier::control
