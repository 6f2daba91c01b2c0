/// A running router: devices, cores and the program they run; started, reloaded, read and stopped by one control
/// thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "control/core_plan.hpp"
#include "control/ledger.hpp"
#include "control/mailbox_server.hpp"
#include "control/program_keeper.hpp"
#include "control/settings.hpp"
#include "control/shared_devices.hpp"
#include "control/supervisor.hpp"
#include "control/watchdog.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "datapath/local_core.hpp"
#include "datapath/rx_core.hpp"
#include "datapath/worker_core.hpp"
#include "handlers/link_board.hpp"
#include "handlers/mailroom.hpp"
#include "handlers/registry.hpp"
#include "nic/device.hpp"
#include "nic/eal.hpp"
#include "nic/relay_ring.hpp"
#include "nic/ring_device.hpp"

namespace portier::control {

/// Where all mbufs are, once every core has ended and every device is closed.
struct MbufCensus {
  std::uint64_t total = 0;
  std::uint64_t available = 0;
  std::uint64_t uncounted = 0;  ///< in pools of drivers that keep some of theirs when they are closed
  std::uint64_t leaked() const { return total - available; }
};

class Router {
 public:
  /// Opens the devices (`specs` by device; ignored for the built-in source) and makes the cores. Lcores 1..n of `eal`
  /// must exist for them. Throws `nic::Failure` or `std::runtime_error`; then nothing is left behind.
  Router(const Settings& settings, const CorePlan& plan, std::vector<nic::DeviceSpec> specs,
         const handlers::Registry& registry, nic::Eal& eal, const packet::HashKey& hash_key);
  ~Router();
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  void start();

  /// Publishes what can change while running: services, bindings, chains, closed ports' action, addresses.
  /// Returns a sentence when it was refused; then nothing has changed.
  std::optional<std::string> reload(const Settings& settings);

  /// Stops receiving, drains rings and transmit queues, ends the cores. False: a core did not end within the limit (a
  /// handler hangs); then the router must not be destroyed. `impatient` is polled: true leaves
  /// only 200 ms more.
  bool stop(std::chrono::milliseconds limit, const std::function<bool()>& impatient = {});

  /// Called by the control thread that supervises, with what it has found: a target that is gone, or back; a handler
  /// that does not return, or has. Set before `start`.
  void on_event(std::function<void(const Event&)> tell) { tell_ = std::move(tell); }
  std::vector<ChainStatus> chains() const { return program_.chains(); }

  /// What cores are inside of at this moment, by core.
  std::vector<SeenCall> calls() const { return see_calls(counters(), plan_); }
  /// Of a service that there is or was.
  std::string name_of(table::ServiceId service) const { return program_.name_of(service); }

  Ledger ledger();
  /// After `stop`: closes the devices and counts.
  MbufCensus close();

  /// The far end of a built-in source or test device; null for others.
  nic::RingDevice* far_end(std::size_t device) { return far_ends_[device].get(); }
  const nic::Device& device(std::size_t index) const { return *devices_[index]; }
  std::size_t device_count() const { return devices_.size(); }
  std::uint64_t generation() const { return program_.generation(); }
  double tsc_hz() const { return program_.context().tsc_hz; }
  const CorePlan& plan() const { return plan_; }

 private:
  void supervise();
  void watch_calls();
  void open_mailboxes();
  void note_links();
  crosscore::MailShape mail_shape(std::uint32_t slots) const;
  void open_devices(std::vector<nic::DeviceSpec> specs);
  void make_cores();
  datapath::CoreSpec core_spec(std::size_t core);
  void plan_transmit();
  std::vector<const datapath::CoreCounters*> counters() const;
  /// Until what shared devices' queues hold now has been received.
  void wait_until_received(std::chrono::milliseconds limit) const;
  bool wait_for(const std::function<bool()>& reached, std::chrono::steady_clock::time_point& deadline,
                const std::function<bool()>& impatient) const;

  Settings settings_;
  CorePlan plan_;
  nic::Eal& eal_;
  handlers::Registry registry_;                             ///< the caller's, with the targets that need this router
  std::vector<std::unique_ptr<nic::RingDevice>> far_ends_;  ///< by device
  std::vector<std::unique_ptr<nic::Device>> devices_;
  SharedDevices shared_{devices_};
  std::vector<std::unique_ptr<nic::Pool>> send_pools_;       ///< by core
  std::vector<std::unique_ptr<nic::RelayRing>> relays_;      ///< by device; null: every core has a queue
  std::vector<std::vector<datapath::TxLane>> lanes_;         ///< [core][device]
  std::vector<std::vector<datapath::Relay>> served_;         ///< [core]
  std::vector<std::unique_ptr<crosscore::SlotRing>> rings_;  ///< [rx core * workers + worker]

  handlers::Mailroom mailroom_;
  handlers::LinkBoard links_;
  MailboxServer mailbox_server_;
  ProgramKeeper program_;
  crosscore::PhaseFlag phase_;
  std::vector<std::unique_ptr<datapath::RxCore>> rx_cores_;
  std::vector<std::unique_ptr<datapath::WorkerCore>> worker_cores_;
  std::vector<std::unique_ptr<datapath::LocalCore>> local_cores_;
  bool is_running_ = false;
  std::function<void(const Event&)> tell_;
  Watchdog watchdog_;  ///< of the thread that supervises
  crosscore::Counter stuck_calls_;
  Supervisor supervisor_;  ///< last, so that it ends first
};

}  // namespace portier::control
