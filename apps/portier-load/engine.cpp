/// One trial: orders for both cores, a watch over them, the sum of their accounts.
#include "engine.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "send_loop.hpp"

namespace portier::load {

namespace {

constexpr unsigned buffers = 8192;
constexpr double lead_s = 0.01;   ///< from the decision to start until the first packet: both cores are there
constexpr double quiet_s = 0.02;  ///< when nothing is missing: how long to listen for duplicates
constexpr double most_intervals = 100;
constexpr double least_interval_s = 0.01;

MarkKey random_key() {
  MarkKey key;
  if (getrandom(&key, sizeof key, 0) != sizeof key) return MarkKey{};
  return key;
}

std::string next_pool_name() {
  static unsigned number = 0;
  return "load_tx_" + std::to_string(number++);
}

}  // namespace

/// What control and the cores say to each other in one trial.
struct Engine::Signals {
  crosscore::DoneFlag stop_sending;
  crosscore::DoneFlag sending_done;
  crosscore::DoneFlag stop_receiving;
  crosscore::Counter sent;
  crosscore::Counter received;
  crosscore::Counter frames;
};

/// What runs on the cores. A core's account is control's when that core has ended.
struct Engine::Cores {
  Engine& engine;
  const SendOrder& order;
  SendPort port;
  std::optional<Receiver> receiver;
  SendAccount sent{};

  template <class Meanwhile>
  void send_all(Meanwhile& meanwhile) {
    sent = engine.marked_ ? send(order, port, engine.clock_, *engine.marked_, meanwhile)
                          : send(order, port, engine.clock_, *engine.capture_, meanwhile);
  }
  static int send_only(void* self) {
    auto& cores = *static_cast<Cores*>(self);
    const auto nothing = [] {};
    cores.send_all(nothing);
    return 0;
  }
  static int receive_only(void* self) {
    static_cast<Cores*>(self)->receiver->run();
    return 0;
  }
  static int send_and_receive(void* self) {
    auto& cores = *static_cast<Cores*>(self);
    const auto receive = [&] { cores.receiver->poll(); };
    cores.send_all(receive);
    cores.receiver->run();
    return 0;
  }
};

Engine::Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, TrialWatch watch,
               std::size_t longest_bytes)
    : eal_(eal),
      ports_(ports),
      settings_(settings),
      watch_(std::move(watch)),
      clock_(nic::tsc_hz()),
      key_(random_key()),
      pool_(std::make_unique<nic::Pool>(next_pool_name(), buffers,
                                        std::max(nic::receive_room_bytes, static_cast<unsigned>(longest_bytes) + 64))) {
  fill_pool(pool_->get());
}

Engine::Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, const TrafficPlan& plan,
               const Endpoints& endpoints, TrialWatch watch)
    : Engine(eal, ports, settings, std::move(watch), plan.longest_bytes) {
  services_ = plan.services;
  flows_ = endpoints.size();
  reader_ = std::make_unique<FrameReader>(services_, key_);
  marked_.emplace(plan, endpoints, key_, clock_.tsc_hz());
}

Engine::Engine(nic::Eal& eal, const EnginePorts& ports, const EngineSettings& settings, const Recording& recording,
               TrialWatch watch)
    : Engine(eal, ports, settings, std::move(watch),
             std::max_element(recording.frames.begin(), recording.frames.end(), [](const auto& a, const auto& b) {
               return a.size() < b.size();
             })->size()) {
  recording_ = &recording;
  reader_ = std::make_unique<FrameReader>(services_, key_);
  capture_.emplace(recording.frames);
  for (const auto ns : recording.times_ns) {
    recorded_ticks_.push_back(clock_.ticks(static_cast<double>(ns) * 1e-9 / recording.speed));
  }
}

SendOrder Engine::order_for(const TrialRequest& request) {
  if (std::isnan(request.rate_pps) || request.rate_pps <= 0) {
    throw std::invalid_argument("a trial needs a rate above 0");
  }
  if (!(request.duration_s > 0) && request.burst_packets == 0) {
    throw std::invalid_argument("a trial needs a duration above 0");
  }
  SendOrder order;
  const bool is_unpaced = std::isinf(request.rate_pps) || request.burst_packets != 0;
  auto duration_s = request.duration_s;
  if (request.burst_packets != 0) {
    // Back to back; the time only bounds it, far above what any device needs.
    order.packet_limit = request.burst_packets;
    duration_s = 1 + static_cast<double>(request.burst_packets) / 1000;
  } else if (recording_ != nullptr && recording_->is_timed) {
    // From the last packet to the first of the next round: as long as packets are apart on average.
    const auto span = recorded_ticks_.back();
    const auto gap = recorded_ticks_.size() > 1 ? span / (recorded_ticks_.size() - 1) : clock_.ticks(1);
    order.schedule.emplace(recorded_ticks_, recording_->loops, gap);
    order.expected_packets = recording_->loops * recorded_ticks_.size();
    duration_s = clock_.seconds((span + gap) * recording_->loops);
  } else if (!is_unpaced) {
    const auto& pattern = settings_.pattern;
    order.schedule.emplace(pattern, request.rate_pps, duration_s, clock_.tsc_hz());
    const double mean =
        pattern.kind == PatternKind::ramp ? (request.rate_pps + pattern.ramp_to_pps) / 2 : request.rate_pps;
    order.expected_packets = static_cast<std::uint64_t>(std::llround(mean * duration_s));
  }
  order.duration_ticks = clock_.ticks(duration_s);
  const double interval_s = std::max(duration_s / most_intervals, least_interval_s);
  order.interval_ticks = std::max<std::uint64_t>(clock_.ticks(interval_s), 1);
  order.intervals = static_cast<std::size_t>(std::ceil(duration_s / interval_s - 1e-9));
  if (request.burst_packets != 0) order.intervals = 1;
  order.start_ticks = clock_.now() + clock_.ticks(lead_s);
  return order;
}

TrialResult Engine::run(const TrialRequest& request) {
  if (marked_) marked_->restart();
  if (capture_) capture_->restart();
  auto order = order_for(request);
  Signals signals;
  Cores cores{
      *this, order,
      SendPort{ports_.tx, pool_->get(), settings_.burst, &signals.stop_sending, &signals.sending_done, &signals.sent},
      std::nullopt};
  if (ports_.rx) {
    const ReceivePort port{*ports_.rx, &signals.stop_receiving, &signals.sent, &signals.received, &signals.frames};
    const ReceiveOrder receive{order.start_ticks, order.interval_ticks, order.intervals, flows_, marked_.has_value()};
    cores.receiver.emplace(receive, port, *reader_, services_, clock_);
    // Accounts for thousands of services take a while to make: the start must not lie in the past.
    order.start_ticks = clock_.now() + clock_.ticks(lead_s);
    cores.receiver->start_at(order.start_ticks);
  }
  if (ports_.rx && ports_.receiver_lcore) {
    eal_.launch(*ports_.receiver_lcore, Cores::receive_only, &cores);
    eal_.launch(ports_.sender_lcore, Cores::send_only, &cores);
  } else {
    eal_.launch(ports_.sender_lcore, ports_.rx ? Cores::send_and_receive : Cores::send_only, &cores);
  }
  watch_over(request, order, signals);
  eal_.wait(ports_.sender_lcore);
  if (ports_.rx && ports_.receiver_lcore) eal_.wait(*ports_.receiver_lcore);
  return put_together(request, order, cores.sent, cores.receiver ? &cores.receiver->account() : nullptr);
}

/// Waits for the end of sending, then for what is still under way.
void Engine::watch_over(const TrialRequest&, const SendOrder& order, Signals& signals) const {
  using namespace std::chrono_literals;
  bool is_stopped = false;
  auto look = [&](std::chrono::nanoseconds time) {
    if (watch_.wait && watch_.wait(time)) is_stopped = true;
    if (is_stopped) signals.stop_sending.set();
    if (!watch_.on_progress) return;
    const auto now = static_cast<std::int64_t>(clock_.now() - order.start_ticks);
    watch_.on_progress({.elapsed_s = now > 0 ? clock_.seconds(static_cast<std::uint64_t>(now)) : 0,
                        .duration_s = clock_.seconds(order.duration_ticks),
                        .sent = signals.sent.value(),
                        .received = signals.received.value()});
  };
  while (!signals.sending_done.is_set()) look(10ms);
  if (!ports_.rx) return;
  const auto give_up = clock_.now() + clock_.ticks(settings_.drain_s);
  auto quiet_since = clock_.now();
  auto frames = signals.frames.value();
  while (clock_.now() < give_up) {
    look(1ms);
    if (signals.frames.value() != frames) {
      frames = signals.frames.value();
      quiet_since = clock_.now();
    }
    const bool is_quiet = clock_.now() - quiet_since > clock_.ticks(quiet_s);
    if (is_quiet && signals.received.value() >= signals.sent.value()) break;
  }
  signals.stop_receiving.set();
}

void Engine::add_services(TrialResult& result, const ReceiveAccount* received) const {
  LatencyRecorder all;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    ServiceResult service;
    service.name = services_[i].name;
    service.sent = marked_->written(i);
    if (received != nullptr) {
      const auto& account = received->services[i];
      service.received = account.received;
      service.lost = service.sent - std::min(service.sent, account.received);
      service.duplicated = account.duplicated;
      service.reordered = account.reordered;
      service.syn_acks = account.syn_acks;
      service.resets = account.resets;
      service.unreachables = account.unreachables;
      service.latency = account.latency.sample();
      result.received += account.received;
      result.duplicated += account.duplicated;
      result.reordered += account.reordered;
      result.late += account.late;
      all.add(account.latency);
    }
    result.services.push_back(std::move(service));
  }
  result.latency = all.sample();
}

TrialResult Engine::put_together(const TrialRequest& request, const SendOrder& order, const SendAccount& sent,
                                 const ReceiveAccount* received) const {
  TrialResult result;
  result.request = request;
  result.sending_s = clock_.seconds(sent.sending_ticks);
  result.intended = sent.intended;
  result.sent = sent.sent;
  result.device_full = sent.full_turns;
  result.no_buffers = sent.starved_turns;
  result.is_interrupted = sent.is_interrupted;
  result.bytes_per_packet = sent.sent == 0 ? 0 : static_cast<double>(sent.sent_bytes) / static_cast<double>(sent.sent);
  result.pacing_error = sent.pacing_error.sample();
  add_services(result, received);
  if (received != nullptr) {
    if (!marked_) result.received = received->frames;
    result.lost = result.sent - std::min(result.sent, result.received);
    result.foreign = received->foreign;
    result.damaged = received->damaged;
    result.stale = received->stale;
    result.latency_from_send = received->from_send.sample();
    result.delay_variation = received->delay_variation.sample();
    const auto span = received->last_ticks - received->first_ticks;
    if (span != 0) result.received_pps = static_cast<double>(result.received - 1) / clock_.seconds(span);
  }
  for (std::size_t i = 0; i < order.intervals; ++i) {
    IntervalResult interval;
    interval.start_s = clock_.seconds(order.interval_ticks * i);
    if (interval.start_s > result.sending_s) break;
    interval.sent = sent.sent_by_interval[i];
    if (received != nullptr) {
      const auto& account = received->intervals[i];
      interval.received = account.received;
      interval.p50_ns = account.latency.quantile_ns(0.5);
      interval.p99_ns = account.latency.quantile_ns(0.99);
      interval.max_ns = account.latency.max_ns();
    }
    result.intervals.push_back(interval);
  }
  return result;
}

}  // namespace portier::load
