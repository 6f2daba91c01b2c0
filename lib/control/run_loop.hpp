/// A whole router in one call, for `portier run` and for programs that bring handlers of their own:
///
///   auto registry = portier::handlers::Registry::with_builtins();
///   registry.add("kv", [](const auto& context) { return std::make_unique<KeyValueStore>(context); });
///   portier::control::RunOptions options;
///   options.config.file = "portier.toml";
///   return portier::control::run_router(options, registry);
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "control/session.hpp"
#include "handlers/registry.hpp"
#include "nic/ring_device.hpp"

namespace portier::control {

struct RunOptions {
  ConfigSource config;                ///< a file is read again at SIGHUP
  double seconds = 0;                 ///< 0: until a signal
  bool json = false;                  ///< JSON lines instead of tables; the last one is the ledger
  std::vector<std::string> eal_args;  ///< for DPDK's EAL, behind those that the configuration asks for
  std::string program = "portier";    ///< begins every message on stderr
};

/// The far side of a device with `traffic = true`: what is pushed here, the router receives.
struct FarEnd {
  const Settings& settings;
  nic::RingDevice& ring;
  std::array<std::uint8_t, 6> device_mac;
  unsigned queues;  ///< all packets of a flow belong into one of them
};

/// Feeds a far end from a thread of its own. Destroyed before the router, started or not; the destructor must end the
/// thread.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  virtual void start() = 0;
  /// Before the router stops receiving: what is pushed afterwards is not received any more.
  virtual void stop() = 0;
};

/// Called once per device with `traffic = true`, before packets flow. May return null, or throw, which ends the run as
/// failed.
using SourceFactory = std::function<std::unique_ptr<Source>(const FarEnd&)>;

/// What `run_router` returns, meant as the exit code of the program.
inline constexpr int run_ok = 0;          ///< the ledger adds up, nothing is in flight, every buffer came home
inline constexpr int run_failed = 1;      ///< a device or DPDK failed, or the above does not hold
inline constexpr int run_bad_config = 2;  ///< configuration faults; they are on stderr

/// Prepares, runs and stops a router: a table or a JSON line a second on stdout, the ledger at the end. SIGINT and
/// SIGTERM end it, SIGHUP reads the file again and applies it if it is sound.
///
/// Call it from the main thread before other threads start: it blocks these signals for good, ignores SIGPIPE, and
/// starts DPDK, which a process can do once. When a handler hangs for 10 s at the end (or the user asks again), the
/// ledger is printed and the process exits from here with `run_failed`, as its core cannot be joined.
///
/// `sources` makes what feeds devices with `traffic = true`; without it nothing arrives on them.
int run_router(const RunOptions& options, const handlers::Registry& registry, const SourceFactory& sources = {});

}  // namespace portier::control
