/// What control knows of the devices that targets send by: whether the link is there, and how much was sent.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "crosscore/counter.hpp"

namespace portier::handlers {

/// Written by control every few milliseconds, read by control when it judges targets. A device is watched from the
/// moment a target names it.
class LinkBoard {
 public:
  static constexpr std::size_t max_devices = 16;

  void watch(std::size_t device) { entries_[device].is_watched.set(1); }
  bool is_watched(std::size_t device) const { return device < max_devices && entries_[device].is_watched.value() != 0; }

  /// `sent`: frames that the device has taken so far, by whoever.
  void note(std::size_t device, bool is_up, std::uint64_t sent) {
    entries_[device].is_down.set(is_up ? 0 : 1);
    entries_[device].sent.set(sent);
  }
  /// True until somebody has looked.
  bool is_up(std::size_t device) const { return entries_[device].is_down.value() == 0; }
  std::uint64_t sent(std::size_t device) const { return entries_[device].sent.value(); }

 private:
  struct Entry {
    crosscore::Gauge is_watched;
    crosscore::Gauge is_down;
    crosscore::Gauge sent;
  };
  std::array<Entry, max_devices> entries_;
};

}  // namespace portier::handlers
