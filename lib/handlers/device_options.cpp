/// Devices by name, each mistake with a sentence.
#include "handlers/device_options.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

#include "handlers/options.hpp"

namespace portier::handlers {
namespace {

std::string in_quotes(const std::string& text) { return "\"" + text + "\""; }

std::uint8_t device_called(const datapath::HandlerContext& context, const std::string& option,
                           const std::string& name) {
  const auto& names = context.device_names;
  const auto at = std::ranges::find(names, name);
  if (at != names.end()) return static_cast<std::uint8_t>(at - names.begin());
  std::string known;
  for (const auto& other : names) known += (known.empty() ? "" : ", ") + in_quotes(other);
  throw std::invalid_argument(option + ": there is no device " + in_quotes(name) + "; write one of " + known);
}

std::uint8_t clients_device(const datapath::HandlerContext& context, std::uint8_t device) {
  const auto& names = context.device_names;
  if (const auto given = context.options.find("clients"); given != context.options.end()) {
    const auto clients = device_called(context, "clients", given->second);
    if (clients != device) return clients;
    throw std::invalid_argument("clients: " + in_quotes(given->second) +
                                " is the device itself; write the one by which clients come");
  }
  if (names.size() == 2) return device == 0 ? 1 : 0;
  if (names.size() < 2) {
    throw std::invalid_argument("device " + in_quotes(names[device]) +
                                " is the only one; a service is delivered by another than its clients come by");
  }
  throw std::invalid_argument("which of the other devices the clients of " + in_quotes(context.service) +
                              " come by is not clear; add clients = \"NAME\"");
}

}  // namespace

DeviceOptions DeviceOptions::read(const datapath::HandlerContext& context) {
  refuse_unknown_options(context, "device", {"device", "clients"});
  const auto name = context.options.find("device");
  if (name == context.options.end()) throw std::invalid_argument("write { device = \"NAME\" }");
  DeviceOptions options;
  options.device = device_called(context, "device", name->second);
  options.clients = clients_device(context, options.device);
  return options;
}

namespace {
constexpr std::array option_texts{
    OptionText{"device", "a device's name", "required", "By which frames leave as they came."},
    OptionText{"clients", "a device's name", "the only other one",
               "By which clients come, and what comes back leaves: frames from a port of the service."},
};
}  // namespace

constexpr TargetText device_text{.written = "{ device = \"backend0\" }",
                                 .sentence = "sends them on by another device, and the answers back to the clients",
                                 .options = option_texts};

}  // namespace portier::handlers
