/// The other side of the example: clients inside the program, for devices with `traffic = true`. A server that only
/// works on real interfaces needs nothing of this.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string>
#include <thread>

#include "control/run_loop.hpp"
#include "packet/bytes.hpp"

namespace kv {

/// 64 clients, each with a flow and a key of its own: each sets its key to a new value, reads it back, and so on, with
/// one request under way at a time. Says at the end how many answers were as they should be.
class Client final : public portier::control::Source {
 public:
  explicit Client(const portier::control::FarEnd& to);

  void start() override;
  void stop() override;

 private:
  struct Flow {
    std::uint64_t round = 0;  ///< even: the next request sets, odd: it gets
    bool is_waiting = false;
  };
  static constexpr std::uint16_t first_port = 40'000;

  void run(const std::stop_token& stop);
  bool ask(std::size_t number);
  void read_answers();
  void read_answer(portier::packet::Bytes frame);
  std::string request(std::size_t number) const;
  std::string right_answer(std::size_t number) const;

  portier::control::FarEnd to_;
  std::uint16_t port_;
  std::array<Flow, 64> flows_;
  std::uint64_t asked_ = 0;
  std::uint64_t right_ = 0;
  std::uint64_t wrong_ = 0;
  std::jthread thread_;
};

}  // namespace kv
