/// From settings to what the data path runs: pure but for the handlers it makes.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "control/service_ids.hpp"
#include "control/settings.hpp"
#include "datapath/program.hpp"
#include "handlers/registry.hpp"
#include "table/ruleset.hpp"

namespace portier::control {

/// All bindings of a configuration with their services' ids, in file order; gives new names their ids.
/// Throws `std::runtime_error` when ids are used up.
std::vector<table::Binding> bindings_of(const Settings& settings, ServiceIds& ids);

/// `worker_cpus`: CPU of each worker, by index; a service without `workers` uses all of them.
table::RulesetSpec ruleset_spec(const Settings& settings, ServiceIds& ids, const std::vector<unsigned>& worker_cpus,
                                const packet::HashKey& key, std::uint64_t generation);

/// What stays the same over reloads and what handlers may know.
struct ProgramContext {
  const handlers::Registry& registry;
  std::vector<unsigned> worker_cpus;
  std::size_t rx_cores = 0;  ///< of a pipeline: they call targets that need no worker
  std::vector<std::array<std::uint8_t, 6>> device_macs;
  packet::HashKey hash_key = packet::fixed_hash_key;
  double tsc_hz = 1e9;
};

/// Builds rules and lanes. Lanes of services whose delivery has not changed are taken over from `previous`
/// (`previous_settings` says what it was built from); so are those of services that are gone, for what is in flight.
/// `generation` is the configuration's; the program's own is the successor of that of `previous`.
/// Throws `std::runtime_error` with a sentence; then nothing has changed.
std::unique_ptr<datapath::Program> build_program(const Settings& settings, const ProgramContext& context,
                                                 ServiceIds& ids, std::uint64_t generation,
                                                 const datapath::Program* previous, const Settings* previous_settings);

/// The same rules and lanes as a program of another generation, so that every core looks at the chains anew.
/// `is_quiet`: no core runs an earlier program any more; then turn takers that belong to no lane and hold nothing go.
std::unique_ptr<datapath::Program> successor(const datapath::Program& program, bool is_quiet);

}  // namespace portier::control
