/// Settings -> ruleset and delivery lanes.
#include "control/program_build.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>

namespace portier::control {

namespace {

bool same_delivery(const ServiceSettings& a, const ServiceSettings& b) { return a.deliver == b.deliver; }

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

std::optional<std::uint8_t> device_index(const Settings& settings, const std::string& name) {
  const auto at = std::ranges::find(settings.devices, name, &DeviceSettings::name);
  if (at == settings.devices.end()) return std::nullopt;
  return static_cast<std::uint8_t>(at - settings.devices.begin());
}

/// What comes back from a device by which a service is delivered is a service of its own, "web/backend0": so it has an
/// account of its own, and whoever is in charge of the service never meets it.
struct Return {
  const ServiceSettings* owner;
  std::uint8_t device;
  ServiceSettings service;
};

std::vector<Return> returns_of(const Settings& settings) {
  std::vector<Return> returns;
  for (const auto& service : settings.services) {
    for (const auto& target : service.deliver) {
      const auto device = target.options.find("device");
      if (target.handler != "device" || device == target.options.end()) continue;
      const auto index = device_index(settings, device->second);
      const auto name = service.name + "/" + device->second;
      if (!index || std::ranges::any_of(returns, [&](const auto& other) { return other.service.name == name; }))
        continue;
      Return made{.owner = &service, .device = *index, .service = {}};
      made.service.name = name;
      made.service.deliver.push_back({.handler = "return", .options = target.options, .place = target.place});
      returns.push_back(std::move(made));
    }
  }
  return returns;
}

table::ServiceId id_for(ServiceIds& ids, const std::string& name) {
  const auto id = ids.id_of(name);
  if (!id) throw std::runtime_error("no more than 4094 service names over the life of a router: restart it");
  return *id;
}

datapath::HandlerContext handler_context(const Settings& settings, const ProgramContext& context) {
  datapath::HandlerContext made;
  made.directory = directory_of(settings);
  made.device_macs = context.device_macs;
  made.tsc_hz = context.tsc_hz;
  made.naps = settings.router.idle == Idle::adaptive;
  for (std::size_t device = 0; device < settings.devices.size(); ++device) {
    made.device_names.push_back(settings.devices[device].name);
    for (const auto& address : settings.devices[device].addresses) {
      made.addresses.push_back({address.address, address.prefix_length, static_cast<std::uint8_t>(device)});
    }
  }
  return made;
}

/// The chain of one service on one core: null where another kind of core calls the target.
std::shared_ptr<datapath::Lane> make_lane(const ProgramContext& context, const datapath::HandlerContext& base,
                                          const ServiceSettings& service, table::ServiceId id, std::size_t core,
                                          unsigned max_faults) {
  const bool is_pipeline = context.rx_cores != 0;
  const bool is_receiving = is_pipeline && core >= context.worker_cpus.size();
  std::vector<std::unique_ptr<datapath::Handler>> handlers;
  for (const auto& target : service.deliver) {
    const auto* factory = context.registry.find(target.handler);
    if (factory == nullptr) {
      throw std::runtime_error("service '" + service.name + "': no handler '" + target.handler + "'");
    }
    if (is_pipeline && is_receiving != (context.registry.place_of(target.handler) == handlers::Place::receiving)) {
      handlers.push_back(nullptr);
      continue;
    }
    auto made = base;
    made.service = service.name;
    made.service_id = id;
    made.stall_ms = service.stall_ms;
    made.worker = static_cast<unsigned>(is_receiving ? core - context.worker_cpus.size() : core);
    made.core = static_cast<unsigned>(core);
    made.options = target.options;
    try {
      handlers.push_back((*factory)(made));
    } catch (const std::exception& fault) {
      throw std::runtime_error("service '" + service.name + "', " + target.label() + ": " + fault.what());
    }
  }
  return std::make_shared<datapath::Lane>(std::move(handlers), max_faults, is_receiving);
}

bool has_direct(const ProgramContext& context, const std::vector<TargetSettings>& chain) {
  return context.rx_cores != 0 && std::ranges::any_of(chain, [&](const auto& target) {
           return context.registry.place_of(target.handler) == handlers::Place::receiving;
         });
}

using TurnTakers = std::vector<std::shared_ptr<datapath::TurnTaker>>;

void add_once(TurnTakers& takers, const std::shared_ptr<datapath::TurnTaker>& taker) {
  if (taker != nullptr && std::ranges::find(takers, taker) == takers.end()) takers.push_back(taker);
}

TurnTakers takers_of(const std::vector<std::shared_ptr<datapath::Lane>>& lanes) {
  TurnTakers takers;
  for (const auto& lane : lanes) {
    for (std::size_t target = 0; lane != nullptr && target < lane->size(); ++target) {
      if (lane->at(target) != nullptr) add_once(takers, lane->at(target)->turn_taker());
    }
  }
  return takers;
}

/// By core: the turn takers of its lanes, and of those before all that may still get or hold packets.
void collect_turn_takers(datapath::Program& program, const datapath::Program* previous, bool is_quiet) {
  program.turn_takers.resize(program.lanes.size());
  for (std::size_t core = 0; core < program.lanes.size(); ++core) {
    auto& takers = program.turn_takers[core];
    takers = takers_of(program.lanes[core]);
    const auto own = takers.size();
    if (previous != nullptr) {
      for (const auto& taker : previous->turn_takers[core]) {
        if (!is_quiet || !taker->is_done()) add_once(takers, taker);
      }
    }
    program.has_strays = program.has_strays || takers.size() != own;
  }
}

}  // namespace

std::vector<table::Binding> bindings_of(const Settings& settings, ServiceIds& ids) {
  std::vector<table::Binding> bindings;
  for (const auto& service : settings.services) {
    const auto id = id_for(ids, service.name);
    for (const auto& written : service.bindings) {
      bindings.push_back(written.binding);
      bindings.back().service = id;
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
  for (const auto& path : returns_of(settings)) {
    spec.returns.push_back({*ids.find(path.owner->name), path.device, id_for(ids, path.service.name)});
  }
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
  if (previous != nullptr) program->generation = previous->generation + 1;
  const auto spec = ruleset_spec(settings, ids, context.worker_cpus, context.hash_key, generation);
  program->rules = table::Ruleset::build(spec, previous == nullptr ? nullptr : previous->rules.get());
  if (program->rules == nullptr) {
    throw std::runtime_error("no memory for the tables of this configuration: raise router.memory_mb");
  }

  const auto base = handler_context(settings, context);
  const bool keeps_addresses = previous_settings != nullptr && same_addresses(settings, *previous_settings);
  const auto max_faults = settings.router.max_faults;
  ServiceSettings answer;
  answer.name = "answer";
  answer.deliver.push_back({.handler = "answer", .options = {}, .place = {}});
  const auto returns = returns_of(settings);
  program->lanes.resize(context.worker_cpus.size() + context.rx_cores);
  for (std::size_t core = 0; core < program->lanes.size(); ++core) {
    auto& lanes = program->lanes[core];
    if (previous != nullptr) lanes = previous->lanes[core];
    lanes.resize(ids.names().size());
    const bool is_receiving = core >= context.worker_cpus.size();
    if (!keeps_addresses && !is_receiving) {
      lanes[table::answer_service] = make_lane(context, base, answer, table::answer_service, core, max_faults);
    }
    // `owner`: the service itself, or the one whose clients get the answers.
    const auto renew = [&](const ServiceSettings& service, const ServiceSettings& owner) {
      const auto* before = find_service(previous_settings, owner.name);
      const auto id = *ids.find(service.name);
      auto& lane = lanes[id];
      const bool is_direct = has_direct(context, service.deliver);
      program->has_direct = program->has_direct || is_direct;
      // A service that was away for a while starts anew; one whose delivery is the same keeps its handlers.
      if (lane != nullptr && before != nullptr && same_delivery(*before, owner) && keeps_addresses) return;
      lane = is_receiving && !is_direct ? nullptr : make_lane(context, base, service, id, core, max_faults);
    };
    for (const auto& service : settings.services) renew(service, service);
    for (const auto& path : returns) renew(path.service, *path.owner);
  }
  collect_turn_takers(*program, previous, false);
  return program;
}

std::unique_ptr<datapath::Program> successor(const datapath::Program& program, bool is_quiet) {
  auto next = std::make_unique<datapath::Program>();
  next->generation = program.generation + 1;
  next->rules = program.rules;
  next->lanes = program.lanes;
  next->has_direct = program.has_direct;
  collect_turn_takers(*next, &program, is_quiet);
  return next;
}

}  // namespace portier::control
