/// Asks, compares, asks again.
#include "kv_client.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string_view>

#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace kv {

using namespace portier;

namespace {

constexpr auto last_answers_limit = std::chrono::seconds(2);

std::uint16_t port_of_store(const control::Settings& settings) {
  for (const auto& service : settings.services) {
    for (const auto& binding : service.bindings) return binding.binding.first_port;
  }
  throw std::invalid_argument("the clients need a service with a binding to send to");
}

packet::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

Client::Client(const control::FarEnd& to) : to_(to), port_(port_of_store(to.settings)) {}

void Client::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

void Client::stop() {
  thread_.request_stop();
  thread_.join();
  std::fprintf(stderr, "kv clients: %llu requests, %llu answered rightly, %llu wrongly\n",
               static_cast<unsigned long long>(asked_), static_cast<unsigned long long>(right_),
               static_cast<unsigned long long>(wrong_));
}

void Client::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    bool has_asked = false;
    for (std::size_t number = 0; number < flows_.size(); ++number) {
      if (!flows_[number].is_waiting) has_asked = ask(number) || has_asked;
    }
    read_answers();
    if (!has_asked) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  const auto deadline = std::chrono::steady_clock::now() + last_answers_limit;
  const auto is_waiting = [](const Flow& flow) { return flow.is_waiting; };
  while (std::ranges::any_of(flows_, is_waiting) && std::chrono::steady_clock::now() < deadline) {
    read_answers();
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

void Client::read_answers() {
  to_.ring.pull([](void* self, packet::Bytes frame) { static_cast<Client*>(self)->read_answer(frame); }, this);
}

/// False: the ring is full.
bool Client::ask(std::size_t number) {
  const auto source_port = static_cast<std::uint16_t>(first_port + number);
  auto builder = traffic::frame();
  builder.dst_mac(to_.device_mac);
  if (number % 2 == 0) {
    builder.ipv4(traffic::v4(198, 51, 100, 7), traffic::v4(192, 0, 2, 10));
  } else {
    builder.ipv6(traffic::v6(0x20010db8'00000000, 7), traffic::v6(0x20010db8'00000000, 10));
  }
  const auto frame = builder.udp(source_port, port_).payload(bytes_of(request(number))).build();
  const packet::Bytes bytes(frame);
  if (to_.ring.push(static_cast<unsigned>(number) % to_.queues, {&bytes, 1}) == 0) return false;
  asked_ += 1;
  flows_[number].is_waiting = true;
  return true;
}

void Client::read_answer(packet::Bytes frame) {
  const auto facts = packet::parse(frame);
  if (!facts.ports_known || facts.proto != packet::wire::proto_udp || facts.dst_port < first_port) return;
  const std::size_t number = facts.dst_port - first_port;
  if (number >= flows_.size() || !flows_[number].is_waiting) return;
  const auto text = frame.subspan(facts.l4_offset, packet::load16(frame.data() + facts.l4_offset + 4))
                        .subspan(packet::wire::udp_size);
  const auto expected = right_answer(number);
  (std::ranges::equal(text, bytes_of(expected)) ? right_ : wrong_) += 1;
  flows_[number].round += 1;
  flows_[number].is_waiting = false;
}

std::string Client::request(std::size_t number) const {
  const auto round = flows_[number].round;
  const auto key = "key-" + std::to_string(number);
  return round % 2 == 0 ? "SET " + key + " value " + std::to_string(round / 2) : "GET " + key;
}

std::string Client::right_answer(std::size_t number) const {
  const auto round = flows_[number].round;
  return round % 2 == 0 ? "OK" : "VALUE value " + std::to_string(round / 2);
}

}  // namespace kv
