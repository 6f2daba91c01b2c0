/// Finds what is written twice, with the place of its first time.
#pragma once

#include <map>
#include <string>

#include "control/fault.hpp"

namespace portier::control {

class SeenBefore {
 public:
  /// Null at first sight.
  const Place* earlier(const std::string& text, Place place) {
    const auto [entry, is_new] = seen_.emplace(text, place);
    return is_new ? nullptr : &entry->second;
  }

 private:
  std::map<std::string, Place> seen_;
};

}  // namespace portier::control
