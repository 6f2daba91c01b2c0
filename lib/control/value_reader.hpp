/// Reads one TOML value into a field, by what a schema says about it; every fault says what to write instead.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "control/schema.hpp"
#include "control/spelling.hpp"
#include "control/toml_text.hpp"

namespace portier::control {

/// Leaves the field as it is where the value is wrong.
void read_value(const toml::node& node, const Field& field, const Limits& limits, std::string_view path, Faults& found);

/// Reads every key of a table that the schema has under `section`; names unknown keys with what was probably meant.
template <class Root>
void read_section(const toml::table& table, std::string_view section, std::span<const SettingOf<Root>> schema,
                  Root& root, Places& places, Faults& found) {
  for (const auto& [key, node] : table) {
    if (found.full()) return;
    const auto setting = std::find_if(schema.begin(), schema.end(), [&, name = key.str()](const auto& candidate) {
      return candidate.section == section && candidate.key == name;
    });
    if (setting == schema.end()) {
      found.fault(place_of(key.source()), unknown_key<Root>(key.str(), section, schema));
      continue;
    }
    places.emplace(std::string(key.str()), place_of(node.source()));
    read_value(node, setting->at(root), setting->limits, path_of(*setting), found);
  }
}

/// "unknown key 'bindngs'; did you mean 'bindings'?"
template <class Root>
std::string unknown_key(std::string_view key, std::string_view section, std::span<const SettingOf<Root>> schema) {
  std::vector<std::string_view> here;
  std::string_view elsewhere;
  for (const auto& setting : schema) {
    if (setting.section == section) here.push_back(setting.key);
    else if (setting.key == key) elsewhere = setting.section;
  }
  if (!elsewhere.empty())
    return fmt::format("unknown key {} here; it belongs in {}", in_quotes(key), header_of(elsewhere));
  if (const auto meant = nearest(key, here))
    return fmt::format("unknown key {}; did you mean '{}'?", in_quotes(key), *meant);
  return fmt::format("unknown key {}; write one of: {}", in_quotes(key), fmt::join(here, ", "));
}

}  // namespace portier::control
