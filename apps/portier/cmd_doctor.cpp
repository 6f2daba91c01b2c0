/// `portier doctor`: looks for what portiers that were killed have left on this machine, and clears it away with --fix.
#include <array>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "nic/failure.hpp"
#include "nic/xdp/attached_program.hpp"

namespace portier::app {
namespace {

struct Finding {
  std::string what;           ///< a sentence
  std::string advice;         ///< what to do without --fix
  std::function<void()> fix;  ///< throws what went wrong
};

struct Check {
  std::string_view name;
  std::string_view sound;          ///< said where nothing was found
  std::vector<Finding> (*look)();  ///< throws what kept it from looking
};

// --- the checks ---------------------------------------------------------------------------------------------------

/// Programs of devices with `share` go with their process; those that libxdp loads for other AF_XDP devices do not.
std::vector<Finding> look_for_programs() {
  std::vector<Finding> findings;
  for (const auto& program : nic::attached_programs()) {
    if (!program.is_left_over()) continue;
    findings.push_back(
        {.what = fmt::format("interface '{}' still carries the AF_XDP program '{}' (id {}), and no process that can be "
                             "seen from here is behind it: every packet takes a way round through it",
                             program.interface, program.name, program.id),
         .advice = fmt::format("ip link set dev {} xdp off", program.interface),
         .fix = [program] { nic::detach(program); }});
  }
  return findings;
}

constexpr std::array checks{
    Check{"xdp", "no interface carries an AF_XDP program without a process behind it", look_for_programs},
};

// --- what became of them ------------------------------------------------------------------------------------------

struct Outcome {
  std::string_view state;  ///< "ok", "found", "fixed", "not fixed" or "unknown"
  std::string what;
  std::string advice;  ///< empty: nothing is left to do
};

Outcome treat(const Finding& finding, bool fixes) {
  if (!fixes) return {"found", finding.what, finding.advice};
  try {
    finding.fix();
    return {"fixed", finding.what, {}};
  } catch (const std::exception& failure) {
    return {"not fixed", fmt::format("{} ({})", finding.what, failure.what()), finding.advice};
  }
}

std::vector<Outcome> run(const Check& check, bool fixes) {
  std::vector<Finding> findings;
  try {
    findings = check.look();
  } catch (const std::exception& failure) {
    return {{"unknown", failure.what(), "run portier doctor as root"}};
  }
  std::vector<Outcome> outcomes;
  for (const auto& finding : findings) outcomes.push_back(treat(finding, fixes));
  if (outcomes.empty()) outcomes.push_back({"ok", std::string(check.sound), {}});
  return outcomes;
}

}  // namespace

int cmd_doctor(const DoctorOptions& options) {
  bool is_well = true;
  auto all = nlohmann::ordered_json::array();
  for (const auto& check : checks) {
    for (const auto& outcome : run(check, options.fix)) {
      is_well = is_well && outcome.advice.empty();
      all.push_back({{"check", check.name}, {"state", outcome.state}, {"what", outcome.what}});
      if (!outcome.advice.empty()) all.back()["advice"] = outcome.advice;
      if (options.json) continue;
      fmt::print("{:<10}{:<6}{}\n", outcome.state, check.name, outcome.what);
      if (!outcome.advice.empty())
        fmt::print("{:16}{}{}\n", "", options.fix ? "" : "portier doctor --fix, or: ", outcome.advice);
    }
  }
  if (options.json) fmt::print("{}\n", nlohmann::ordered_json{{"ok", is_well}, {"checks", all}}.dump(2));
  return is_well ? exit_ok : exit_failed;
}

}  // namespace portier::app
