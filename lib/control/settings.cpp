/// TOML to settings: sections and their order here, keys and values by the schema.
#include "control/settings.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "control/schema.hpp"
#include "control/toml_text.hpp"
#include "control/value_reader.hpp"

namespace portier::control {
namespace {

class SettingsReader {
 public:
  explicit SettingsReader(Draft& draft) : settings_(draft.settings), found_(draft.found) {}

  void read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      if (found_.full()) return;
      const auto name = key.str();
      const auto place = place_of(key.source());
      settings_.places.emplace(std::string(name), place);
      if (name == "router") {
        settings_.router.place = place;
        read_one("router", node, settings_.router.places);
      } else if (name == "closed_ports") {
        settings_.closed_ports.place = place;
        read_one("closed_ports", node, settings_.closed_ports.places);
      } else if (name == "fragments" || name == "traffic") {
        Places unused;
        read_one(name, node, unused);
      } else if (name == "device") {
        read_devices(node);
      } else if (name == "service") {
        read_services(node);
      } else {
        found_.fault(place, unknown_section(name));
      }
    }
  }

 private:
  static std::vector<std::string_view> section_names() {
    std::vector<std::string_view> names;
    for (const auto& setting : schema()) {
      auto name = setting.section;
      if (name.ends_with("[]")) name.remove_suffix(2);
      if (names.empty() || names.back() != name) names.push_back(name);
    }
    return names;
  }

  static std::string unknown_section(std::string_view name) {
    for (const auto& setting : schema()) {
      if (setting.key == name)
        return fmt::format("unknown key {} here; it belongs in {}", in_quotes(name), header_of(setting.section));
    }
    const auto names = section_names();
    if (const auto meant = nearest(name, names))
      return fmt::format("unknown key {}; did you mean '{}'?", in_quotes(name), *meant);
    return fmt::format("unknown key {}; write one of: {}", in_quotes(name), fmt::join(names, ", "));
  }

  void read_one(std::string_view section, const toml::node& node, Places& places) {
    const auto* table = node.as_table();
    if (!table) {
      return found_.fault(place_of(node.source()),
                          fmt::format("{0} must be one table; write [{0}] and its keys below", section));
    }
    read_section(*table, section, schema(), settings_, places, found_);
  }

  /// Calls `read` for the table of each [[section]], at most `most` of them.
  template <class Read>
  void for_each_table(std::string_view section, const toml::node& node, std::size_t most, Read&& read) {
    const auto* list = node.as_array();
    if (!list) {
      return found_.fault(place_of(node.source()),
                          fmt::format("{0} must be a list of tables; write [[{0}]] with two brackets", section));
    }
    std::size_t count = 0;
    for (const auto& item : *list) {
      const auto place = place_of(item.source());
      if (found_.full()) return;
      if (++count > most) {
        return found_.fault(
            place, fmt::format("there are {} [[{}]] sections; at most {} are possible", list->size(), section, most));
      }
      if (const auto* table = item.as_table()) read(*table, place);
      else found_.fault(place, fmt::format("{0} must be a list of tables; write [[{0}]] with two brackets", section));
    }
  }

  void read_devices(const toml::node& node) {
    for_each_table("device", node, max_devices, [&](const toml::table& table, Place place) {
      auto& device = settings_.devices.emplace_back();
      device.place = place;
      read_section(table, "device[]", schema(), settings_, device.places, found_);
      need("device", device.places, place, {"name"});
    });
  }

  void read_services(const toml::node& node) {
    std::size_t bindings = 0;
    for_each_table("service", node, max_user_services, [&](const toml::table& table, Place place) {
      if (bindings > max_bindings) return;
      auto& service = settings_.services.emplace_back();
      service.place = place;
      read_section(table, "service[]", schema(), settings_, service.places, found_);
      need("service", service.places, place, {"name", "bindings", "deliver"});
      const auto before = bindings;
      bindings += service.bindings.size();
      if (bindings > max_bindings) {
        found_.fault(service.bindings[max_bindings - before].place,
                     fmt::format("there are more than {} bindings; join neighbouring ports into ranges", max_bindings));
      }
    });
  }

  void need(std::string_view section, const Places& places, Place place, std::initializer_list<std::string_view> keys) {
    for (const auto key : keys) {
      if (places.contains(key)) continue;
      const std::string_view example = key == "bindings"  ? "[\"udp/53\"]"
                                       : key == "deliver" ? "[\"echo\"]"
                                                          : "\"a-name\"";
      found_.fault(place, fmt::format("this [[{}]] has no {}; add {} = {}", section, key, key, example));
    }
  }

  Settings& settings_;
  Faults& found_;
};

}  // namespace

std::string directory_of(const Settings& settings) {
  return std::filesystem::path(settings.file).parent_path().string();
}

Draft read_settings(std::string_view text, const std::string& name) {
  Draft draft{.settings = {}, .found = Faults(name)};
  draft.settings.file = name;
  if (const auto root = parse_toml(text, draft.found)) {
    draft.readable = true;
    SettingsReader(draft).read(*root);
  }
  return draft;
}

Draft read_settings_file(const std::string& path) {
  const std::string name = path == "-" ? "(standard input)" : path;
  Faults found(name);
  if (const auto text = read_text_file(path, found)) return read_settings(*text, name);
  Draft draft{.settings = {}, .found = std::move(found)};
  draft.settings.file = name;
  return draft;
}

Loaded finish(Draft draft) {
  Loaded loaded;
  loaded.faults = draft.found.take_faults();
  loaded.warnings = draft.found.take_warnings();
  if (loaded.faults.empty()) loaded.settings = std::move(draft.settings);
  return loaded;
}

Loaded parse_settings(std::string_view text, const std::string& name) { return finish(read_settings(text, name)); }

Loaded load_settings(const std::string& path) { return finish(read_settings_file(path)); }

}  // namespace portier::control
