/// Settings -> ruleset and delivery lanes.
#include "control/program_build.hpp"

#include <algorithm>
#include <stdexcept>

namespace portier::control {

namespace {

bool same_delivery(const ServiceSettings& a, const ServiceSettings& b) {
  return std::ranges::equal(a.deliver, b.deliver, [](const auto& x, const auto& y) {
    return x.handler == y.handler && x.options == y.options;
  });
}

bool same_addresses(const Settings& a, const Settings& b) {
  return std::ranges::equal(a.devices, b.devices, [](const auto& x, const auto& y) {
    return std::ranges::equal(x.addresses, y.addresses, [](const auto& p, const auto& q) {
      return p.address == q.address && p.prefix_length == q.prefix_length;
    });
  });
}

const ServiceSettings* find_service(const Settings* settings, const std::string& name) {
  if (settings == nullptr) return nullptr;
  const auto at = std::ranges::find(settings->services, name, &ServiceSettings::name);
  return at == settings->services.end() ? nullptr : &*at;
}

datapath::HandlerContext handler_context(const Settings& settings, const ProgramContext& context) {
  datapath::HandlerContext made;
  made.device_macs = context.device_macs;
  made.tsc_hz = context.tsc_hz;
  for (std::size_t device = 0; device < settings.devices.size(); ++device) {
    for (const auto& address : settings.devices[device].addresses) {
      made.addresses.push_back({address.address, address.prefix_length, static_cast<std::uint8_t>(device)});
    }
  }
  return made;
}

std::shared_ptr<datapath::Lane> make_lane(const ProgramContext& context, const datapath::HandlerContext& base,
                                          const std::string& service, const std::vector<TargetSettings>& chain,
                                          std::size_t worker, unsigned max_faults) {
  std::vector<std::unique_ptr<datapath::Handler>> handlers;
  for (const auto& target : chain) {
    const auto* factory = context.registry.find(target.handler);
    if (factory == nullptr) throw std::runtime_error("service '" + service + "': no handler '" + target.handler + "'");
    auto made = base;
    made.service = service;
    made.worker = static_cast<unsigned>(worker);
    made.options = target.options;
    try {
      handlers.push_back((*factory)(made));
    } catch (const std::exception& fault) {
      throw std::runtime_error("service '" + service + "', handler '" + target.handler + "': " + fault.what());
    }
  }
  return std::make_shared<datapath::Lane>(std::move(handlers), max_faults);
}

}  // namespace

std::vector<table::Binding> bindings_of(const Settings& settings, ServiceIds& ids) {
  std::vector<table::Binding> bindings;
  for (const auto& service : settings.services) {
    const auto id = ids.id_of(service.name);
    if (!id) throw std::runtime_error("no more than 4094 service names over the life of a router: restart it");
    for (const auto& written : service.bindings) {
      bindings.push_back(written.binding);
      bindings.back().service = *id;
    }
  }
  return bindings;
}

table::RulesetSpec ruleset_spec(const Settings& settings, ServiceIds& ids, const std::vector<unsigned>& worker_cpus,
                                const packet::HashKey& key, std::uint64_t generation) {
  table::RulesetSpec spec;
  spec.generation = generation;
  spec.hash_key = key;
  spec.bindings = bindings_of(settings, ids);
  spec.closed_action = settings.closed_ports.action == ClosedAction::drop     ? table::ClosedAction::drop
                       : settings.closed_ports.action == ClosedAction::kernel ? table::ClosedAction::kernel
                                                                              : table::ClosedAction::reject;
  for (const auto& device : settings.devices) {
    for (const auto& address : device.addresses) spec.our_addresses.push_back(address.address);
  }
  std::vector<table::WorkerIndex> all;
  for (std::size_t i = 0; i < worker_cpus.size(); ++i) all.push_back(static_cast<table::WorkerIndex>(i));
  spec.workers.assign(ids.names().size(), all);
  for (const auto& service : settings.services) {
    if (service.workers.empty()) continue;
    auto& mine = spec.workers[*ids.find(service.name)];
    mine.clear();
    for (std::size_t i = 0; i < worker_cpus.size(); ++i) {
      if (std::ranges::find(service.workers, worker_cpus[i]) != service.workers.end()) {
        mine.push_back(static_cast<table::WorkerIndex>(i));
      }
    }
    if (mine.empty()) {
      throw std::runtime_error("service '" + service.name + "': none of its workers is a worker core of this router");
    }
  }
  return spec;
}

std::unique_ptr<datapath::Program> build_program(const Settings& settings, const ProgramContext& context,
                                                 ServiceIds& ids, std::uint64_t generation,
                                                 const datapath::Program* previous, const Settings* previous_settings) {
  auto program = std::make_unique<datapath::Program>();
  program->generation = generation;
  const auto spec = ruleset_spec(settings, ids, context.worker_cpus, context.hash_key, generation);
  program->rules = table::Ruleset::build(spec, previous == nullptr ? nullptr : previous->rules.get());
  if (program->rules == nullptr) {
    throw std::runtime_error("no memory for the tables of this configuration: raise router.memory_mb");
  }

  const auto base = handler_context(settings, context);
  const bool keeps_addresses = previous_settings != nullptr && same_addresses(settings, *previous_settings);
  const auto max_faults = settings.router.max_faults;
  const std::vector<TargetSettings> answer_chain{{.handler = "answer", .options = {}, .place = {}}};
  program->lanes.resize(context.worker_cpus.size());
  for (std::size_t worker = 0; worker < program->lanes.size(); ++worker) {
    auto& lanes = program->lanes[worker];
    if (previous != nullptr) lanes = previous->lanes[worker];
    lanes.resize(ids.names().size());
    if (!keeps_addresses) {
      lanes[table::answer_service] = make_lane(context, base, "answer", answer_chain, worker, max_faults);
    }
    for (const auto& service : settings.services) {
      const auto* before = find_service(previous_settings, service.name);
      auto& lane = lanes[*ids.find(service.name)];
      // A service that was away for a while starts anew; one whose delivery is the same keeps its handlers.
      if (lane != nullptr && before != nullptr && same_delivery(*before, service) && keeps_addresses) continue;
      lane = make_lane(context, base, service.name, service.deliver, worker, max_faults);
    }
  }
  return program;
}

}  // namespace portier::control
