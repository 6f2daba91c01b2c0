/// `portier run`: the router itself, with its table every second and its ledger at the end.
#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "commands.hpp"
#include "control/checks.hpp"
#include "control/device_plan.hpp"
#include "control/report.hpp"
#include "control/router.hpp"
#include "feeder.hpp"
#include "nic/failure.hpp"
#include "session.hpp"

namespace portier::app {

namespace {

using Clock = std::chrono::steady_clock;

/// Signals are waited for, never handled: no code runs in the middle of other code. Blocked before any thread starts.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set_, number);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    signal(SIGPIPE, SIG_IGN);
  }
  /// The number of a signal that came within `time`, or 0.
  int wait(std::chrono::nanoseconds time) const {
    time = std::max(time, std::chrono::nanoseconds(0));
    const timespec limit{.tv_sec = time.count() / 1'000'000'000, .tv_nsec = time.count() % 1'000'000'000};
    const int number = sigtimedwait(&set_, nullptr, &limit);
    return number < 0 ? 0 : number;
  }
  /// Another wish to end.
  bool end_is_asked() const {
    const int number = wait(std::chrono::nanoseconds(0));
    return number == SIGINT || number == SIGTERM;
  }

 private:
  sigset_t set_;
};

packet::HashKey random_key() {
  packet::HashKey key = packet::fixed_hash_key;
  if (getrandom(&key, sizeof key, 0) != sizeof key) return packet::fixed_hash_key;
  return key;
}

/// A line for people on stderr, where tables and JSON do not go.
void say(const std::string& text) { std::fprintf(stderr, "portier: %s\n", text.c_str()); }

class Screen {
 public:
  explicit Screen(bool is_json) : is_json_(is_json), redraws_(!is_json && isatty(STDOUT_FILENO) == 1) {}

  void show(const control::Interval& interval) {
    if (is_json_) return print(control::table_json(interval) + "\n");
    const auto text = control::table_text(interval);
    // On a terminal the table stays in its place; in a file one stands under the other.
    if (redraws_ && lines_ != 0) std::printf("\033[%zuA\033[J", lines_);
    print(redraws_ ? text : text + "\n");
    lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  void finish(const control::Ledger& ledger, const control::MbufCensus* mbufs, double seconds, double tsc_hz) {
    print(is_json_ ? control::ledger_json(ledger, mbufs, tsc_hz) + "\n"
                   : control::ledger_text(ledger, seconds, tsc_hz));
  }
  /// What was printed in between is not overwritten.
  void keep() { lines_ = 0; }

 private:
  static void print(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
  }
  bool is_json_;
  bool redraws_;
  std::size_t lines_ = 0;
};

void reload(control::Router& router, const std::string& file, const handlers::Registry& registry) {
  if (file.empty()) return say("SIGHUP: there is no configuration file to read again (-c FILE)");
  const auto session = prepare(file, registry);
  if (!session) return say("SIGHUP: nothing has changed, see the faults above");
  const auto refusal = router.reload(session->settings);
  say(refusal ? "SIGHUP: nothing has changed: " + *refusal
              : "SIGHUP: " + file + " is in force, generation " + std::to_string(router.generation()));
}

std::string describe(const Session& session) {
  const auto& plan = session.plan;
  const auto list = [](const std::vector<unsigned>& cpus) {
    std::string text;
    for (auto cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
  };
  std::string text = session.settings.file + ": ";
  text += plan.mode == control::Mode::pipeline
              ? "pipeline, rx on CPU " + list(plan.rx_cpus) + ", workers on CPU " + list(plan.worker_cpus)
              : "run-to-completion on CPU " + list(plan.rx_cpus);
  return text + ", " + std::to_string(session.settings.services.size()) + " services";
}

}  // namespace

int cmd_run(const RunOptions& options) {
  const Signals signals;
  const auto registry = handlers::Registry::with_builtins();
  const auto session = prepare(options.file, registry);
  if (!session) return exit_bad_input;
  const auto& settings = session->settings;
  try {
    nic::Eal eal(control::plan_eal(settings, session->plan, options.eal_args));
    control::Router router(settings, session->plan, session->devices, registry, eal, random_key());
    std::vector<std::unique_ptr<Feeder>> feeders;
    for (std::size_t d = 0; d < settings.devices.size(); ++d) {
      auto* far_end = router.far_end(d);
      if (far_end == nullptr) continue;
      const auto queues = static_cast<unsigned>(session->plan.rx_cpus.size());
      feeders.push_back(std::make_unique<Feeder>(settings, *far_end, router.device(d).mac(), queues));
    }
    say(describe(*session) + (options.seconds > 0 ? "" : "; Ctrl-C ends it"));
    router.start();
    for (auto& feeder : feeders) feeder->start();

    Screen screen(options.json);
    const auto start = Clock::now();
    auto shown_at = start;
    auto shown = router.ledger();
    for (bool ends = false; !ends;) {
      auto next = shown_at + std::chrono::seconds(1);
      const auto end = start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options.seconds));
      if (options.seconds > 0) next = std::min(next, end);
      const int signal = signals.wait(next - Clock::now());
      if (signal == SIGHUP) {
        reload(router, options.file, registry);
        screen.keep();
        continue;
      }
      const auto now = Clock::now();
      ends = signal != 0 || (options.seconds > 0 && now >= end);
      if (ends && now - shown_at < std::chrono::milliseconds(500)) break;
      auto ledger = router.ledger();
      screen.show({.before = shown,
                   .now = ledger,
                   .seconds = std::chrono::duration<double>(now - shown_at).count(),
                   .since_start = std::chrono::duration<double>(now - start).count(),
                   .tsc_hz = router.tsc_hz()});
      shown = std::move(ledger);
      shown_at = now;
    }

    for (auto& feeder : feeders) feeder->stop();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (!router.stop(std::chrono::seconds(5), [&] { return signals.end_is_asked(); })) {
      // A handler does not come back: its core cannot be joined. What is known is said, and the process ends.
      screen.finish(router.ledger(), nullptr, seconds, router.tsc_hz());
      say("a core did not stop; what it holds is in flight for ever. Look for a handler that blocks");
      std::_Exit(exit_failed);
    }
    const auto ledger = router.ledger();
    const auto mbufs = router.close();
    screen.finish(ledger, &mbufs, seconds, router.tsc_hz());
    if (mbufs.leaked() != 0) say(std::to_string(mbufs.leaked()) + " packet buffers were not given back");
    return ledger.adds_up() && ledger.in_flight == 0 && mbufs.leaked() == 0 ? exit_ok : exit_failed;
  } catch (const std::exception& failure) {  // nic::Failure and what settings cannot show beforehand
    say(failure.what());
    return exit_failed;
  }
}

}  // namespace portier::app
