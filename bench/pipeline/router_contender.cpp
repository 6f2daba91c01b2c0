/// portier as contenders: its run-to-completion core, and its pipeline of an rx core and a worker.
#include <chrono>
#include <thread>

#include "datapath/local_core.hpp"
#include "pipeline_run.hpp"
#include "router_parts.hpp"

namespace portier::bench {

namespace {

class RunToCompletion final : public Contender {
 public:
  RunToCompletion(const Match& match, control::Settings settings)
      : match_(match), settings_(std::move(settings)), registry_(registry_with_reader(match.options.reads)) {}

  void start() override {
    parts_ = std::make_unique<RouterParts>(match_, settings_, registry_, 0);
    core_ = std::make_unique<datapath::LocalCore>(parts_->rx_spec(), parts_->shared());
    job_.start(match_.arena.eal, Arena::rx_lcore, [this] { core_->run(); });
  }
  std::uint64_t delivered() override { return core_->counters().taken.value(); }
  Tally stop() override {
    parts_->phase().ask(crosscore::Phase::stop_receiving);
    while (!core_->is_quiet().is_set()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    parts_->phase().ask(crosscore::Phase::stop);
    job_.join(match_.arena.eal);
    Tally tally;
    add_counters(core_->counters(), tally);
    core_.reset();
    parts_.reset();
    return tally;
  }

 private:
  Match match_;
  control::Settings settings_;
  handlers::Registry registry_;
  std::unique_ptr<RouterParts> parts_;
  std::unique_ptr<datapath::LocalCore> core_;
  LcoreJob job_;
};

class Pipeline final : public Contender {
 public:
  explicit Pipeline(const Match& match)
      : match_(match),
        settings_(
            settings_for(match.capture, match.options.services, match.options.reads == Reads::none ? "count" : "read")),
        registry_(registry_with_reader(match.options.reads)) {}

  void start() override {
    run_ = std::make_unique<PipelineRun>(match_, settings_, registry_, 1);
    run_->start();
  }
  std::uint64_t delivered() override { return run_->delivered(); }
  Tally stop() override {
    auto tally = run_->stop();
    run_.reset();
    return tally;
  }

 private:
  Match match_;
  control::Settings settings_;
  handlers::Registry registry_;
  std::unique_ptr<PipelineRun> run_;
};

}  // namespace

std::unique_ptr<Contender> make_run_to_completion(const Match& match) {
  return make_run_to_completion(match, settings_for(match.capture, match.options.services, "count"));
}

std::unique_ptr<Contender> make_run_to_completion(const Match& match, const control::Settings& settings) {
  return std::make_unique<RunToCompletion>(match, settings);
}

std::unique_ptr<Contender> make_pipeline(const Match& match) { return std::make_unique<Pipeline>(match); }

}  // namespace portier::bench
