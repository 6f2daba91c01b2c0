/// The end of a run whose handler blocks for ever: the process names it and exits, as nobody can join its core.
#include "control/run_loop.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "traffic/frame.hpp"

namespace portier::control {
namespace {

/// Pushes one packet, for UDP port 7.
class OnePacket final : public Source {
 public:
  explicit OnePacket(nic::RingDevice& ring) : ring_(ring) {}
  void start() override {
    const auto frame =
        traffic::frame().ipv4(traffic::v4(192, 0, 2, 2), traffic::v4(192, 0, 2, 1)).udp(9, 7).payload(18).build();
    const packet::Bytes bytes(frame);
    ring_.push(0, {&bytes, 1});
  }
  void stop() override {}

 private:
  nic::RingDevice& ring_;
};

class Blocking final : public datapath::Handler {
 public:
  explicit Blocking(std::atomic<bool>& is_inside) : is_inside_(is_inside) {}
  void on_burst(datapath::Burst&) override {
    is_inside_ = true;
    for (;;) std::this_thread::sleep_for(std::chrono::seconds(1));
  }

 private:
  std::atomic<bool>& is_inside_;
};

[[noreturn]] void run_with_blocking_handler() {
  static std::atomic<bool> is_inside{false};
  sigset_t end;  // not for the thread below
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &end, nullptr);
  if (std::freopen("/dev/null", "w", stdout) == nullptr) std::abort();  // what is judged is on stderr
  auto registry = handlers::Registry::with_builtins();
  registry.add("blocking", [](const auto&) { return std::make_unique<Blocking>(is_inside); });
  RunOptions options;
  options.config.built_in = R"(
[router]
watchdog_ms = 100
[[device]]
name = "lan"
traffic = true
[[service]]
name = "stuck"
bindings = ["udp/7"]
deliver = ["blocking"]
)";
  std::thread([] {
    while (!is_inside) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (int wish = 0; wish < 20; ++wish) {  // the first ends the run, the others are impatient
      kill(getpid(), SIGTERM);
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }).detach();
  std::_Exit(run_router(options, registry, [](const FarEnd& far) { return std::make_unique<OnePacket>(far.ring); }));
}

TEST(RunLoopDeathTest, AHandlerThatBlocksIsNamed) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(run_with_blocking_handler(), testing::ExitedWithCode(run_failed),
              "service 'stuck' on CPU [0-9]+: its handler has not returned for 0.1 s;.*\n"
              ".*service 'stuck' on CPU [0-9]+: its handler blocks\n"
              ".*a core did not stop");
}

}  // namespace
}  // namespace portier::control
