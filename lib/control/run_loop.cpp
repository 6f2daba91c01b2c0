/// Signals, screen and the loop of a running router.
#include "control/run_loop.hpp"

#include <signal.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "control/device_plan.hpp"
#include "control/report.hpp"
#include "control/router.hpp"

namespace portier::control {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

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

class Screen {
 public:
  explicit Screen(bool is_json) : is_json_(is_json), redraws_(!is_json && isatty(STDOUT_FILENO) == 1) {}

  void show(const Interval& interval) {
    if (is_json_) return print(table_json(interval) + "\n");
    const auto text = table_text(interval);
    // On a terminal the table stays in its place; in a file one stands under the other.
    if (redraws_ && lines_ != 0) std::printf("\033[%zuA\033[J", lines_);
    print(redraws_ ? text : text + "\n");
    lines_ = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  }
  void finish(const Ledger& ledger, const MbufCensus* mbufs, double seconds, double tsc_hz) {
    print(is_json_ ? ledger_json(ledger, mbufs, tsc_hz) + "\n" : ledger_text(ledger, seconds, tsc_hz));
  }
  /// Nobody reads any more, or the disk is full.
  bool is_broken() const { return is_broken_; }
  /// What was printed in between is not overwritten.
  void keep() { lines_ = 0; }

 private:
  void print(const std::string& text) {
    if (std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0) is_broken_ = true;
  }
  bool is_broken_ = false;
  bool is_json_;
  bool redraws_;
  std::size_t lines_ = 0;
};

packet::HashKey random_key() {
  packet::HashKey key = packet::fixed_hash_key;
  if (getrandom(&key, sizeof key, 0) != sizeof key) return packet::fixed_hash_key;
  return key;
}

std::string describe(const Session& session) {
  const auto& plan = session.plan;
  const auto list = [](const std::vector<unsigned>& cpus) {
    std::string text;
    for (auto cpu : cpus) text += (text.empty() ? "" : ",") + std::to_string(cpu);
    return text;
  };
  std::string text = session.settings.file + ": ";
  text += plan.mode == Mode::pipeline
              ? "pipeline, rx on CPU " + list(plan.rx_cpus) + ", workers on CPU " + list(plan.worker_cpus)
              : "run-to-completion on CPU " + list(plan.rx_cpus);
  return text + ", " + std::to_string(session.settings.services.size()) + " services";
}

/// One run, from checked settings to the exit code.
class Run {
 public:
  /// `cpus`: those that the process might use before DPDK pinned this thread.
  Run(const RunOptions& options, const handlers::Registry& registry, const std::vector<unsigned>& cpus,
      const Signals& signals)
      : options_(options), registry_(registry), cpus_(cpus), signals_(signals), screen_(options.json) {}

  int run(const Session& session, const SourceFactory& factory) {
    nic::Eal eal(plan_eal(session.settings, session.plan, options_.eal_args));
    Router router(session.settings, session.plan, session.devices, registry_, eal, random_key());
    for (std::size_t d = 0; d < router.device_count(); ++d) {
      for (const auto& note : router.device(d).notes()) say(note);
    }
    auto sources = make_sources(session, router, factory);
    router.on_event([this](const Event& event) { say(event.sentence); });
    router.start();
    say(describe(session) + (options_.seconds > 0 ? "" : "; Ctrl-C ends it"));
    for (const auto& source : sources) source->start();
    const auto start = Clock::now();
    watch(router, start);
    for (const auto& source : sources) source->stop();
    const double seconds = seconds_between(start, Clock::now());
    const bool is_stopped = router.stop(std::chrono::seconds(10), [&] { return signals_.end_is_asked(); });
    sources.clear();  // until here they took the answers off the far ends
    if (!is_stopped) give_up(router, seconds);
    return finish(router, seconds);
  }

  /// A line for people on stderr, where tables and JSON do not go.
  void say(const std::string& text) const { std::fprintf(stderr, "%s: %s\n", options_.program.c_str(), text.c_str()); }

 private:
  using Sources = std::vector<std::unique_ptr<Source>>;

  Sources make_sources(const Session& session, Router& router, const SourceFactory& factory) const {
    Sources sources;
    for (std::size_t d = 0; d < session.settings.devices.size(); ++d) {
      auto* far_end = router.far_end(d);
      if (far_end == nullptr) continue;
      if (!factory) {
        say("device '" + session.settings.devices[d].name + "' has traffic = true, but this program brings no source");
        continue;
      }
      auto source = factory({.settings = session.settings,
                             .ring = *far_end,
                             .device_mac = router.device(d).mac(),
                             .queues = static_cast<unsigned>(session.plan.rx_cpus.size())});
      if (source != nullptr) sources.push_back(std::move(source));
    }
    return sources;
  }

  /// Shows an interval a second and reloads at SIGHUP, until the time is over or a signal says so.
  void watch(Router& router, Clock::time_point start) {
    const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    auto shown_at = start;
    auto shown = router.ledger();
    for (bool ends = false; !ends;) {
      auto next = shown_at + std::chrono::seconds(1);
      if (options_.seconds > 0) next = std::min(next, start + length);
      const int signal = signals_.wait(next - Clock::now());
      if (signal == SIGHUP) {
        reload(router);
        screen_.keep();
        continue;
      }
      const auto now = Clock::now();
      ends = signal != 0 || (options_.seconds > 0 && now >= start + length);
      if (ends && now - shown_at < std::chrono::milliseconds(500)) break;
      auto ledger = router.ledger();
      screen_.show({.before = shown,
                    .now = ledger,
                    .seconds = seconds_between(shown_at, now),
                    .since_start = seconds_between(start, now),
                    .tsc_hz = router.tsc_hz()});
      shown = std::move(ledger);
      shown_at = now;
      ends = ends || screen_.is_broken();
    }
  }

  void reload(Router& router) const {
    const auto& file = options_.config.file;
    if (file.empty()) return say("SIGHUP: there is no configuration file to read again (-c FILE)");
    const auto session = prepare(options_.config, registry_, cpus_);
    if (!session) return say("SIGHUP: nothing has changed, see the faults above");
    const auto refusal = router.reload(session->settings);
    say(refusal ? "SIGHUP: nothing has changed: " + *refusal
                : "SIGHUP: " + file + " is in force, generation " + std::to_string(router.generation()));
  }

  /// A handler does not come back: its core cannot be joined. What is known is said, and the process ends.
  [[noreturn]] void give_up(Router& router, double seconds) {
    screen_.finish(router.ledger(), nullptr, seconds, router.tsc_hz());
    for (const auto& [cpu, call] : router.calls()) {
      if (call.burst != 0) {
        say("service '" + router.name_of(call.service) + "' on CPU " + std::to_string(cpu) + ": its handler blocks");
      }
    }
    say("a core did not stop; what it holds is in flight for ever");
    nic::remove_runtime_directory();
    std::_Exit(run_failed);
  }

  int finish(Router& router, double seconds) {
    const auto ledger = router.ledger();
    const auto mbufs = router.close();
    screen_.finish(ledger, &mbufs, seconds, router.tsc_hz());
    if (mbufs.leaked() != 0) say(std::to_string(mbufs.leaked()) + " packet buffers were not given back");
    if (screen_.is_broken()) say("standard output could not be written to the end");
    const bool is_sound = ledger.adds_up() && ledger.in_flight == 0 && mbufs.leaked() == 0;
    return is_sound && !screen_.is_broken() ? run_ok : run_failed;
  }

  const RunOptions& options_;
  const handlers::Registry& registry_;
  const std::vector<unsigned>& cpus_;
  const Signals& signals_;
  Screen screen_;
};

}  // namespace

int run_router(const RunOptions& options, const handlers::Registry& registry, const SourceFactory& sources) {
  const Signals signals;
  const auto cpus = available_cpus();
  const auto session = prepare(options.config, registry, cpus);
  if (!session) return run_bad_config;
  Run run(options, registry, cpus, signals);
  try {
    return run.run(*session, sources);
  } catch (const std::exception& failure) {  // nic::Failure and what settings cannot show beforehand
    run.say(failure.what());
    return run_failed;
  }
}

}  // namespace portier::control
