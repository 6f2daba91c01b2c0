/// Runs each stage over the same packets the same number of times, and tells callgrind which instructions to count:
/// what scripts/instruction-budget runs. Without callgrind it runs too, and counts nothing.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <exception>
#include <string>

#include "nic/eal.hpp"
#include "stage_chain.hpp"

namespace portier::bench {
namespace {

struct Kind {
  const char* name;
  FrameSpec frames;
  RuleSpec rules;
};

constexpr Kind kinds[] = {
    {"ipv4", {.traffic = Traffic::ipv4}, {}},
    {"ipv6", {.traffic = Traffic::ipv6}, {}},
    {"vlan", {.traffic = Traffic::vlan}, {}},
    {"imix", {.traffic = Traffic::imix}, {}},
    {"mixed", {.traffic = Traffic::mixed}, {}},
    {"ipv4_16_addresses", {.traffic = Traffic::ipv4}, {.addresses = 16}},
    {"ipv4_4_workers", {.traffic = Traffic::ipv4}, {.workers = 4}},
    {"ipv4_one_service", {.traffic = Traffic::ipv4, .services = 1}, {.services = 1}},
};

/// Stage 0 is the bracket alone: what telling callgrind costs, to be subtracted.
constexpr int stages[] = {0, 2, 3, 5, 6, 7};

/// Stage 5 is the one of rx cores, but for stage 7, before which it is that of run-to-completion cores.
void call(StageChain& chain, int stage, bool is_local) {
  switch (stage) {
    case 2: return chain.parse();
    case 3: return chain.look_up();
    case 5: return is_local ? chain.stay() : chain.steer();
    case 6: return chain.hand_off();
    case 7: return chain.deliver();
    default: return;
  }
}

/// The stages before it run too, outside the brackets; stage 7 takes the place of stage 6.
void run_pass(StageChain& chain, FrameSet& frames, int counted) {
  const auto first = frames.next_pass();
  for (std::size_t at = first; at < first + pass_packets; at += burst_packets) {
    chain.receive(frames, at);
    for (const int stage : stages) {
      if (stage > counted || (stage == 6 && counted == 7)) continue;
      if (stage == counted) CALLGRIND_TOGGLE_COLLECT;
      call(chain, stage, counted == 7);
      if (stage == counted) CALLGRIND_TOGGLE_COLLECT;
    }
  }
  chain.drain();
}

void count(const Kind& kind) {
  auto& frames = frames_for(kind.frames);
  StageChain chain(make_program(kind.rules), kind.rules.workers);
  for (const int stage : stages) {
    run_pass(chain, frames, stage);  // pages and lazily bound functions are there from here on
    const auto label = std::string(kind.name) + " stage_" + std::to_string(stage);
    CALLGRIND_ZERO_STATS;
    run_pass(chain, frames, stage);
    CALLGRIND_DUMP_STATS_AT(label.c_str());
  }
}

}  // namespace
}  // namespace portier::bench

int main() {
  using namespace portier;
  try {
    const nic::Eal eal({});
    std::printf("{\"packets\": %zu, \"compiler\": \"g++ %s\", \"vectors\": \"%s\"}\n", bench::pass_packets, __VERSION__,
                __builtin_cpu_supports("avx512f") != 0 ? "avx512"
                : __builtin_cpu_supports("avx2") != 0  ? "avx2"
                                                       : "none");
    std::fflush(stdout);
    CALLGRIND_START_INSTRUMENTATION;
    for (const auto& kind : bench::kinds) bench::count(kind);
    CALLGRIND_STOP_INSTRUMENTATION;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "stage_budget: %s\n", failure.what());
    return 1;
  }
  return 0;
}
