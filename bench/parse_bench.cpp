/// How much does stage 2's decision cost a packet: bytes to facts, one frame a call, nothing prefetched?
#include <array>
#include <string>
#include <vector>

#include "frame_set.hpp"
#include "measurement.hpp"
#include "packet/parse.hpp"

namespace portier::bench {
namespace {

void parse_frames(benchmark::State& state, const FrameSpec& spec) {
  auto& frames = frames_for(spec);
  std::vector<packet::Bytes> bytes;
  for (std::size_t i = 0; i < frames.size(); ++i) bytes.push_back(frames.frame(i));
  std::array<packet::Facts, burst_packets> facts;  // a burst's column, as stage 2 fills it
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      const auto first = frames.next_pass();
      for (std::size_t at = first; at < first + pass_packets; at += burst_packets) {
        for (std::size_t row = 0; row < burst_packets; ++row) facts[row] = packet::parse(bytes[at + row]);
        benchmark::DoNotOptimize(facts.data());
        benchmark::ClobberMemory();
      }
    });
  }
  passes.report(state, pass_packets);
}

void register_all() {
  for (const auto warmth : {Warmth::hot, Warmth::warm, Warmth::cold}) {
    for (const auto traffic :
         {Traffic::ipv4_udp, Traffic::ipv4, Traffic::ipv6, Traffic::vlan, Traffic::imix, Traffic::mixed}) {
      const FrameSpec spec{.traffic = traffic, .warmth = warmth};
      benchmark::RegisterBenchmark(("parse/" + text_of(warmth) + "/" + text_of(traffic)).c_str(),
                                   [spec](benchmark::State& state) { parse_frames(state, spec); });
    }
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, false);
}
