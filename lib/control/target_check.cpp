/// One trial of every kind of target.
#include "control/target_check.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>

#include "control/checks.hpp"

namespace portier::control {

namespace {

/// What a factory may look at, as far as the settings alone tell.
datapath::HandlerContext trial_context(const Settings& settings) {
  datapath::HandlerContext context;
  context.directory = directory_of(settings);
  context.is_trial = true;
  context.device_macs.resize(settings.devices.size());
  for (std::size_t device = 0; device < settings.devices.size(); ++device) {
    context.device_names.push_back(settings.devices[device].name);
    for (const auto& address : settings.devices[device].addresses) {
      context.addresses.push_back({address.address, address.prefix_length, static_cast<std::uint8_t>(device)});
    }
  }
  return context;
}

/// The factory's sentence about the options; nothing: it has no objection.
std::optional<std::string> objection(const datapath::HandlerFactory& factory, const datapath::HandlerContext& context) {
  try {
    factory(context);
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  } catch (const std::exception&) {
    return std::nullopt;
  }
  return std::nullopt;
}

Loaded check_draft(Draft draft, const handlers::Registry& registry, const std::vector<unsigned>& cpus) {
  if (draft.readable) {
    check_settings(draft.settings, {.handlers = registry.names(), .cpus = cpus}, draft.found);
    check_targets(draft.settings, registry, draft.found);
  }
  return finish(std::move(draft));
}

}  // namespace

void check_targets(const Settings& settings, const handlers::Registry& registry, Faults& found) {
  const auto offered = registry.names();
  auto context = trial_context(settings);
  std::map<std::pair<std::string, std::map<std::string, std::string>>, std::optional<std::string>> tried;
  for (const auto& service : settings.services) {
    context.service = service.name;
    for (const auto& target : service.deliver) {
      if (std::ranges::find(offered, target.handler) == offered.end()) continue;
      const auto [at, is_new] = tried.try_emplace({target.handler, target.options});
      if (is_new) {
        context.options = target.options;
        at->second = objection(*registry.find(target.handler), context);
      }
      if (at->second) found.fault(target.place, *at->second);
    }
  }
}

Loaded load_checked(const std::string& path, const handlers::Registry& registry, const std::vector<unsigned>& cpus) {
  return check_draft(read_settings_file(path), registry, cpus);
}

Loaded parse_checked(std::string_view text, const std::string& name, const handlers::Registry& registry,
                     const std::vector<unsigned>& cpus) {
  return check_draft(read_settings(text, name), registry, cpus);
}

}  // namespace portier::control
