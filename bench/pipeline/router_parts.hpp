/// The pieces of a router as control would make them, without its devices: program, gate, phase, specs of its cores.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "contenders.hpp"
#include "control/program_build.hpp"
#include "control/settings.hpp"
#include "datapath/core_spec.hpp"
#include "nic/pool.hpp"

namespace portier::bench {

/// A service per port of the capture, UDP and TCP; where ports are unknown, the port space in equal parts. `handler`:
/// "count", or "read" (reads as `reads` says), or another of `registry`.
control::Settings settings_for(const Capture& capture, unsigned services, const std::string& handler);

/// A service without bindings, at the end of the settings; and ports for one, of UDP and TCP, on any address.
void add_service(control::Settings& settings, const std::string& name, const std::string& handler);
void bind_ports(control::ServiceSettings& service, std::uint16_t first, std::uint16_t last);

/// With the built-in handlers and "read".
handlers::Registry registry_with_reader(Reads reads);

/// Made anew for every run: a core's counters start at zero.
class RouterParts {
 public:
  /// Readers at the gate: core 0 the rx core, then the workers.
  RouterParts(const Match& match, const control::Settings& settings, const handlers::Registry& registry,
              unsigned workers);

  datapath::CoreSpec rx_spec() const;
  datapath::CoreSpec worker_spec(unsigned worker) const;
  datapath::SharedState shared() { return {gate_, phase_}; }
  crosscore::PhaseFlag& phase() { return phase_; }

 private:
  datapath::CoreSpec spec(unsigned reader, unsigned index) const;

  Match match_;
  datapath::ProgramGate gate_;
  crosscore::PhaseFlag phase_;
  std::unique_ptr<datapath::Program> program_;
  std::vector<std::unique_ptr<nic::Pool>> send_pools_;  ///< by core
};

/// Adds what a core has delivered and dropped to a tally.
void add_counters(const datapath::CoreCounters& counters, Tally& tally);

}  // namespace portier::bench
