/// The built-in source: a thread that pushes a seeded traffic mix into the far end of a device, at a stated pace.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "control/settings.hpp"
#include "crosscore/counter.hpp"
#include "crosscore/published.hpp"
#include "nic/ring_device.hpp"
#include "traffic/mix.hpp"

namespace portier::app {

class Feeder {
 public:
  /// Traffic for the services' bindings, as `settings.traffic` describes it. Throws `std::invalid_argument`.
  Feeder(const control::Settings& settings, nic::RingDevice& far_end, std::array<std::uint8_t, 6> device_mac,
         unsigned queues);
  ~Feeder();
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;

  void start();
  /// Pushes nothing more; then waits, at most 200 ms, until the router has received what was pushed. Answers are taken
  /// off the far end until the feeder is destroyed.
  void stop();

  std::uint64_t sent() const { return sent_.value(); }

 private:
  void run();
  std::size_t push(std::size_t count);

  traffic::Mix mix_;
  nic::RingDevice& far_end_;
  double rate_pps_;
  std::vector<std::uint8_t> queue_of_;  ///< by frame of the pool: fragments and their flow share a queue
  std::size_t position_ = 0;
  crosscore::Counter sent_;
  crosscore::DoneFlag stop_;  ///< push nothing more
  crosscore::DoneFlag end_;   ///< end the thread
  std::thread thread_;
};

}  // namespace portier::app
