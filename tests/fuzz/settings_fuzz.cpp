/// Any bytes as a configuration: settings or at least one fault, never both, faults in order and inside the text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/binding_text.hpp"
#include "control/checks.hpp"
#include "control/core_plan.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace portier::control;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto lines = static_cast<unsigned>(std::count(text.begin(), text.end(), '\n')) + 1;
  const auto loaded = parse_checked(text, "fuzz", {built_in_handlers(), {0, 1, 2, 3}});
  if (loaded.settings.has_value() == !loaded.faults.empty()) std::abort();
  Place last;
  for (const auto& fault : loaded.faults) {
    if (fault.place < last || fault.place.line > lines || fault.message.empty()) std::abort();
    last = fault.place;
  }
  if (!loaded.settings) return 0;
  // What was accepted is printed as something that is accepted as the same.
  for (const auto& service : loaded.settings->services) {
    for (const auto& binding : service.bindings) {
      const auto canonical = to_text(binding.binding);
      const auto again = parse_binding(canonical);
      if (!again.binding || to_text(*again.binding) != canonical) std::abort();
    }
  }
  return 0;
}
