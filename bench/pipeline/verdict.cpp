/// Pairs runs of one round, and judges.
#include "verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace portier::bench {

namespace {

/// A cold source's label ends in the number of its mbufs.
bool is_cold(const std::string& source) {
  const auto slash = source.find('/');
  return slash != std::string::npos && source.find_first_not_of("0123456789", slash + 1) == std::string::npos;
}

double value_of(const Run& ours, const Run& peer, Measure measure, double tsc_hz) {
  const double tsc_mhz = tsc_hz / 1e6;
  switch (measure) {
    case Measure::rate_ratio: return ours.mpps() / peer.mpps();
    case Measure::cycles_ratio: return peer.mpps() / ours.mpps();
    case Measure::cycles_above: break;
  }
  return tsc_mhz / ours.mpps() - tsc_mhz / peer.mpps();
}

/// Nothing: no two cores. Two sides of different classes are a pair of class `mixed`.
std::optional<Distance> distance_of_pair(const Run& ours, const Run& peer) {
  if (ours.cores == 1 && peer.cores == 1) return std::nullopt;
  if (ours.cores == 1) return peer.distance();
  if (peer.cores == 1) return ours.distance();
  return ours.distance() == peer.distance() ? ours.distance() : Distance::mixed;
}

bool is_on(const Side& side, const Run& run) {
  return run.contender == side.contender && (side.source.empty() || run.source == side.source) && run.mpps() > 0;
}

bool are_a_pair(const Pairing& pairing, const Run& ours, const Run& peer) {
  const bool same_source = !pairing.ours.source.empty() || ours.source == peer.source;
  return ours.round == peer.round && same_source && is_on(pairing.ours, ours) && is_on(pairing.peer, peer);
}

/// What the project has set itself; the comparisons beside have no limit.
std::optional<Goal> goal_for(const Pairing& pairing) {
  const auto& ours = pairing.ours.contender;
  const auto& peer = pairing.peer.contender;
  const auto& source = pairing.ours.source;
  if (ours == "r2c" && pairing.measure == Measure::cycles_above) {
    if (is_cold(source)) return Goal{.limit = 40, .at_least = false};
    if (source == "w4") return Goal{.limit = 20, .at_least = false};
    return std::nullopt;
  }
  if (pairing.measure == Measure::cycles_ratio) return Goal{.limit = 1.25, .at_least = false};
  if (source == "imix" && ours == "pipeline" && peer == "mbuf-ring") return Goal{.limit = 1.4};
  const bool is_beside_testpmd = peer.starts_with("testpmd") && source == "w4/pages";
  if (source != "w4" && !is_beside_testpmd) return std::nullopt;
  static const std::map<std::pair<std::string, std::string>, double> at_least{
      {{"r2c", "testpmd-macswap"}, 1.2}, {{"r2c", "testpmd-rxonly"}, 0.7}, {{"pipeline", "mbuf-ring"}, 1.8},
      {{"pipeline", "distributor"}, 3},  {{"pipeline", "event_dsw"}, 2.3}, {{"pipeline", "r2c"}, 0.8},
      {{"mailbox", "pipeline"}, 0.9},
  };
  const auto found = at_least.find({ours, peer});
  return found == at_least.end() ? std::nullopt : std::optional(Goal{.limit = found->second});
}

std::string text_of(const Pairing& pairing) {
  switch (pairing.measure) {
    case Measure::rate_ratio: return fmt::format("{} / {}", pairing.ours.contender, pairing.peer.contender);
    case Measure::cycles_ratio: {
      const bool is_one_source = pairing.ours.source == pairing.peer.source;
      return is_one_source ? fmt::format("{} / {}, cycles", pairing.ours.contender, pairing.peer.contender)
                           : fmt::format("{} / on {}, cycles", pairing.ours.contender, pairing.peer.source);
    }
    case Measure::cycles_above: break;
  }
  return fmt::format("{} - {}, cycles", pairing.ours.contender, pairing.peer.contender);
}

}  // namespace

std::string name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::above: return "above";
    case Verdict::below: return "below";
    case Verdict::cannot_tell: break;
  }
  return "cannot tell";
}

Verdict judge(const Spread& values, double limit) {
  if (values.count < rounds_for_a_verdict) return Verdict::cannot_tell;
  if (values.min > limit) return Verdict::above;
  return values.max < limit ? Verdict::below : Verdict::cannot_tell;
}

std::optional<bool> Comparison::is_reached() const {
  if (!goal || verdict == Verdict::cannot_tell) return std::nullopt;
  return (verdict == Verdict::above) == goal->at_least;
}

std::vector<Comparison> compare(std::span<const Run> runs, const Pairing& pairing, GoalChooser goal_of, double tsc_hz) {
  std::vector<Comparison> made;
  std::vector<std::vector<double>> values;  // by comparison
  for (const auto& ours : runs) {
    for (const auto& peer : runs) {
      if (!are_a_pair(pairing, ours, peer)) continue;
      const auto distance = distance_of_pair(ours, peer);
      auto at = std::ranges::find_if(made, [&](const Comparison& comparison) {
        return comparison.pairing.ours.source == ours.source && comparison.distance == distance;
      });
      if (at == made.end()) {
        auto filled = pairing;
        filled.ours.source = ours.source;
        filled.peer.source = peer.source;
        made.push_back({.pairing = filled, .distance = distance, .value = {}, .goal = goal_of(filled)});
        values.emplace_back();
        at = made.end() - 1;
      }
      values[static_cast<std::size_t>(at - made.begin())].push_back(value_of(ours, peer, pairing.measure, tsc_hz));
    }
  }
  for (std::size_t i = 0; i < made.size(); ++i) {
    made[i].value = spread_of(values[i]);
    if (made[i].goal) made[i].verdict = judge(made[i].value, made[i].goal->limit);
  }
  return made;
}

std::vector<Comparison> compare_all(std::span<const Run> runs, double tsc_hz) {
  std::vector<Pairing> pairings;
  for (const auto* peer : {"floor", "testpmd-rxonly", "testpmd-macswap", "testpmd-5tswap"}) {
    pairings.push_back({.ours = {"r2c", ""}, .peer = {peer, ""}});
  }
  pairings.push_back({.ours = {"r2c", ""}, .peer = {"floor", ""}, .measure = Measure::cycles_above});
  pairings.push_back({.ours = {"r2c", "w6"}, .peer = {"r2c", "w4"}, .measure = Measure::cycles_ratio});
  for (const auto* peer : {"mbuf-ring", "distributor", "event_dsw", "event_sw", "r2c"}) {
    pairings.push_back({.ours = {"pipeline", ""}, .peer = {peer, ""}});
  }
  for (const auto* peer : {"pipeline", "kernel-udp"}) {
    pairings.push_back({.ours = {"mailbox", ""}, .peer = {peer, ""}});
  }
  std::vector<Comparison> all;
  for (const auto& pairing : pairings)
    std::ranges::copy(compare(runs, pairing, goal_for, tsc_hz), std::back_inserter(all));
  return all;
}

std::string table_of(const std::vector<Comparison>& comparisons) {
  auto text = fmt::format("{:<12} {:<36} {:<5} {:>7} {:>18} {:>2}  {:<14} {}\n", "source", "comparison", "class",
                          "median", "[min..max]", "n", "goal", "verdict");
  for (const auto& made : comparisons) {
    const auto& [median, min, max, count] = made.value;
    const auto goal =
        !made.goal ? "-" : fmt::format("at {} {}", made.goal->at_least ? "least" : "most", made.goal->limit);
    const auto reached = made.is_reached();
    const auto verdict = !made.goal ? "-"
                         : !reached ? name_of(made.verdict)
                                    : fmt::format("{}: {}", name_of(made.verdict), *reached ? "reached" : "missed");
    text += fmt::format("{:<12} {:<36} {:<5} {:>7.2f} {:>18} {:>2}  {:<14} {}\n", made.pairing.ours.source,
                        text_of(made.pairing), made.distance ? name_of(*made.distance) : "-", median,
                        fmt::format("[{:.2f}..{:.2f}]", min, max), count, goal, verdict);
  }
  return text;
}

}  // namespace portier::bench
