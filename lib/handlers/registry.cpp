/// The built-in names.
#include "handlers/registry.hpp"

#include <stdexcept>
#include <utility>

#include "handlers/builtins.hpp"
#include "handlers/device_options.hpp"
#include "handlers/device_target.hpp"
#include "handlers/mailbox.hpp"

namespace portier::handlers {

Registry Registry::with_builtins() {
  Registry registry;
  registry.add("count", make_count, Place::worker, count_text);
  registry.add("echo", make_echo, Place::worker, echo_text);
  registry.add("drop", make_drop, Place::worker, drop_text);
  registry.add("reject", make_reject, Place::worker, reject_text);
  registry.add("mailbox", check_mailbox, Place::receiving, mailbox_text);
  registry.add("device", check_device, Place::receiving, device_text);
  registry.add("plugin", make_plugin, Place::worker, plugin_text);
  registry.insert("answer", {make_answer, Place::worker, true, {}});
  registry.insert("return", {check_device, Place::receiving, true, {}});
  return registry;
}

void Registry::insert(const std::string& name, Entry&& entry) {
  if (name.empty()) throw std::invalid_argument("a handler needs a name");
  if (!entry.factory) throw std::invalid_argument("handler \"" + name + "\" has no factory");
  const auto [at, is_new] = entries_.try_emplace(name, std::move(entry));
  if (!is_new) throw std::invalid_argument("handler \"" + name + "\" is registered twice");
}

void Registry::replace(const std::string& name, datapath::HandlerFactory factory) {
  entries_.at(name).factory = std::move(factory);
}

const datapath::HandlerFactory* Registry::find(std::string_view name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second.factory;
}

std::vector<std::string> Registry::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) {
    if (!entry.is_internal) names.push_back(name);
  }
  return names;
}

}  // namespace portier::handlers
