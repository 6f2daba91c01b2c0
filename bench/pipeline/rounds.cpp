/// The loop over rounds, contenders and windows.
#include "rounds.hpp"

#include <fmt/format.h>
#include <rte_cycles.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <exception>
#include <map>
#include <thread>

#include "statistics.hpp"

namespace portier::bench {

namespace {

volatile std::sig_atomic_t interrupted = 0;
void on_signal(int) { interrupted = 1; }

constexpr unsigned hiccup_ms = 50;

struct Sample {
  std::uint64_t tsc;
  std::uint64_t packets;
};

/// The time stands in the middle of the reading, which takes a while where another program is asked.
Sample sample(Contender& contender) {
  const auto before = rte_rdtsc();
  const auto packets = contender.delivered();
  return {.tsc = before + (rte_rdtsc() - before) / 2, .packets = packets};
}

const Source* find_source(std::span<const std::unique_ptr<Source>> sources, const std::string& label) {
  for (const auto& source : sources) {
    if (source->label() == label) return source.get();
  }
  return nullptr;
}

class Rounds {
 public:
  Rounds(std::span<Entry> entries, std::span<const std::unique_ptr<Source>> sources, Arena& arena,
         const Options& options)
      : entries_(entries), sources_(sources), arena_(arena), options_(options), made_(entries.size()) {}

  Results run() {
    for (const auto& entry : entries_) {
      if (!entry.skip_reason.empty()) skip(entry, entry.skip_reason);
    }
    for (unsigned round = 0; round < options_.rounds && !is_interrupted(); ++round) {
      results_.hiccups.add(watch_hiccups(arena_, hiccup_ms));
      for (std::size_t k = 0; k < entries_.size() && !is_interrupted(); ++k) {
        const std::size_t at = (k + round) % entries_.size();
        if (!entries_[at].skip_reason.empty()) continue;
        say(fmt::format("round {} of {}: {} on {}", round + 1, options_.rounds, entries_[at].name,
                        entries_[at].source));
        run_one(at, round);
      }
    }
    if (is_terminal_) fmt::print(stderr, "\r\033[K");
    results_.is_interrupted = is_interrupted();
    return std::move(results_);
  }

 private:
  void say(const std::string& text) const {
    is_terminal_ ? fmt::print(stderr, "\r\033[K{}", text) : fmt::print(stderr, "{}\n", text);
  }

  void skip(const Entry& entry, const std::string& reason) {
    results_.skips.push_back({.contender = entry.name, .source = entry.source, .reason = reason});
  }

  void run_one(std::size_t at, unsigned round) {
    auto& entry = entries_[at];
    try {
      if (made_[at] == nullptr) made_[at] = entry.make();
      results_.runs.push_back(measure(*made_[at], entry, round));
    } catch (const std::exception& failure) {
      entry.skip_reason = failure.what();
      skip(entry, entry.skip_reason);
    }
  }

  Run measure(Contender& contender, const Entry& entry, unsigned round) {
    Run run{.contender = entry.name, .source = entry.source, .cores = entry.cores, .round = round};
    const auto* source = entry.uses_pool ? find_source(sources_, entry.source) : nullptr;
    const unsigned in_use_before = source == nullptr ? 0 : source->in_use();
    if (entry.cores > 1) run.probe_before_ns = probe_one_way_ns(arena_);
    std::vector<std::uint64_t> stolen;
    for (unsigned core = 0; core < entry.cores; ++core) stolen.push_back(stolen_ms(arena_.cpus[core]));
    contender.start();
    pause_ms(options_.warm_up_ms);
    auto last = sample(contender);
    for (unsigned w = 0; w < options_.windows && !is_interrupted(); ++w) {
      pause_ms(options_.window_ms);
      const auto now = sample(contender);
      run.windows.push_back(
          {.seconds = static_cast<double>(now.tsc - last.tsc) / nic::tsc_hz(), .packets = now.packets - last.packets});
      last = now;
    }
    run.tally = contender.stop();
    for (unsigned core = 0; core < entry.cores; ++core) {
      run.stolen_ms.push_back(stolen_ms(arena_.cpus[core]) - stolen[core]);
    }
    if (entry.cores > 1) run.probe_behind_ns = probe_one_way_ns(arena_);
    if (source != nullptr && source->is_looped()) {
      const unsigned in_use = source->in_use();
      run.leaked_mbufs = in_use > in_use_before ? in_use - in_use_before : 0;
    }
    return run;
  }

  std::span<Entry> entries_;
  std::span<const std::unique_ptr<Source>> sources_;
  Arena& arena_;
  const Options& options_;
  std::vector<std::unique_ptr<Contender>> made_;  ///< by entry
  Results results_;
  bool is_terminal_ = isatty(STDERR_FILENO) == 1;
};

}  // namespace

double Run::mpps() const {
  std::vector<double> rates;
  for (const auto& window : windows) rates.push_back(window.mpps());
  return median(rates);
}

bool is_interrupted() { return interrupted != 0; }

void pause_ms(unsigned milliseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (!is_interrupted() && std::chrono::steady_clock::now() < end) {
    const auto left = end - std::chrono::steady_clock::now();
    std::this_thread::sleep_for(std::min<std::chrono::nanoseconds>(left, std::chrono::milliseconds(50)));
  }
}

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Results run_rounds(std::span<Entry> entries, std::span<const std::unique_ptr<Source>> sources, Arena& arena,
                   const Options& options) {
  catch_interrupts();
  return Rounds(entries, sources, arena, options).run();
}

}  // namespace portier::bench
