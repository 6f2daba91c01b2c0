/// The program that a router runs: built, published, replaced, and freed when no core uses it any more.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "control/chain_watch.hpp"
#include "control/program_build.hpp"
#include "control/service_ids.hpp"
#include "control/settings.hpp"
#include "datapath/program_gate.hpp"

namespace portier::control {

/// Used by two control threads, the one that reloads and the one that supervises.
class ProgramKeeper {
 public:
  /// `readers`: the cores of the data path.
  ProgramKeeper(unsigned readers, ProgramContext context) : context_(std::move(context)), gate_(readers) {}

  datapath::ProgramGate& gate() { return gate_; }
  const ProgramContext& context() const { return context_; }
  /// For the thread that reloads.
  const ServiceIds& ids() const { return ids_; }
  std::string name_of(table::ServiceId service) const;
  /// Of the configuration in force.
  std::uint64_t generation() const { return generation_; }

  /// The next device, by index, before `set_first`.
  void add_device(const std::array<std::uint8_t, 6>& mac) { context_.device_macs.push_back(mac); }

  /// Before the cores start. Throws as `build_program`.
  void set_first(const Settings& settings);

  /// Publishes what `next` says; `before` is what is in force. Throws as `build_program`; then nothing has changed.
  /// `has_cores`: false where nothing runs, so that nobody has to be waited for. `ahead` is called when nothing of the
  /// next program can fail any more, before a core gets it.
  void replace(const Settings& next, const Settings& before, bool has_cores, const std::function<void()>& ahead);

  /// Looks after the delivery chains, see `ChainWatch::tick`, and publishes what follows from it.
  std::vector<Event> supervise(std::uint64_t faults);

  std::vector<ChainStatus> chains() const;

  /// After the cores have ended: handlers give back what they kept.
  void clear();

 private:
  void publish(std::unique_ptr<datapath::Program> next);
  /// Waits for the cores to let go of earlier programs, and frees them.
  bool free_retired(std::chrono::milliseconds limit);

  ProgramContext context_;
  mutable std::mutex mutex_;  ///< over all that follows, but for what the gate lets cores do
  ServiceIds ids_;
  std::uint64_t generation_ = 0;
  datapath::ProgramGate gate_;
  std::unique_ptr<datapath::Program> program_;
  std::vector<std::unique_ptr<datapath::Program>> retired_;  ///< replaced, but some core may still use it
  std::uint64_t quiet_token_ = 0;                            ///< of the last publication
  ChainWatch watch_;
};

}  // namespace portier::control
