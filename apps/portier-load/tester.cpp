/// Opens in the order in which things need each other, and closes the other way round.
#include "tester.hpp"

#include <algorithm>
#include <string_view>

#include "nic/failure.hpp"

namespace portier::load {

namespace {

std::uint64_t missing(const nic::Device* device) {
  if (device == nullptr || !device->returns_mbufs()) return 0;
  return device->pool().size() - device->pool().available();
}

/// A queue of an interface belongs to one AF_XDP program at a time, and the driver only says that it failed.
std::unique_ptr<nic::Device> open(const nic::DeviceSpec& spec) {
  try {
    return std::make_unique<nic::Device>(spec);
  } catch (const nic::Failure& failure) {
    const bool is_af_xdp = !spec.eal_devices.empty() && spec.eal_devices.front().starts_with("net_af_xdp");
    if (!is_af_xdp || std::string_view(failure.what()).find("queue failed") == std::string_view::npos) throw;
    std::string sentence = failure.what();
    while (sentence.ends_with('.')) sentence.pop_back();
    throw nic::Failure(sentence + ". Is another program using the interface? End it, or write --driver af_packet");
  }
}

}  // namespace

Tester::Tester(const LoadSetup& setup, const Recording* recording, Interrupts& interrupts, ProgressLine& line)
    : setup_(setup), interrupts_(interrupts), line_(line), eal_(std::make_unique<nic::Eal>(setup.eal)) {
  device_ = open(setup.device);
  if (setup.rx_device) rx_device_ = open(*setup.rx_device);
  const auto own_mac = device_->mac();
  const bool has_mac = std::any_of(own_mac.begin(), own_mac.end(), [](auto byte) { return byte != 0; });
  if (!setup.has_src_mac && has_mac) setup_.traffic.src_mac = own_mac;
  auto planned = plan_traffic(setup_.traffic);
  if (!planned.plan) throw nic::Failure(planned.problem);
  plan_ = std::move(*planned.plan);
  endpoints_.emplace(setup_.traffic.sources, setup_.traffic.flows, setup_.traffic.churn_per_s);
  const auto ports = ports_of(*device_, rx_device_.get());
  engine_ = recording != nullptr ? std::make_unique<Engine>(*eal_, ports, setup_.engine, *recording, watch())
                                 : std::make_unique<Engine>(*eal_, ports, setup_.engine, plan_, *endpoints_, watch());
}

Tester::~Tester() = default;

EnginePorts Tester::ports_of(const nic::Device& device, const nic::Device* rx_device) const {
  const bool receives = setup_.receives;
  EnginePorts ports;
  if (device.tx_queues().empty())
    throw nic::Failure("device '" + device.name() + "' has no transmit queue: name another");
  ports.tx = device.tx_queues().front();
  const auto& from = rx_device != nullptr ? *rx_device : device;
  if (receives && from.rx_queues().empty()) {
    throw nic::Failure("device '" + from.name() + "' has no receive queue: name another, or write --send-only");
  }
  if (receives) ports.rx = from.rx_queues().front();
  if (setup_.cores.receiver_cpu) ports.receiver_lcore = 2;
  return ports;
}

TrialWatch Tester::watch() {
  return {.wait = [this](std::chrono::nanoseconds time) { return interrupts_.wait(time); },
          .on_progress = [this](const TrialProgress& progress) { line_.show(progress); }};
}

TrialResult Tester::self_test(double rate_pps) {
  line_.set_phase("self-test");
  nic::DeviceSpec spec;
  spec.name = "self-test";
  spec.eal_devices = {"net_ring_self"};
  nic::Device ring(spec);
  auto ports = ports_of(*device_, rx_device_.get());
  ports.tx = ring.tx_queues().front();
  ports.rx = ring.rx_queues().front();
  auto settings = setup_.engine;
  settings.pattern = Pattern{.seed = settings.pattern.seed};  // bursts and ramps would say less about the tester
  Engine engine(*eal_, ports, settings, plan_, *endpoints_, watch());
  auto result = engine.run({.rate_pps = rate_pps, .duration_s = self_test_s});
  ring.close();
  missing_buffers_ += engine.missing_buffers() + missing(&ring);
  return result;
}

std::uint64_t Tester::close() {
  device_->close();
  if (rx_device_) rx_device_->close();
  // Buffers of a driver that keeps some when it is closed may be the engine's own, too.
  const bool is_countable = device_->returns_mbufs() && (!rx_device_ || rx_device_->returns_mbufs());
  return missing_buffers_ + missing(device_.get()) + missing(rx_device_.get()) +
         (is_countable ? engine_->missing_buffers() : 0);
}

}  // namespace portier::load
