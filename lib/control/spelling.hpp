/// Finds the word that was probably meant, for messages.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace portier::control {

/// The candidate nearest to `word` by insertions, deletions, replacements and swaps of neighbours, where it is near
/// enough to be a slip (a third of the letters); ties go to the earlier candidate.
std::optional<std::string_view> nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace portier::control
