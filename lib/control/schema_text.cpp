/// The schema as text: types, defaults, and the reference.
#include <cstdint>
#include <type_traits>

#include <fmt/format.h>

#include "control/schema.hpp"
#include "handlers/registry.hpp"
#include "packet/reason.hpp"

namespace portier::control {
namespace {

template <class Enum>
std::string choices(Enum sample) {
  std::string out;
  const auto words = words_of(sample);
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += fmt::format("\"{}\"", words[i].text);
  }
  return out;
}

/// Whole values without a fraction, and without the exponent that `{}` prints for large ones.
std::string number_text(double value) {
  return value == static_cast<double>(static_cast<std::int64_t>(value)) ? fmt::format("{:.0f}", value)
                                                                        : fmt::format("{}", value);
}

std::string range_text(const Limits& limits) {
  return fmt::format("from {} to {}", number_text(limits.least), number_text(limits.most));
}

/// Empty: there is no default value.
struct DefaultText {
  std::string operator()(const bool* value) const { return *value ? "true" : "false"; }
  std::string operator()(const unsigned* value) const { return fmt::format("{}", *value); }
  std::string operator()(const std::uint64_t* value) const { return fmt::format("{}", *value); }
  std::string operator()(const double* value) const { return number_text(*value); }
  std::string operator()(const std::string* value) const { return value->empty() ? "" : fmt::format("\"{}\"", *value); }
  std::string operator()(const std::optional<unsigned>* value) const {
    return *value ? fmt::format("{}", **value) : "";
  }
  std::string operator()(const std::optional<Mode>* value) const {
    return *value ? fmt::format("\"{}\"", to_text(**value)) : "";
  }
  std::string operator()(const Idle* value) const { return fmt::format("\"{}\"", to_text(*value)); }
  std::string operator()(const ClosedAction* value) const { return fmt::format("\"{}\"", to_text(*value)); }
  /// Lists and tables are empty by default.
  template <class Other>
  std::string operator()(const Other*) const {
    return "";
  }
};

std::string targets_markdown() {
  const auto registry = handlers::Registry::with_builtins();
  std::string out =
      "\n# Targets\n\nWhat `deliver` may name. A handler is written by its name, or as a table when it has options: "
      "`{ handler = \"reject\", rate_pps = 100 }`. Relative paths start in the folder of the configuration file.\n\n"
      "| target | what becomes of the packets |\n|---|---|\n";
  for (const auto& name : registry.names()) {
    const auto& text = registry.text_of(name);
    out += fmt::format("| `{}` | {} |\n", text.written, text.sentence);
  }
  out += "\n| target | option | type | default | meaning |\n|---|---|---|---|---|\n";
  for (const auto& name : registry.names()) {
    for (const auto& option : registry.text_of(name).options) {
      out += fmt::format("| {} | `{}` | {} | {} | {} |\n", name, option.key, option.type, option.fallback,
                         option.sentence);
    }
  }
  return out;
}

}  // namespace

std::string type_text(const Field& field, const Limits& limits) {
  const auto whole = [&] {
    return fmt::format("a {}whole number {}", limits.power_of_two ? "power of two, a " : "", range_text(limits));
  };
  return std::visit(
      [&](auto* value) -> std::string {
        using Value = std::remove_pointer_t<decltype(value)>;
        if constexpr (std::is_same_v<Value, bool>) return "true or false";
        else if constexpr (std::is_same_v<Value, double>) return "a number " + range_text(limits);
        else if constexpr (std::is_same_v<Value, std::optional<Mode>>) return choices(Mode{});
        else if constexpr (std::is_enum_v<Value>) return choices(Value{});
        else if constexpr (std::is_same_v<Value, std::string>)
          return limits.is_name ? "a name of 1 to 63 of the letters a-z, 0-9, _ and -, starting with a-z or 0-9"
                                : fmt::format("a text of 1 to {} bytes", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<unsigned>>)
          return fmt::format("a list of at most {} whole numbers {}", limits.most_items, range_text(limits));
        else if constexpr (std::is_same_v<Value, std::vector<std::string>>)
          return fmt::format("a list of at most {} texts", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<AddressSettings>>)
          return fmt::format("a list of at most {} texts ADDRESS/LENGTH", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<BindingSettings>>)
          return fmt::format("a list of 1 to {} bindings", limits.most_items);
        else if constexpr (std::is_same_v<Value, std::vector<TargetSettings>>)
          return fmt::format("a handler's name, a table {{ handler = \"...\" }}, or a list of 1 to {} of them",
                             limits.most_items);
        else if constexpr (std::is_same_v<Value, std::map<std::string, std::string>>) return "a table of scalars";
        else return whole();
      },
      field);
}

std::string default_text(const Setting& setting) {
  Settings defaults;
  defaults.devices.emplace_back();
  defaults.services.emplace_back();
  auto text = std::visit([](const auto* value) { return DefaultText{}(value); }, setting.at(defaults));
  if (!text.empty()) return text;
  return setting.unset.empty() ? "required" : std::string(setting.unset);
}

std::string reference_markdown() {
  std::string out =
      "# Settings\n\nA configuration is one TOML file. A binding is TRANSPORT/[DESTINATION:]PORTS: `udp/53`, "
      "`tcp/https`, `udp/5000-5999`, `sctp/*`, `udp/192.0.2.0/24:53`, `tcp/[2001:db8::/32]:443`. Transports are tcp, "
      "udp, udplite, sctp and dccp.\n";
  std::string_view section;
  Settings sample;
  sample.devices.emplace_back();
  sample.services.emplace_back();
  for (const auto& setting : schema()) {
    if (setting.section != section) {
      section = setting.section;
      out += fmt::format("\n## `{}`\n\n| key | type | unit | default | meaning |\n|---|---|---|---|---|\n",
                         header_of(section));
    }
    const auto fallback = default_text(setting);
    const bool is_value = fallback != setting.unset && fallback != "required";
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", setting.key, type_text(setting.at(sample), setting.limits),
                       setting.unit.empty() ? "-" : setting.unit, is_value ? fmt::format("`{}`", fallback) : fallback,
                       setting.sentence);
  }
  out += targets_markdown();
  out +=
      "\n# Drop reasons\n\nWhat the ledger, `replay` and the counters call the ways in which a packet can end.\n\n"
      "| name | stage | meaning |\n|---|---|---|\n";
  for (const auto& reason : packet::reason_texts) {
    if (!reason.stage.empty()) out += fmt::format("| `{}` | {} | {} |\n", reason.name, reason.stage, reason.sentence);
  }
  return out;
}

}  // namespace portier::control
