/// One function per type of field; a value that is wrong leaves the field alone and a sentence behind.
#include "control/value_reader.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "control/address_text.hpp"
#include "control/binding_text.hpp"

namespace portier::control {
namespace {

std::string kind_text(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "a list";
    case toml::node_type::string: return "a text";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a number with a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date: return "a date";
    case toml::node_type::time: return "a time";
    case toml::node_type::date_time: return "a date and time";
    case toml::node_type::none: return "nothing";
  }
  return "nothing";
}

std::string scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return in_quotes(text->get());
  if (const auto* number = node.as_integer()) return fmt::format("{}", number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  return kind_text(node);
}

bool is_power_of_two(std::int64_t value) { return value > 0 && (value & (value - 1)) == 0; }

/// One value for one field: everything that the functions below need to read it and to complain about it.
class ValueReader {
 public:
  ValueReader(const toml::node& node, const Limits& limits, std::string_view path, const Field& field, Faults& found)
      : node_(node), limits_(limits), path_(path), field_(field), found_(found) {}

  void operator()(bool* to) {
    if (const auto* value = node_.as_boolean()) *to = value->get();
    else wrong(node_);
  }
  void operator()(unsigned* to) {
    if (const auto value = whole(node_)) *to = static_cast<unsigned>(*value);
  }
  void operator()(std::optional<unsigned>* to) {
    if (const auto value = whole(node_)) *to = static_cast<unsigned>(*value);
  }
  void operator()(std::uint64_t* to) {
    if (const auto value = whole(node_)) *to = static_cast<std::uint64_t>(*value);
  }
  void operator()(double* to) {
    const auto value = node_.value<double>();
    if (!value || !node_.is_number() || !std::isfinite(*value) || *value < limits_.least || *value > limits_.most) {
      return wrong(node_);
    }
    *to = *value;
  }
  void operator()(std::string* to) {
    const auto* value = node_.as_string();
    if (!value || value->get().empty() || value->get().size() > limits_.most_items) return wrong(node_);
    if (limits_.is_name && !is_name_sound(value->get())) return wrong(node_);
    *to = value->get();
  }
  void operator()(std::optional<Mode>* to) {
    Mode mode{};
    if (word(mode)) *to = mode;
  }
  void operator()(Idle* to) { word(*to); }
  void operator()(ClosedAction* to) { word(*to); }

  void operator()(std::vector<unsigned>* to) {
    for_each([&](const toml::node& item) {
      const auto value = whole(item);
      if (!value) return;
      const auto number = static_cast<unsigned>(*value);
      if (std::find(to->begin(), to->end(), number) != to->end()) {
        found_.fault(place_of(item.source()), fmt::format("{} has {} twice; remove one", path_, number));
      } else {
        to->push_back(number);
      }
    });
  }
  void operator()(std::vector<std::string>* to) {
    for_each([&](const toml::node& item) {
      if (const auto* text = item.as_string()) to->push_back(text->get());
      else wrong(item);
    });
  }
  void operator()(std::vector<AddressSettings>* to) {
    for_each([&](const toml::node& item) { read_address(item, *to); });
  }
  void operator()(std::vector<BindingSettings>* to) {
    if (const auto* list = node_.as_array(); list && list->empty()) {
      return found_.fault(place_of(node_.source()),
                          fmt::format("{} is empty; write at least one, such as \"udp/53\"", path_));
    }
    for_each([&](const toml::node& item) { read_binding(item, *to); });
  }
  void operator()(std::vector<TargetSettings>* to) {
    if (!node_.is_array()) return read_target(node_, *to);
    if (node_.as_array()->empty()) {
      return found_.fault(place_of(node_.source()),
                          fmt::format("{} is empty; write at least one handler, such as \"echo\"", path_));
    }
    for_each([&](const toml::node& item) { read_target(item, *to); });
  }
  void operator()(std::map<std::string, std::string>* to) {
    const auto* table = node_.as_table();
    if (!table) return wrong(node_);
    for (const auto& [key, value] : *table) read_option(key.str(), value, *to);
  }

 private:
  void wrong(const toml::node& node) {
    found_.fault(place_of(node.source()),
                 fmt::format("{} cannot be {}; write {}", path_, scalar_text(node), type_text(field_, limits_)));
  }

  std::optional<std::int64_t> whole(const toml::node& node) {
    const auto* value = node.as_integer();
    if (!value || static_cast<double>(value->get()) < limits_.least ||
        static_cast<double>(value->get()) > limits_.most || (limits_.power_of_two && !is_power_of_two(value->get()))) {
      wrong(node);
      return std::nullopt;
    }
    return value->get();
  }

  template <class Enum>
  bool word(Enum& to) {
    const auto* value = node_.as_string();
    std::vector<std::string_view> texts;
    for (const auto& candidate : words_of(to)) {
      if (value && candidate.text == value->get()) {
        to = candidate.value;
        return true;
      }
      texts.push_back(candidate.text);
    }
    const auto meant = value ? nearest(value->get(), texts) : std::nullopt;
    if (!meant) wrong(node_);
    else
      found_.fault(place_of(node_.source()),
                   fmt::format("{} cannot be {}; did you mean \"{}\"?", path_, scalar_text(node_), *meant));
    return false;
  }

  template <class Read>
  void for_each(Read&& read) {
    const auto* list = node_.as_array();
    if (!list) return wrong(node_);
    if (list->size() > limits_.most_items) {
      return found_.fault(
          place_of((*list)[limits_.most_items].source()),
          fmt::format("{} has {} items; at most {} are possible", path_, list->size(), limits_.most_items));
    }
    for (const auto& item : *list) {
      if (found_.full()) return;
      read(item);
    }
  }

  void read_address(const toml::node& item, std::vector<AddressSettings>& to) {
    const auto* text = item.as_string();
    if (!text) return wrong(item);
    const auto place = place_of(item.source());
    const auto parsed = parse_prefix(text->get());
    if (!parsed.value) return found_.fault(place, fmt::format("{}: {}", path_, parsed.problem));
    const auto& [address, length] = *parsed.value;
    if (text->get().find('/') == std::string::npos) {
      return found_.fault(
          place, fmt::format("{}: {} lacks the length of its network; write it behind a slash, such as {}/{}", path_,
                             in_quotes(text->get()), text->get(), address.version == 4 ? 24 : 64));
    }
    if (packet::is_group(address) || packet::is_unspecified(address)) {
      return found_.fault(place, fmt::format("{}: {} cannot be the address of a device; write a unicast address", path_,
                                             in_quotes(text->get())));
    }
    if (length == 0) {
      return found_.fault(
          place, fmt::format("{}: {} says that every address is on this network; write the length of its network",
                             path_, in_quotes(text->get())));
    }
    to.push_back({address, length, place});
  }

  void read_binding(const toml::node& item, std::vector<BindingSettings>& to) {
    const auto place = place_of(item.source());
    const auto* text = item.as_string();
    if (!text) {
      return found_.fault(
          place, fmt::format("{}: a binding cannot be {}; write a text such as \"udp/53\"", path_, scalar_text(item)));
    }
    auto parsed = parse_binding(text->get());
    if (!parsed.binding) return found_.fault(place, std::move(parsed.problem));
    to.push_back({text->get(), *parsed.binding, place});
  }

  void read_target(const toml::node& item, std::vector<TargetSettings>& to) {
    const auto place = place_of(item.source());
    TargetSettings target{.handler = {}, .options = {}, .place = place};
    if (const auto* table = item.as_table()) {
      if (!read_target_table(*table, place, target)) return;
    } else if (!read_target_name(item, target.handler)) {
      return;
    }
    to.push_back(std::move(target));
  }

  bool read_target_name(const toml::node& node, std::string& to) {
    const auto* name = node.as_string();
    if (!name || name->get().empty() || name->get().size() > 63) {
      found_.fault(place_of(node.source()), fmt::format("{}: a handler cannot be {}; write its name, such as \"echo\"",
                                                        path_, scalar_text(node)));
      return false;
    }
    to = name->get();
    return true;
  }

  /// `{ handler = "reject", rate_pps = 100 }`, or by its kind, `{ mailbox = "dns", slots = 1024 }`: then the name of
  /// the kind is an option like the others.
  bool read_target_table(const toml::table& table, const Place& place, TargetSettings& to) {
    if (const auto* handler = table.get("handler")) {
      if (!read_target_name(*handler, to.handler)) return false;
    } else {
      for (const auto kind : target_kinds) {
        if (!table.contains(kind)) continue;
        if (!to.handler.empty()) {
          found_.fault(place, fmt::format("{}: a target is either a {} or a {}; make two targets of it", path_,
                                          to.handler, kind));
          return false;
        }
        to.handler = kind;
      }
      if (to.handler.empty()) {
        found_.fault(
            place, fmt::format("{} has a table without a handler; write {{ handler = \"echo\" }}, or one of: {}", path_,
                               fmt::join(target_kinds, ", ")));
        return false;
      }
    }
    for (const auto& [key, value] : table) {
      if (key.str() != "handler") read_option(key.str(), value, to.options);
    }
    return true;
  }

  void read_option(std::string_view key, const toml::node& value, std::map<std::string, std::string>& to) {
    const auto* fraction = value.as_floating_point();
    if (const auto* inner = value.as_table(); inner != nullptr && key == "options") {
      for (const auto& [name, item] : *inner) read_option(fmt::format("options.{}", name.str()), item, to);
      return;
    }
    if (const auto* list = value.as_array(); list != nullptr && is_list_of_words(*list)) {
      std::vector<std::string> words;
      for (const auto& word : *list) words.push_back(word.as_string()->get());
      to.emplace(std::string(key), fmt::format("{}", fmt::join(words, ",")));
      return;
    }
    const bool is_scalar = value.is_string() || value.is_boolean() || value.is_number();
    if (!is_scalar || (fraction && !std::isfinite(fraction->get()))) return bad_option(key, value);
    const auto* string = value.as_string();
    to.emplace(std::string(key), string ? string->get() : scalar_text(value));
  }

  /// Such a list is an option "a,b,c".
  static bool is_list_of_words(const toml::array& list) {
    return std::ranges::all_of(list, [](const auto& item) {
      return item.is_string() && item.as_string()->get().find(',') == std::string::npos;
    });
  }

  void bad_option(std::string_view key, const toml::node& value) {
    found_.fault(
        place_of(value.source()),
        fmt::format("{}: option {} cannot be {}; write a text, a list of texts, a finite number, true or false", path_,
                    in_quotes(key), scalar_text(value)));
  }

  const toml::node& node_;
  const Limits& limits_;
  std::string_view path_;
  const Field& field_;
  Faults& found_;
};

}  // namespace

void read_value(const toml::node& node, const Field& field, const Limits& limits, std::string_view path,
                Faults& found) {
  ValueReader reader(node, limits, path, field, found);
  std::visit([&](auto* to) { reader(to); }, field);
}

}  // namespace portier::control
