/// How much does stage 5's decision cost a packet: flow hash, bucket, worker?
#include <algorithm>
#include <string>
#include <vector>

#include "frame_set.hpp"
#include "measurement.hpp"
#include "packet/flow_hash.hpp"
#include "packet/parse.hpp"
#include "table/core_map.hpp"
#include "traffic/random.hpp"

namespace portier::bench {
namespace {

/// What stages 2 and 3 have found out by then.
struct Row {
  const std::uint8_t* src;
  const std::uint8_t* dst;
  std::uint16_t src_port;
  std::uint16_t dst_port;
  std::uint8_t version;
  std::uint8_t proto;
  std::uint16_t map;
};

std::vector<Row> make_rows(const FrameSet& frames, std::size_t maps) {
  traffic::Random random(4);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto frame = frames.frame(i);
    const auto facts = packet::parse(frame);
    const auto* l3 = frame.data() + facts.l3_offset;
    rows.push_back({l3 + packet::ip_src_offset(facts.ip_version), l3 + packet::ip_dst_offset(facts.ip_version),
                    facts.src_port, facts.dst_port, facts.ip_version, facts.proto,
                    static_cast<std::uint16_t>(random.below(static_cast<std::uint32_t>(maps)))});
  }
  return rows;
}

std::uint32_t hash_of(const Row& row) {
  return packet::flow_hash(packet::fixed_hash_key, row.version, row.src, row.dst, row.src_port, row.dst_port,
                           row.proto);
}

/// The hash alone.
void hash(benchmark::State& state, const FrameSpec& spec) {
  auto& frames = frames_for(spec);
  const auto rows = make_rows(frames, 1);
  std::uint32_t sum = 0;
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      const auto first = frames.next_pass();
      for (std::size_t i = first; i < first + pass_packets; ++i) sum += hash_of(rows[i]);
      benchmark::DoNotOptimize(sum);
    });
  }
  passes.report(state, pass_packets);
}

/// Hash and bucket map; `maps`: services may have worker sets of their own, 2 KiB each.
void steer(benchmark::State& state, const FrameSpec& spec, std::size_t maps) {
  auto& frames = frames_for(spec);
  const auto rows = make_rows(frames, maps);
  const std::vector<table::WorkerIndex> workers{0, 1, 2, 3};
  const std::vector<table::CoreMap> map_of(maps, table::deal(workers));
  std::vector<table::WorkerIndex> worker(pass_packets);
  Passes passes;
  for (auto _ : state) {
    passes.time([&] {
      const auto first = frames.next_pass();
      for (std::size_t i = 0; i < pass_packets; ++i) {
        const auto& row = rows[first + i];
        worker[i] = map_of[row.map].worker[table::bucket_of(hash_of(row))];
      }
      benchmark::DoNotOptimize(worker.data());
      benchmark::ClobberMemory();
    });
  }
  passes.report(state, pass_packets);
}

void register_all() {
  for (const auto warmth : {Warmth::hot, Warmth::cold}) {
    for (const auto traffic : {Traffic::ipv4, Traffic::ipv6}) {
      const FrameSpec spec{.traffic = traffic, .warmth = warmth};
      const auto of = "/" + text_of(warmth) + "/" + text_of(traffic);
      benchmark::RegisterBenchmark(("hash" + of).c_str(), [spec](benchmark::State& state) { hash(state, spec); });
      benchmark::RegisterBenchmark(("steer_one_map" + of).c_str(),
                                   [spec](benchmark::State& state) { steer(state, spec, 1); });
      benchmark::RegisterBenchmark(("steer_1000_maps" + of).c_str(),
                                   [spec](benchmark::State& state) { steer(state, spec, 1000); });
    }
  }
}

}  // namespace
}  // namespace portier::bench

int main(int argc, char** argv) {
  portier::bench::register_all();
  return portier::bench::run_benchmarks(argc, argv, false);
}
