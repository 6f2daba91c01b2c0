/// Looks at every binding, as the specification does.
#include "control/explain.hpp"

#include <algorithm>

#include "control/address_text.hpp"
#include "packet/flow_hash.hpp"
#include "table/core_map.hpp"

namespace portier::control {

namespace {

std::string why_beaten(const table::Binding& winner, const table::Binding& loser) {
  if (winner.destination.length != loser.destination.length ||
      winner.destination.is_any() != loser.destination.is_any()) {
    return "its destination " + to_text(loser.destination) + " is less specific than " + to_text(winner.destination);
  }
  return "its " + std::to_string(loser.port_count()) + " ports are a wider range than " +
         std::to_string(winner.port_count());
}

std::string closed_sentence(const Settings& settings, const packet::Address& destination) {
  bool has_addresses = false;
  bool is_ours = false;
  for (const auto& device : settings.devices) {
    for (const auto& address : device.addresses) {
      if (device.share && address.address == destination) {
        return "left to the kernel: device '" + device.name + "' is shared with it, and no binding covers the packet";
      }
      has_addresses = true;
      is_ours = is_ours || address.address == destination;
    }
  }
  if (has_addresses && !is_ours) return "dropped as not_for_us: no binding covers it and the address is not ours";
  switch (settings.closed_ports.action) {
    case ClosedAction::kernel: return "left to the kernel (closed_ports.action = \"kernel\")";
    case ClosedAction::drop: return "dropped as closed_port (closed_ports.action = \"drop\")";
    case ClosedAction::reject: break;
  }
  return "rejected as closed_port (closed_ports.action = \"reject\"): a reset or a port unreachable, within " +
         std::to_string(settings.closed_ports.reject_rate_pps) + " a second";
}

std::vector<table::WorkerIndex> workers_of(const ServiceSettings& service, const std::vector<unsigned>& workers) {
  std::vector<table::WorkerIndex> mine;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    const bool is_mine =
        service.workers.empty() || std::ranges::find(service.workers, workers[i]) != service.workers.end();
    if (is_mine) mine.push_back(static_cast<table::WorkerIndex>(i));
  }
  return mine;
}

}  // namespace

Explanation explain(const Settings& settings, const packet::FlowKey& flow, const std::vector<unsigned>& workers) {
  Explanation explanation;
  for (const auto& service : settings.services) {
    for (const auto& binding : service.bindings) {
      if (table::covers(binding.binding, flow)) explanation.candidates.push_back({&service, &binding, {}});
    }
  }
  auto& found = explanation.candidates;
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& a, const auto& b) { return table::beats(a.binding->binding, b.binding->binding); });
  for (std::size_t i = 1; i < found.size(); ++i) {
    found[i].why = why_beaten(found.front().binding->binding, found[i].binding->binding);
  }
  if (found.empty()) {
    explanation.closed = closed_sentence(settings, flow.dst);
    return explanation;
  }
  explanation.hash = packet::flow_hash(packet::fixed_hash_key, flow);
  explanation.bucket = table::bucket_of(explanation.hash);
  const auto mine = workers_of(*found.front().service, workers);
  if (!mine.empty()) explanation.worker = table::deal(mine).worker[explanation.bucket];
  return explanation;
}

}  // namespace portier::control
