/// The schema: every setting in one table, from which the reader, its faults and the printed reference all come.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/settings.hpp"

namespace portier::control {

/// A field to read into or to print from; its type is the setting's type.
using Field = std::variant<bool*, unsigned*, std::optional<unsigned>*, std::uint64_t*, double*, std::string*,
                           std::optional<Mode>*, Idle*, ClosedAction*, std::vector<unsigned>*,
                           std::vector<std::string>*, std::vector<AddressSettings>*, std::vector<BindingSettings>*,
                           std::vector<TargetSettings>*, std::map<std::string, std::string>*>;

/// What a value must keep to. Numbers, and each number of a list, lie in [least, most]; a list or a text has at most
/// `most_items` items or bytes.
struct Limits {
  double least = 0;
  double most = 0;
  std::size_t most_items = 0;
  bool power_of_two = false;
  bool is_name = false;  ///< a text by the rule of `is_name_sound`
};

template <class Root>
struct SettingOf {
  std::string_view section;  ///< "router", "device[]"; empty: at the top of the file
  std::string_view key;
  Field (*at)(Root&);     ///< the field; of a section that repeats, in its last element
  std::string_view unit;  ///< of a number: "packets", "ms"; empty: a plain count
  Limits limits;
  std::string_view unset;  ///< what holds where the default is empty; empty: the key must be written
  std::string_view sentence;
};

using Setting = SettingOf<Settings>;

std::span<const Setting> schema();

/// "router.burst", "device[].pci".
template <class Root>
std::string path_of(const SettingOf<Root>& setting) {
  if (setting.section.empty()) return std::string(setting.key);
  return std::string(setting.section) + "." + std::string(setting.key);
}

/// How a section is written: "[router]", "[[device]]".
std::string header_of(std::string_view section);

/// "a whole number from 1 to 64", "true or false", "\"spin\" or \"adaptive\"".
std::string type_text(const Field& field, const Limits& limits);

/// The default as TOML, taken from default-constructed settings; where that is empty, `unset`, or "required".
std::string default_text(const Setting& setting);

/// The reference of all settings, as Markdown.
std::string reference_markdown();

/// [a-z0-9][a-z0-9_-]{0,62}
bool is_name_sound(std::string_view name);

template <class Enum>
struct Word {
  Enum value;
  std::string_view text;
};

/// The words of an enum in a configuration.
std::span<const Word<Mode>> words_of(Mode);
std::span<const Word<Idle>> words_of(Idle);
std::span<const Word<ClosedAction>> words_of(ClosedAction);

template <class Enum>
requires std::is_enum_v<Enum> && requires(Enum value) { words_of(value); }
std::string_view to_text(Enum value) {
  for (const auto& word : words_of(value)) {
    if (word.value == value) return word.text;
  }
  return "";
}

}  // namespace portier::control
