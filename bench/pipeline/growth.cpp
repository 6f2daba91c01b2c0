/// The two modes that ask whether cost grows: with the number of workers (spread), and with bindings, addresses and
/// services (scaling). Both let their variants compete in rounds, as the contest does.
#include <fmt/format.h>

#include <algorithm>

#include "bench_session.hpp"
#include "contenders.hpp"
#include "modes.hpp"
#include "nic/failure.hpp"
#include "result_json.hpp"
#include "rounds.hpp"
#include "router_parts.hpp"
#include "spread.hpp"
#include "summary.hpp"
#include "traffic/random.hpp"

namespace portier::bench {

namespace {

constexpr unsigned all_ports = 65536;
constexpr double growth_limit = 1.1;

/// Rounds of what was entered, its tables and its JSON.
int compete(const std::string& mode, const Options& options, BenchSession& session, std::vector<Entry>& entries,
            const std::vector<std::unique_ptr<Source>>& sources, const std::vector<Pairing>& pairings,
            GoalChooser goal_of) {
  const auto results = run_rounds(entries, sources, session.arena(), options);
  unsigned missing = 0;
  for (const auto& source : sources) missing += source->close();
  const auto lines = summarise(results.runs, nic::tsc_hz());
  std::vector<Comparison> comparisons;
  for (const auto& pairing : pairings) {
    std::ranges::copy(compare(results.runs, pairing, goal_of, nic::tsc_hz()), std::back_inserter(comparisons));
  }
  const bool is_sound = missing == 0 && std::ranges::all_of(lines, &Line::is_sound);
  auto* out = options.json == "-" ? stderr : stdout;
  fmt::print(out, "{}\n{}", table_of(lines), table_of(comparisons));
  for (const auto& skip : results.skips) fmt::print(out, "skipped: {}: {}\n", skip.contender, skip.reason);
  fmt::print(out, "\n{}\n", text_of(results.hiccups));
  for (const auto& sentence : session.notes()) fmt::print(out, "note: {}\n", sentence);
  if (!options.json.empty()) {
    auto json = json_head(mode, options, session.machine(), session.arena().cpus, session.notes());
    add_results(json, results, lines, comparisons);
    json["missing_mbufs"] = missing;
    json["is_sound"] = is_sound;
    write_json(json, options.json);
  }
  if (!is_sound) return 1;
  return results.is_interrupted ? exit_interrupted : 0;
}

std::optional<Goal> no_goal(const Pairing&) { return std::nullopt; }

/// With another service for each port, more lines of the tables and of the counters are touched: that has no limit.
std::optional<Goal> no_growth(const Pairing& pairing) {
  if (pairing.ours.contender == "1000-services") return std::nullopt;
  return pairing.measure == Measure::cycles_ratio ? std::optional(Goal{.limit = growth_limit, .at_least = false})
                                                  : std::nullopt;
}

/// Every port of both transports bound by itself: 131,072 bindings, dealt out over the services in turn.
control::Settings bind_every_port(unsigned services) {
  control::Settings settings;
  settings.closed_ports.action = control::ClosedAction::drop;
  for (unsigned k = 0; k < services; ++k) add_service(settings, fmt::format("s{}", k), "count");
  for (unsigned port = 0; port < all_ports; ++port) {
    bind_ports(settings.services[port % services], static_cast<std::uint16_t>(port), static_cast<std::uint16_t>(port));
  }
  return settings;
}

/// Two bindings in all, each of every port.
control::Settings bind_once() {
  control::Settings settings;
  settings.closed_ports.action = control::ClosedAction::drop;
  add_service(settings, "s0", "count");
  bind_ports(settings.services.back(), 0, all_ports - 1);
  return settings;
}

/// The traffic's own /24, and `others` addresses that nobody writes to.
control::Settings bind_addresses(unsigned others) {
  auto settings = bind_once();
  settings.services.front().bindings.clear();
  for (unsigned k = 0; k <= others; ++k) {
    bind_ports(settings.services.front(), 0, all_ports - 1);
    auto& bindings = settings.services.front().bindings;
    for (std::size_t i = bindings.size() - 2; i < bindings.size(); ++i) {
      auto& destination = bindings[i].binding.destination;
      destination.address = packet::ipv4(k == 0 ? 0xc0000200 : 0x0a000000 + k);
      destination.length = k == 0 ? 24 : 32;
    }
  }
  return settings;
}

/// w4, but with every port equally likely, of `ports` in all.
Capture uniform_capture(const std::string& label, unsigned ports) {
  auto capture = builtin_capture("w4", 1);
  capture.label = label;
  capture.ports = ports >= all_ports ? std::vector<std::uint16_t>{} : service_ports(ports);
  traffic::Random random(ports);
  const auto frames = ports >= all_ports ? 4 * builtin_frames : builtin_frames;
  capture.frames.clear();
  for (std::size_t i = 0; i < frames; ++i) {
    const auto port = capture.ports.empty() ? static_cast<std::uint16_t>(random.below(all_ports))
                                            : capture.ports[random.below(ports)];
    capture.frames.push_back(small_frame(random, port));
  }
  return capture;
}

}  // namespace

int run_spread(const Options& options) {
  const auto capture = builtin_capture(options.traffic.front(), options.services);
  const auto most = *std::ranges::max_element(options.workers);
  BenchSession session(options, most, memory_mb_for_pools(capture.frames.size() + options.pool_mbufs));
  if (session.arena().workers() == 0) throw nic::Failure("spread needs two CPUs; this process may use one");
  const CaptureFile file(capture, options.keep_capture);
  std::vector<std::unique_ptr<Source>> sources;
  sources.push_back(
      open_looped_capture(capture.label, file.path(), capture.frames.size(), options.pool_mbufs, Layout::packed, 0));
  const Match match{session.arena(), *sources.front(), capture, options};
  std::vector<Entry> entries;
  std::vector<Pairing> pairings;
  const auto own_cpus = session.machine().cpus.size() - 1;
  for (const auto workers : options.workers) {
    const auto enter = [&](const std::string& kind, WorkerThreads threads) {
      const auto name = fmt::format("{}-{}", kind, workers);
      entries.push_back({.name = name, .source = capture.label, .cores = 2, .skip_reason = {}, .make = [=] {
                           return make_spreading(match, workers, threads);
                         }});
      if (workers == options.workers.front()) return;
      pairings.push_back({.ours = {name, ""}, .peer = {fmt::format("{}-{}", kind, options.workers.front()), ""}});
    };
    enter("workers", workers > own_cpus ? WorkerThreads::shared : WorkerThreads::own);
    enter("rings", WorkerThreads::one);
  }
  return compete("spread", options, session, entries, sources, pairings, no_goal);
}

int run_scaling(const Options& options) {
  const auto base = builtin_capture("w4", options.services);
  const std::vector<Capture> captures{base, uniform_capture("all-ports", all_ports), uniform_capture("services-1", 1),
                                      uniform_capture("services-8", 8), uniform_capture("services-64", 64)};
  std::size_t mbufs = 0;
  for (const auto& capture : captures) mbufs += capture.frames.size() + options.pool_mbufs;
  BenchSession session(options, 1, memory_mb_for_pools(mbufs));
  std::vector<std::unique_ptr<CaptureFile>> files;
  std::vector<std::unique_ptr<Source>> sources;
  for (const auto& capture : captures) {
    files.push_back(std::make_unique<CaptureFile>(capture, options.keep_capture));
    sources.push_back(open_looped_capture(capture.label, files.back()->path(), capture.frames.size(),
                                          options.pool_mbufs, Layout::packed, static_cast<unsigned>(sources.size())));
  }
  std::vector<Entry> entries;
  const auto enter = [&](const std::string& name, std::size_t source, const control::Settings& settings) {
    const Match match{session.arena(), *sources[source], captures[source], options};
    entries.push_back({.name = name, .source = captures[source].label, .cores = 1, .skip_reason = {}, .make = [=] {
                         return make_run_to_completion(match, settings);
                       }});
  };
  enter("bindings-2", 0, bind_once());
  enter("bindings-131072", 0, bind_every_port(1));
  enter("addresses-any", 0, bind_once());
  enter("addresses-1", 0, bind_addresses(0));
  enter("addresses-1000", 0, bind_addresses(999));
  enter("bindings-2", 1, bind_once());
  enter("bindings-131072", 1, bind_every_port(1));
  enter("1000-services", 1, bind_every_port(1000));
  for (std::size_t k = 2; k < captures.size(); ++k) enter("services", k, settings_for(captures[k], 1, "count"));
  const auto grows = [](const std::string& ours, const std::string& peer, const std::string& source) {
    return Pairing{.ours = {ours, source}, .peer = {peer, source}, .measure = Measure::cycles_ratio};
  };
  std::vector<Pairing> pairings{
      grows("bindings-131072", "bindings-2", "w4"), grows("addresses-1000", "addresses-1", "w4"),
      grows("addresses-1", "addresses-any", "w4"), grows("bindings-131072", "bindings-2", "all-ports"),
      grows("1000-services", "bindings-2", "all-ports")};
  for (const auto* more : {"services-8", "services-64"}) {
    pairings.push_back(
        {.ours = {"services", more}, .peer = {"services", "services-1"}, .measure = Measure::cycles_ratio});
  }
  return compete("scaling", options, session, entries, sources, pairings, no_growth);
}

}  // namespace portier::bench
