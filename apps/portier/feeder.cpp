/// Makes destinations out of bindings, and paces.
#include "feeder.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <stdexcept>

#include "packet/flow_hash.hpp"
#include "packet/parse.hpp"

namespace portier::app {

namespace {

constexpr std::size_t at_once = 64;

/// An address inside a prefix; documentation addresses (RFC 5737, RFC 3849) where any will do.
packet::Address inside(const packet::Prefix& prefix, std::uint8_t version) {
  if (!prefix.is_any()) {
    auto address = prefix.address;
    if (prefix.length < address.bits()) address.bytes[address.size() - 1] |= 1;
    return address.version == version ? address : packet::Address{};
  }
  if (version == 4) return packet::ipv4(0xc0000201);  // 192.0.2.1
  packet::Address address;
  address.version = 6;
  address.bytes = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return address;
}

std::vector<traffic::Destination> destinations_of(const control::Settings& settings) {
  std::vector<traffic::Destination> destinations;
  for (const auto& service : settings.services) {
    for (const auto& written : service.bindings) {
      const auto& binding = written.binding;
      const auto ports = std::min<std::uint32_t>(binding.port_count(), 4);  // a range is shown by its first ports
      for (std::uint32_t k = 0; k < ports; ++k) {
        destinations.push_back({.dst4 = inside(binding.destination, 4),
                                .dst6 = inside(binding.destination, 6),
                                .proto = packet::text_of(binding.transport).proto,
                                .port = static_cast<std::uint16_t>(binding.first_port + k)});
      }
    }
  }
  if (destinations.empty())
    throw std::invalid_argument("the built-in source needs a service with a binding to send to");
  return destinations;
}

traffic::Mix make_mix(const control::Settings& settings, const std::array<std::uint8_t, 6>& mac) {
  const auto& traffic = settings.traffic;
  traffic::MixSettings mix;
  mix.seed = traffic.seed;
  mix.zipf = traffic.zipf;
  mix.closed_share = traffic.closed_share;
  mix.fragment_share = traffic.fragment_share;
  mix.malformed_share = traffic.malformed_share;
  mix.ipv6_share = traffic.ipv6_share;
  mix.flows = traffic.flows;
  std::copy(mac.begin(), mac.end(), mix.dst_mac.begin());
  const auto destinations = destinations_of(settings);
  return {mix, destinations, traffic::closed_ports_except(destinations)};
}

/// As a NIC's RSS would choose, by addresses only, so that all fragments of a datagram share a queue.
std::uint8_t queue_of(const traffic::Frame& frame, unsigned queues) {
  const auto facts = packet::parse(frame);
  if (facts.ip_version == 0) return 0;
  auto flow = packet::flow_key(frame.data(), facts);
  flow.src_port = flow.dst_port = 0;
  flow.proto = 0;
  return static_cast<std::uint8_t>(packet::flow_hash(packet::fixed_hash_key, flow) % queues);
}

}  // namespace

Feeder::Feeder(const control::Settings& settings, nic::RingDevice& far_end, std::array<std::uint8_t, 6> device_mac,
               unsigned queues)
    : mix_(make_mix(settings, device_mac)), far_end_(far_end), rate_pps_(settings.traffic.rate_pps) {
  for (const auto& frame : mix_.pool()) queue_of_.push_back(queue_of(frame.bytes, queues));
}

Feeder::~Feeder() {
  end_.set();
  if (thread_.joinable()) thread_.join();
}

void Feeder::start() {
  thread_ = std::thread([this] { run(); });
}

void Feeder::stop() {
  if (!thread_.joinable()) return;
  stop_.set();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
  while (far_end_.waiting() != 0 && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

/// Pushes up to `count` frames; stops early at a full ring, so nothing is lost and order is kept.
std::size_t Feeder::push(std::size_t count) {
  const auto pool = mix_.pool();
  std::size_t done = 0;
  while (done < count) {
    // A run of frames for one queue goes in one call.
    std::array<packet::Bytes, at_once> frames;
    std::size_t run = 0;
    const auto queue = queue_of_[position_];
    for (std::size_t at = position_; run < std::min(at_once, count - done); ++run) {
      if (queue_of_[at] != queue) break;
      frames[run] = pool[at].bytes;
      at = at + 1 == pool.size() ? 0 : at + 1;
    }
    const auto taken = far_end_.push(queue, {frames.data(), run});
    position_ = (position_ + taken) % pool.size();
    done += taken;
    if (taken < run) break;
  }
  sent_.add(done);
  return done;
}

void Feeder::run() {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double sent = 0;
  while (!end_.is_set()) {
    far_end_.pull(nullptr, nullptr);  // answers have arrived at their receiver
    std::size_t due = stop_.is_set() ? 0 : at_once;
    if (rate_pps_ > 0 && due != 0) {
      const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
      due = static_cast<std::size_t>(std::clamp(elapsed * rate_pps_ - sent, 0.0, 1024.0));
    }
    const auto pushed = due == 0 ? 0 : push(due);
    sent += static_cast<double>(pushed);
    if (pushed == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    // After a pause of this thread the missed packets are not made up for: a burst of them would say nothing.
    if (rate_pps_ > 0 && pushed < due) {
      sent = std::max(sent, std::chrono::duration<double>(Clock::now() - start).count() * rate_pps_ - 1024.0);
    }
  }
}

}  // namespace portier::app
