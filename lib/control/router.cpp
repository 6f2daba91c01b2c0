/// Puts the pieces together in the order in which they depend on each other, and takes them apart in reverse.
#include "control/router.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <thread>

#include "control/reload_check.hpp"
#include "control/ring_places.hpp"
#include "handlers/device_target.hpp"
#include "nic/failure.hpp"

namespace portier::control {

namespace {

constexpr unsigned send_mbufs = 1024;  // per core; replies in hand, in the device and in handlers' keeping
constexpr unsigned relay_size = 1024;
constexpr unsigned far_ring_size = 1024;
constexpr unsigned far_mbufs = 4096;
constexpr auto quiet_limit = std::chrono::milliseconds(2000);
constexpr auto supervision_period = std::chrono::milliseconds(5);
constexpr auto hurry_limit = std::chrono::milliseconds(200);  // what a sound data path needs by far

template <typename Core>
int run_core(void* core) {
  static_cast<Core*>(core)->run();
  return 0;
}

}  // namespace

Router::Router(const Settings& settings, const CorePlan& plan, std::vector<nic::DeviceSpec> specs,
               const handlers::Registry& registry, nic::Eal& eal, const packet::HashKey& hash_key)
    : settings_(settings),
      plan_(plan),
      eal_(eal),
      registry_(registry),
      mailbox_server_(
          mailroom_, settings.router.mailbox_socket.empty() ? default_mailbox_socket() : settings.router.mailbox_socket,
          [this](std::uint32_t slots) { return mail_shape(slots); }, static_cast<std::uint64_t>(nic::tsc_hz())),
      program_(static_cast<unsigned>(plan.rx_cpus.size() + plan.worker_cpus.size()),
               {.registry = registry_,
                .worker_cpus = plan.delivering_cpus(),
                .rx_cores = plan.mode == Mode::pipeline ? plan.rx_cpus.size() : 0,
                .device_macs = {},
                .hash_key = hash_key,
                .tsc_hz = nic::tsc_hz()}),
      watchdog_(std::chrono::milliseconds(settings.router.watchdog_ms)) {
  open_devices(std::move(specs));
  plan_transmit();
  registry_.replace("mailbox", [this](const auto& context) { return mailroom_.make_target(context); });
  registry_.replace("device", [this](const auto& context) { return handlers::make_device_target(context, links_); });
  registry_.replace("return", [](const auto& context) { return handlers::make_device_return(context); });
  note_links();
  program_.set_first(settings_);
  open_mailboxes();
  make_cores();
}

void Router::open_mailboxes() {
  if (!mailbox_server_.is_open() && mailroom_.is_in_use()) mailbox_server_.open();
}

/// Of the devices by which something is delivered: drivers are not asked for more than that.
void Router::note_links() {
  for (std::size_t device = 0; device < devices_.size(); ++device) {
    if (!links_.is_watched(device)) continue;
    links_.note(device, devices_[device]->is_link_up(), devices_[device]->counters().sent);
  }
}

/// A ring pair for every core that receives.
crosscore::MailShape Router::mail_shape(std::uint32_t slots) const {
  const auto cores = plan_.rx_cpus.size();
  return {.cores = static_cast<std::uint32_t>(cores),
          .places = static_cast<std::uint32_t>(ring_places(slots, cores, 1)),
          .capacity = slots,
          .reply_places = std::bit_ceil(slots)};
}

Router::~Router() {
  if (is_running_) stop(std::chrono::seconds(5));
  close();
}

void Router::open_devices(std::vector<nic::DeviceSpec> specs) {
  const auto cores = static_cast<unsigned>(plan_.rx_cpus.size() + plan_.worker_cpus.size());
  const auto rx = static_cast<unsigned>(plan_.rx_cpus.size());
  for (std::size_t i = 0; i < settings_.devices.size(); ++i) {
    far_ends_.push_back(nullptr);
    nic::DeviceSpec spec;
    if (settings_.devices[i].traffic) {
      far_ends_.back() =
          std::make_unique<nic::RingDevice>(settings_.devices[i].name, std::max(rx, cores), far_ring_size, far_mbufs);
      spec.eal_devices = {far_ends_.back()->eal_name()};
      spec.name = settings_.devices[i].name;
      spec.mbufs_per_queue = 64;  // receives the far end's mbufs, never its own
      spec.rx_queues = rx;
      spec.tx_queues = cores;
    } else {
      spec = std::move(specs[i]);
    }
    devices_.push_back(std::make_unique<nic::Device>(spec));
    program_.add_device(devices_.back()->mac());
  }
}

/// A queue of its own for every core, or, where a device has too few, a relay through the core that polls it.
void Router::plan_transmit() {
  const std::size_t cores = plan_.rx_cpus.size() + plan_.worker_cpus.size();
  lanes_.assign(cores, {});
  served_.assign(cores, {});
  const bool has_hardware = std::ranges::any_of(settings_.devices, [](const auto& d) { return !d.pci.empty(); });
  const auto layout = has_hardware ? nic::MbufLayout::page_each : nic::MbufLayout::packed;
  // A NIC keeps what it was given until it needs the descriptor again: whole queues of it, where packets are sent on.
  const bool forwards = std::ranges::any_of(settings_.services, [](const auto& service) {
    return std::ranges::any_of(service.deliver, [](const auto& target) { return target.handler == "device"; });
  });
  for (std::size_t core = 0; core < cores; ++core) {
    send_pools_.push_back(std::make_unique<nic::Pool>("send_" + std::to_string(core),
                                                      forwards ? 4 * send_mbufs : send_mbufs,
                                                      static_cast<unsigned>(crosscore::max_frame_bytes), layout));
  }
  for (std::size_t d = 0; d < devices_.size(); ++d) {
    const auto& queues = devices_[d]->tx_queues();
    const std::size_t owner = d % plan_.rx_cpus.size();
    const bool has_enough = queues.size() >= cores;
    relays_.push_back(has_enough ? nullptr
                                 : std::make_unique<nic::RelayRing>("relay_" + std::to_string(d), relay_size));
    for (std::size_t core = 0; core < cores; ++core) {
      const auto& queue = queues[has_enough ? core : 0];
      const bool is_direct = has_enough || core == owner;
      lanes_[core].push_back({queue.port, queue.queue, is_direct ? nullptr : relays_[d]->get()});
    }
    if (!has_enough) served_[owner].push_back({relays_[d]->get(), static_cast<std::uint8_t>(d)});
  }
}

datapath::CoreSpec Router::core_spec(std::size_t core) {
  const auto hz = static_cast<std::uint64_t>(tsc_hz());
  const bool is_rx = core < plan_.rx_cpus.size();
  const std::size_t rx = plan_.rx_cpus.size();
  datapath::CoreSpec spec;
  spec.reader = static_cast<unsigned>(core);
  spec.index = is_rx ? core : core - rx;
  spec.idle = settings_.router.idle == Idle::spin ? datapath::Idle::spin : datapath::Idle::adaptive;
  spec.burst = static_cast<std::uint16_t>(settings_.router.burst);
  spec.pool = send_pools_[core]->get();
  spec.lanes = lanes_[core];
  spec.relays = served_[core];
  spec.fragments = {.datagrams = settings_.fragments.datagrams,
                    .waiting = settings_.fragments.waiting,
                    .timeout_ticks = settings_.fragments.timeout_ms * hz / 1000};
  const std::uint64_t rate = settings_.closed_ports.reject_rate_pps;
  spec.reject_rate_pps = rate / rx + (core < rate % rx ? 1 : 0);  // the shares add up to the whole
  spec.tsc_hz = hz;
  if (is_rx) {
    // Queues are dealt out over the rx cores, starting where the device's relay owner is.
    for (std::size_t d = 0; d < devices_.size(); ++d) {
      const auto& queues = devices_[d]->rx_queues();
      for (std::size_t q = 0; q < queues.size(); ++q) {
        if ((d + q) % rx == core) spec.queues.push_back({queues[q], static_cast<std::uint8_t>(d)});
      }
    }
  }
  return spec;
}

void Router::make_cores() {
  const datapath::SharedState shared{program_.gate(), phase_};
  const std::size_t rx = plan_.rx_cpus.size();
  if (plan_.mode == Mode::run_to_completion) {
    for (std::size_t c = 0; c < rx; ++c)
      local_cores_.push_back(std::make_unique<datapath::LocalCore>(core_spec(c), shared));
    return;
  }
  const std::size_t workers = plan_.worker_cpus.size();
  const auto places = ring_places(settings_.router.ring_slots, rx, workers);
  for (std::size_t r = 0; r < rx * workers; ++r) {
    rings_.push_back(std::make_unique<crosscore::SlotRing>(settings_.router.ring_slots, places));
  }
  for (std::size_t c = 0; c < rx; ++c) {
    auto spec = core_spec(c);
    for (std::size_t w = 0; w < workers; ++w) spec.rings.push_back(rings_[c * workers + w].get());
    rx_cores_.push_back(std::make_unique<datapath::RxCore>(spec, shared));
  }
  for (std::size_t w = 0; w < workers; ++w) {
    auto spec = core_spec(rx + w);
    for (std::size_t c = 0; c < rx; ++c) spec.rings.push_back(rings_[c * workers + w].get());
    worker_cores_.push_back(std::make_unique<datapath::WorkerCore>(spec, shared));
  }
}

void Router::start() {
  unsigned lcore = 1;
  is_running_ = true;
  for (auto& core : worker_cores_) {
    eal_.launch(static_cast<unsigned>(rx_cores_.size()) + lcore++, run_core<datapath::WorkerCore>, core.get());
  }
  lcore = 1;
  for (auto& core : rx_cores_) eal_.launch(lcore++, run_core<datapath::RxCore>, core.get());
  for (auto& core : local_cores_) eal_.launch(lcore++, run_core<datapath::LocalCore>, core.get());
  supervisor_.start([this] { supervise(); }, supervision_period);
  shared_.take(settings_);
}

std::optional<std::string> Router::reload(const Settings& settings) {
  if (auto refusal = needs_restart(settings_, settings)) return refusal;
  // Marks of rx cores know one change of workers: another on top of it could overtake packets that still wait.
  const auto is_settled = [this](const auto& core) { return core->settled_generation() == generation(); };
  auto settle_deadline = std::chrono::steady_clock::now() + quiet_limit;
  if (is_running_ && !wait_for([&] { return std::ranges::all_of(rx_cores_, is_settled); }, settle_deadline, {})) {
    return "a worker has not caught up since the last change of workers: see which handler is slow, then try again";
  }
  try {
    program_.replace(settings, settings_, is_running_, [&] {
      if (shared_.give_back_unbound(settings) && is_running_) wait_until_received(quiet_limit);
    });
  } catch (const std::runtime_error& fault) {
    return fault.what();
  }
  settings_ = settings;
  try {
    open_mailboxes();
  } catch (const std::runtime_error& fault) {
    if (tell_)
      tell_({"mailboxes", fmt::format("the configuration is in force, but no process can come: {}", fault.what())});
  }
  if (is_running_) shared_.take(settings_);
  return std::nullopt;
}

void Router::supervise() {
  watch_calls();
  for (const auto& event : mailbox_server_.look()) {
    if (tell_) tell_(event);
  }
  note_links();
  std::uint64_t faults = 0;
  for (const auto* core : counters()) faults += core->faults.value();
  for (const auto& event : program_.supervise(faults)) {
    if (tell_) tell_(event);
  }
}

void Router::watch_calls() {
  for (const auto& event : watchdog_.tick(std::chrono::steady_clock::now(), calls())) {
    if (!event.has_returned) stuck_calls_.add(1);
    const auto service = name_of(event.service);
    if (tell_) tell_({.about = service, .sentence = to_text(event, service)});
  }
}

void Router::wait_until_received(std::chrono::milliseconds limit) const {
  // A turn takes a burst out of each queue, so turns are counted: a busy machine makes them late, never fewer.
  const auto turns = shared_.queue_packets() / settings_.router.burst + 2;
  std::vector<std::pair<const datapath::CoreCounters*, std::uint64_t>> awaited;
  const auto await = [&](const auto& core) {
    awaited.emplace_back(&core->counters(), core->counters().turns.value() + turns);
  };
  std::ranges::for_each(rx_cores_, await);
  std::ranges::for_each(local_cores_, await);
  auto deadline = std::chrono::steady_clock::now() + limit;
  wait_for(
      [&] { return std::ranges::all_of(awaited, [](const auto& a) { return a.first->turns.value() >= a.second; }); },
      deadline, {});
}

bool Router::wait_for(const std::function<bool()>& reached, std::chrono::steady_clock::time_point& deadline,
                      const std::function<bool()>& impatient) const {
  while (!reached()) {
    const auto now = std::chrono::steady_clock::now();
    if (impatient && impatient()) deadline = std::min(deadline, now + hurry_limit);
    if (now > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  return true;
}

bool Router::stop(std::chrono::milliseconds limit, const std::function<bool()>& impatient) {
  if (!is_running_) return true;
  supervisor_.stop();
  auto deadline = std::chrono::steady_clock::now() + limit;
  if (shared_.give_back_all()) wait_until_received(std::min(limit, quiet_limit));
  const auto all = [](const auto& cores, auto is_so) { return std::ranges::all_of(cores, is_so); };
  phase_.ask(crosscore::Phase::stop_receiving);
  const auto is_quiet = [](const auto& core) { return core->is_quiet().is_set(); };
  if (!wait_for([&] { return all(rx_cores_, is_quiet) && all(local_cores_, is_quiet); }, deadline, impatient)) {
    return false;
  }
  phase_.ask(crosscore::Phase::drain_workers);
  const auto is_done = [](const auto& core) { return core->is_done().is_set(); };
  if (!wait_for([&] { return all(worker_cores_, is_done); }, deadline, impatient)) return false;
  phase_.ask(crosscore::Phase::stop);
  for (unsigned lcore = 1; lcore <= plan_.rx_cpus.size() + plan_.worker_cpus.size(); ++lcore) eal_.wait(lcore);
  is_running_ = false;
  return true;
}

std::vector<const datapath::CoreCounters*> Router::counters() const {
  std::vector<const datapath::CoreCounters*> all;
  for (const auto& core : rx_cores_) all.push_back(&core->counters());
  for (const auto& core : worker_cores_) all.push_back(&core->counters());
  for (const auto& core : local_cores_) all.push_back(&core->counters());
  return all;
}

Ledger Router::ledger() {
  auto ledger = take_ledger(counters(), service_labels(settings_, program_.ids()));
  ledger.mailboxes = mailroom_.status();
  ledger.chains = program_.chains();
  ledger.cores = take_core_accounts(counters(), plan_, tsc_hz());
  ledger.stuck_calls = stuck_calls_.value();
  return ledger;
}

MbufCensus Router::close() {
  supervisor_.stop();
  program_.clear();
  MbufCensus census;
  for (auto& device : devices_) device->close();
  for (auto& far_end : far_ends_) {
    if (far_end != nullptr) far_end->drain();
  }
  relays_.clear();
  const auto count = [&](const nic::Pool& pool) {
    census.total += pool.size();
    census.available += pool.available();
  };
  for (const auto& device : devices_) {
    if (device->returns_mbufs()) {
      count(device->pool());
    } else {
      census.uncounted += device->pool().size();
    }
  }
  for (const auto& far_end : far_ends_) {
    if (far_end != nullptr) count(far_end->pool());
  }
  for (const auto& pool : send_pools_) count(*pool);
  return census;
}

}  // namespace portier::control
