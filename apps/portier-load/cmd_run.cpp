/// `portier-load run`, `replay` and `self-test`: one trial each.
#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "commands.hpp"
#include "load_run.hpp"
#include "recording.hpp"

namespace portier::load {

namespace {

/// Finite times only: what a trial without pacing is called.
std::string rate_words(double rate_pps) {
  return std::isinf(rate_pps) ? std::string("unpaced") : fmt::format("{:g} packets a second", rate_pps);
}

int fail_usage(const std::string& sentence) {
  fmt::print(stderr, "portier-load: {}\n", sentence);
  return exit_bad_input;
}

}  // namespace

int cmd_run(const LoadOptions& options) {
  return run_with("run", options, nullptr, [](RunParts& parts) {
    parts.line.set_phase(rate_words(parts.setup.request.rate_pps));
    const auto result = parts.tester.run(parts.setup.request);
    add_warnings_of(result, parts.report);
    add_result(parts.report, result);
    if (!parts.setup.receives) {
      parts.report.verdict = fmt::format("{} packets were sent in {:.3f} s; nothing was received, as asked.",
                                         result.sent, result.sending_s);
    }
  });
}

int cmd_replay(LoadOptions options) {
  if (options.has_rate && options.has_speed)
    return fail_usage("--speed and --rate exclude each other: write one of them");
  if (!(options.speed >= 0.001 && options.speed <= 1e6)) {
    return fail_usage("--speed: write a factor from 0.001 to 1000000");
  }
  if (options.loops == 0) return fail_usage("--loops 0 sends nothing; write 1 or more");
  auto loaded = load_recording(options.capture);
  if (!loaded.recording) {
    fmt::print(stderr, "portier-load: {}\n", loaded.problem);
    return exit_failed;
  }
  if (options.dst_mac.empty()) options.dst_mac = "02:00:00:00:00:02";  // frames go as they were captured
  auto& recording = *loaded.recording;
  recording.speed = options.speed;
  recording.loops = options.loops;
  recording.is_timed = !options.has_rate;
  return run_with("replay", options, &recording, [&](RunParts& parts) {
    if (!loaded.warning.empty()) parts.report.warnings.push_back(loaded.warning);
    auto request = parts.setup.request;
    const auto packets = static_cast<double>(recording.frames.size() * recording.loops);
    if (recording.is_timed) {
      // The rate of the recording, for the report; its times are what counts.
      request.duration_s = std::max(1e-3, static_cast<double>(recording.times_ns.back()) * 1e-9 / recording.speed *
                                              static_cast<double>(recording.loops));
      request.rate_pps = packets / request.duration_s;
    } else if (std::isinf(request.rate_pps)) {
      request.burst_packets = recording.frames.size() * recording.loops;
    } else {
      request.duration_s = packets / request.rate_pps;
    }
    parts.line.set_phase("replay");
    const auto result = parts.tester.run(request);
    add_warnings_of(result, parts.report);
    parts.report.title = "Replay of " + options.capture;
    add_result(parts.report, result);
  });
}

int cmd_self_test(const LoadOptions& options) {
  auto quiet = options;
  quiet.no_self_test = true;  // the trial is the self-test
  return run_with("self-test", quiet, nullptr, [](RunParts& parts) {
    run_self_test(parts.tester, parts.setup.request, parts.report);
    parts.report.title = "Self-test of the tester";
    if (parts.report.self_test) add_result(parts.report, *parts.report.self_test);
  });
}

}  // namespace portier::load
