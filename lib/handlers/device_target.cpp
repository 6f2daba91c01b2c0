/// Copies frames from one device to another.
#include "handlers/device_target.hpp"

#include <cstring>
#include <stdexcept>

#include "crosscore/counter.hpp"
#include "datapath/turn.hpp"
#include "handlers/device_options.hpp"

namespace portier::handlers {
namespace {

using packet::Reason;

/// Frames leave as they are. What the device has no room for is dropped here, where its service is known, and not in
/// its queue.
void send_on(datapath::Burst& burst, std::uint8_t device) {
  auto room = burst.room(device);
  for (std::size_t i = 0; i < burst.size(); ++i) {
    const auto packet = burst[i];
    if (packet.device() == device) {
      burst.refuse(i, Reason::hairpin);
      continue;
    }
    const auto frame = packet.frame();
    const auto out = room == 0 ? packet::MutableBytes{} : burst.forward(device, frame.size());
    if (out.empty()) [[unlikely]] {
      burst.refuse(i, Reason::device_full);
      continue;
    }
    std::memcpy(out.data(), frame.data(), frame.size());
    room -= 1;
  }
}

/// What this core holds for the device, for control to see whether it moves.
class Queue final : public datapath::TurnTaker {
 public:
  explicit Queue(std::uint8_t device) : device_(device) {}
  bool on_turn(datapath::Turn& turn) override {
    held_.set(turn.held(device_));
    return false;
  }
  std::uint64_t waiting() const override { return 0; }
  std::uint64_t held() const { return held_.value(); }

 private:
  std::uint8_t device_;
  crosscore::Gauge held_;
};

class DeviceTarget final : public datapath::Handler {
 public:
  DeviceTarget(const DeviceOptions& options, LinkBoard& links)
      : options_(options), links_(links), queue_(std::make_shared<Queue>(options.device)) {
    links_.watch(options_.device);
  }

  void on_burst(datapath::Burst& burst) override { send_on(burst, options_.device); }
  bool has_state() const override { return true; }
  datapath::TargetState state() const override {
    return {links_.is_up(options_.device), queue_->held(), links_.sent(options_.device)};
  }
  std::shared_ptr<datapath::TurnTaker> turn_taker() override { return queue_; }

 private:
  DeviceOptions options_;
  LinkBoard& links_;
  std::shared_ptr<Queue> queue_;
};

class DeviceReturn final : public datapath::Handler {
 public:
  explicit DeviceReturn(const DeviceOptions& options) : options_(options) {}
  void on_burst(datapath::Burst& burst) override { send_on(burst, options_.clients); }

 private:
  DeviceOptions options_;
};

}  // namespace

std::unique_ptr<datapath::Handler> make_device_target(const datapath::HandlerContext& context, LinkBoard& links) {
  return std::make_unique<DeviceTarget>(DeviceOptions::read(context), links);
}

std::unique_ptr<datapath::Handler> make_device_return(const datapath::HandlerContext& context) {
  return std::make_unique<DeviceReturn>(DeviceOptions::read(context));
}

std::unique_ptr<datapath::Handler> check_device(const datapath::HandlerContext& context) {
  DeviceOptions::read(context);
  throw std::runtime_error("delivery by a device needs a running router");
}

}  // namespace portier::handlers
