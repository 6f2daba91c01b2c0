/// Faults of usage end with 2, everything that goes wrong later with 1.
#include "load_run.hpp"

#include <fmt/format.h>

#include <cmath>
#include <cstdio>
#include <stdexcept>

#include "nic/failure.hpp"

namespace portier::load {

namespace {

void complain(const std::string& sentence) { fmt::print(stderr, "portier-load: {}\n", sentence); }

/// The library speaks of a router's settings; here these are options.
std::string in_own_words(std::string sentence) {
  const auto replace = [&](std::string_view from, std::string_view to) {
    for (auto at = sentence.find(from); at != sentence.npos; at = sentence.find(from, at + to.size())) {
      sentence.replace(at, from.size(), to);
    }
  };
  replace("router.memory_mb", "--memory");
  replace("set router.hugepages = false", "leave --hugepages out");
  replace("router.hugepages = true", "--hugepages");
  return sentence;
}

TrialRequest self_test_request(const LoadSetup& setup, const Recording* recording) {
  auto request = setup.request;
  if (recording != nullptr && recording->is_timed) {
    const auto span_s = static_cast<double>(recording->times_ns.back()) * 1e-9 / recording->speed;
    const auto frames = static_cast<double>(recording->frames.size());
    request.rate_pps = span_s > 0 ? std::min(std::max(frames / span_s, 1.0), most_rate_pps) : 1000;
  }
  return request;
}

}  // namespace

int run_with(const std::string& command, const LoadOptions& options, const Recording* recording,
             const std::function<void(RunParts&)>& measure) {
  Interrupts interrupts;
  const auto checked = check_options(options);
  for (const auto& fault : checked.faults) complain(fault);
  if (!checked.setup) return exit_bad_input;
  const auto& setup = *checked.setup;
  if (const auto planned = plan_traffic(setup.traffic); !planned.plan) {
    complain(planned.problem);
    return exit_bad_input;
  }
  try {
    ProgressLine line;
    Tester tester(setup, recording, interrupts, line);
    auto report = start_report(command, options, setup, tester);
    if (!options.no_self_test) run_self_test(tester, self_test_request(setup, recording), report);
    RunParts parts{tester, setup, report, line, interrupts};
    if (!interrupts.asked()) measure(parts);
    line.clear();
    const auto missing = tester.close();
    if (missing != 0) complain(fmt::format("{} packet buffers were not given back", missing));
    // The text has them; where it is not printed they still have to reach somebody.
    if (!prints_text(options)) {
      for (const auto& warning : report.warnings) complain(warning);
    }
    const bool is_written = write_outputs(options, report);
    const bool has_sent = !report.trials.empty() && report.trials.back().result.sent != 0;
    return is_written && missing == 0 && (has_sent || interrupts.asked()) ? exit_ok : exit_failed;
  } catch (const nic::Failure& failure) {
    complain(in_own_words(failure.what()));
  } catch (const std::invalid_argument& fault) {
    complain(fault.what());
    return exit_bad_input;
  }
  return exit_failed;
}

}  // namespace portier::load
