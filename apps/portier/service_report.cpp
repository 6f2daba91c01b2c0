/// What `check` and `services` both show.
#include "service_report.hpp"

#include <algorithm>
#include <cstdio>

#include <fmt/format.h>

#include "control/binding_text.hpp"

namespace portier::app {

std::string chain_text(const control::ServiceSettings& service) {
  std::string out;
  for (const auto& target : service.deliver) {
    if (!out.empty()) out += " -> ";
    out += target.handler;
    for (const auto& [name, value] : target.options) out += fmt::format(" {}={}", name, value);
  }
  return out;
}

std::string services_table(std::span<const control::ServiceSettings> services, std::span<const unsigned> workers) {
  if (services.empty()) return "services: none, every port is closed\n";
  std::size_t name_width = 4;
  std::size_t chain_width = 7;
  for (const auto& service : services) {
    name_width = std::max(name_width, service.name.size());
    chain_width = std::max(chain_width, chain_text(service).size());
  }
  auto out = fmt::format("{:<{}}  {:<{}}  {:<10}  bindings\n", "name", name_width, "deliver", chain_width, "workers");
  for (const auto& service : services) {
    const auto own = service.workers.empty() ? workers : std::span<const unsigned>(service.workers);
    auto worker_text = own.empty() ? std::string("all") : fmt::format("{}", fmt::join(own, ","));
    auto lead =
        fmt::format("{:<{}}  {:<{}}  {:<10}", service.name, name_width, chain_text(service), chain_width, worker_text);
    for (const auto& binding : service.bindings) {
      out += fmt::format("{}  {}\n", lead, control::to_text(binding.binding));
      lead.assign(lead.size(), ' ');
    }
  }
  return out;
}

nlohmann::json services_json(std::span<const control::ServiceSettings> services, std::span<const unsigned> workers) {
  auto all = nlohmann::json::array();
  for (const auto& service : services) {
    auto bindings = nlohmann::json::array();
    for (const auto& binding : service.bindings) bindings.push_back(control::to_text(binding.binding));
    auto chain = nlohmann::json::array();
    for (const auto& target : service.deliver)
      chain.push_back({{"handler", target.handler}, {"options", target.options}});
    const auto own = service.workers.empty() ? std::vector<unsigned>(workers.begin(), workers.end()) : service.workers;
    all.push_back({{"name", service.name}, {"bindings", bindings}, {"deliver", chain}, {"workers", own}});
  }
  return all;
}

nlohmann::json faults_json(std::span<const control::Fault> faults) {
  auto all = nlohmann::json::array();
  for (const auto& fault : faults) {
    all.push_back(
        {{"file", fault.file}, {"line", fault.place.line}, {"column", fault.place.column}, {"message", fault.message}});
  }
  return all;
}

void print_findings(const control::Loaded& loaded) {
  for (const auto& warning : loaded.warnings) {
    fmt::print(stderr, "warning: {}\n", control::to_text(warning));
  }
  for (const auto& fault : loaded.faults) fmt::print(stderr, "{}\n", control::to_text(fault));
}

}  // namespace portier::app
