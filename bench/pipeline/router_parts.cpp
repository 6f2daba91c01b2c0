/// Makes the pieces.
#include "router_parts.hpp"

#include <fmt/format.h>

#include "packet/reason.hpp"
#include "read_frame.hpp"

namespace portier::bench {

namespace {

constexpr unsigned send_mbufs = 256;  // the handlers here answer nothing

class Reader final : public datapath::Handler {
 public:
  explicit Reader(Reads reads) : reads_(reads) {}
  void on_burst(datapath::Burst& burst) override {
    std::uint64_t sum = 0;
    for (const auto& packet : burst) {
      sum += packet.flow_hash() + read_frame(packet.frame().data(), packet.frame().size(), reads_);
    }
    sum_.add(sum);
  }

 private:
  Reads reads_;
  crosscore::Counter sum_;  ///< of what was read, so that the reading is not for nothing
};

}  // namespace

void bind_ports(control::ServiceSettings& service, std::uint16_t first, std::uint16_t last) {
  for (const auto transport : {packet::Transport::udp, packet::Transport::tcp}) {
    control::BindingSettings binding;
    binding.binding.transport = transport;
    binding.binding.first_port = first;
    binding.binding.last_port = last;
    service.bindings.push_back(binding);
  }
}

void add_service(control::Settings& settings, const std::string& name, const std::string& handler) {
  settings.services.emplace_back().name = name;
  settings.services.back().deliver.push_back({.handler = handler, .options = {}, .place = {}});
}

handlers::Registry registry_with_reader(Reads reads) {
  auto registry = handlers::Registry::with_builtins();
  registry.add("read", [reads](const datapath::HandlerContext&) { return std::make_unique<Reader>(reads); });
  return registry;
}

control::Settings settings_for(const Capture& capture, unsigned services, const std::string& handler) {
  control::Settings settings;
  settings.closed_ports.action = control::ClosedAction::drop;
  const auto count = capture.ports.empty() ? services : static_cast<unsigned>(capture.ports.size());
  for (unsigned k = 0; k < count; ++k) {
    add_service(settings, fmt::format("s{}", k), handler);
    if (capture.ports.empty()) {
      bind_ports(settings.services.back(), static_cast<std::uint16_t>(65536ULL * k / count),
                 static_cast<std::uint16_t>(65536ULL * (k + 1) / count - 1));
    } else {
      bind_ports(settings.services.back(), capture.ports[k], capture.ports[k]);
    }
  }
  return settings;
}

RouterParts::RouterParts(const Match& match, const control::Settings& settings, const handlers::Registry& registry,
                         unsigned workers)
    : match_(match), gate_(1 + workers) {
  control::ProgramContext context{.registry = registry,
                                  .worker_cpus = {},
                                  .rx_cores = workers == 0 ? 0U : 1U,
                                  .device_macs = {{0x02, 0, 0, 0, 0, 0x02}},
                                  .tsc_hz = nic::tsc_hz()};
  const unsigned delivering = std::max(1U, workers);
  for (unsigned worker = 0; worker < delivering; ++worker) context.worker_cpus.push_back(worker);
  control::ServiceIds ids;
  program_ = control::build_program(settings, context, ids, 1, nullptr, nullptr);
  gate_.set_first(program_.get());
  for (unsigned core = 0; core < 1 + workers; ++core) {
    send_pools_.push_back(
        std::make_unique<nic::Pool>("bench_send_" + std::to_string(core), send_mbufs, nic::receive_room_bytes));
  }
}

datapath::CoreSpec RouterParts::spec(unsigned reader, unsigned index) const {
  const auto hz = static_cast<std::uint64_t>(nic::tsc_hz());
  datapath::CoreSpec made;
  made.reader = reader;
  made.index = index;
  made.idle = datapath::Idle::spin;
  made.burst = static_cast<std::uint16_t>(match_.options.burst);
  made.pool = send_pools_[reader]->get();
  made.lanes = {{.port = match_.source.queue().port, .queue = 0, .relay = nullptr}};
  made.fragments = {.datagrams = 4096, .waiting = 64, .timeout_ticks = hz};
  made.tsc_hz = hz;
  return made;
}

datapath::CoreSpec RouterParts::rx_spec() const {
  auto made = spec(0, 0);
  made.queues = {{match_.source.queue(), 0}};
  return made;
}

datapath::CoreSpec RouterParts::worker_spec(unsigned worker) const { return spec(1 + worker, worker); }

void add_counters(const datapath::CoreCounters& counters, Tally& tally) {
  tally.received += counters.received.packets.value();
  for (table::ServiceId service = 0; service < table::max_services; ++service) {
    tally.delivered += counters.delivered[service].packets.value();
    for (std::size_t reason = 0; reason < packet::reason_count; ++reason) {
      const auto packets = counters.dropped[service][reason].value();
      if (packets == 0) continue;
      tally.dropped[std::string(packet::text_of(static_cast<packet::Reason>(reason)).name)] += packets;
    }
  }
}

}  // namespace portier::bench
