/// portier's stages one after the other on one core, cut off behind one of them: what a stage costs is the difference
/// to the cut before. This file alone calls the stage functions by name.
#include <rte_ethdev.h>

#include "datapath/program_gate.hpp"
#include "datapath/stage1_receive.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage3_lookup.hpp"
#include "datapath/stage5_steer.hpp"
#include "datapath/stage6_handoff.hpp"
#include "router_parts.hpp"

namespace portier::bench {

namespace {

class Stages final : public Contender {
 public:
  Stages(const Match& match, unsigned last)
      : match_(match),
        last_(last),
        settings_(settings_for(match.capture, match.options.services, "count")),
        registry_(registry_with_reader(match.options.reads)) {}

  void start() override {
    parts_ = std::make_unique<RouterParts>(match_, settings_, registry_, 0);
    counters_ = std::make_unique<datapath::CoreCounters>();
    phase_.ask(crosscore::Phase::run);
    job_.start(match_.arena.eal, Arena::rx_lcore, [this] { choose(); });
  }
  std::uint64_t delivered() override { return counters_->taken.value(); }
  Tally stop() override {
    phase_.ask(crosscore::Phase::stop);
    job_.join(match_.arena.eal);
    Tally tally{.received = counters_->received.packets.value(), .delivered = counters_->taken.value(), .dropped = {}};
    counters_.reset();
    parts_.reset();
    return tally;
  }

 private:
  void choose() {
    switch (last_) {
      case 1: return loop<1>();
      case 2: return loop<2>();
      case 3: return loop<3>();
      default: return loop<5>();
    }
  }

  /// The packets that are left behind the last stage count as taken, whatever became of them.
  template <unsigned Last>
  void loop() {
    const auto spec = parts_->rx_spec();
    const auto& gate = parts_->shared().gate;
    const auto& rules = *gate.newest().rules;
    auto& counters = *counters_;
    datapath::DemuxState state{.fragments = datapath::FragmentMemory(spec.fragments), .counters = counters};
    datapath::FlatCopies flat;
    const auto burst = std::make_unique<datapath::RxBurst>();
    const auto& queue = spec.queues.front();
    while (phase_.asked() == crosscore::Phase::run) {
      if (!datapath::stage1_receive(queue.queue, queue.device, spec.burst, flat, *burst, counters)) continue;
      if constexpr (Last >= 2) datapath::stage2_parse(*burst, counters);
      if constexpr (Last >= 3) datapath::stage3_lookup(rules, state, *burst);
      if constexpr (Last >= 5) datapath::stage5_steer(rules, state, *burst, nullptr);
      datapath::free_burst(*burst);
      counters.taken.add(burst->count);
    }
  }

  Match match_;
  unsigned last_;
  control::Settings settings_;
  handlers::Registry registry_;
  std::unique_ptr<RouterParts> parts_;
  std::unique_ptr<datapath::CoreCounters> counters_;
  crosscore::PhaseFlag phase_;
  LcoreJob job_;
};

}  // namespace

std::unique_ptr<Contender> make_stages(const Match& match, unsigned last) {
  return std::make_unique<Stages>(match, last);
}

}  // namespace portier::bench
