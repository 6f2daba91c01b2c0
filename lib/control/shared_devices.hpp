/// Keeps the XDP programs of shared devices in step with the ruleset: what they redirect is always bound in what runs.
#pragma once

#include <memory>
#include <vector>

#include "control/settings.hpp"
#include "nic/device.hpp"

namespace portier::control {

/// What a program redirects and nobody has bound would be lost to the kernel, which knows what to do with it. So a port
/// that goes is given back before the ruleset forgets it, and a new one is taken when the ruleset knows it.
class SharedDevices {
 public:
  /// `devices` by device of the settings; must outlive this.
  explicit SharedDevices(const std::vector<std::unique_ptr<nic::Device>>& devices) : devices_(devices) {}

  /// Everything bound comes to us. Throws `nic::Failure`.
  void take(const Settings& settings);

  /// Ahead of new settings: gives back what they do not bind. Throws `nic::Failure`. True: something was given back,
  /// and what of it is in receive queues by now should be received before the ruleset changes.
  bool give_back_unbound(const Settings& settings);

  /// Ahead of the end. True: as above.
  bool give_back_all();

  /// The most packets that a receive queue of a shared device holds.
  unsigned queue_packets() const;

 private:
  const std::vector<std::unique_ptr<nic::Device>>& devices_;
  std::vector<nic::ShareTable> tables_;  ///< what each device's program says
};

}  // namespace portier::control
