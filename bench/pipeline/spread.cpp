/// Spreading: one rx core and W workers, each burst divided among them by flow.
#include "spread.hpp"

namespace portier::bench {

namespace {

class Spreading final : public Contender {
 public:
  Spreading(const Match& match, unsigned workers, WorkerThreads threads)
      : match_(match),
        workers_(workers),
        threads_(threads),
        settings_(settings_for(match.capture, match.options.services, "read")),
        registry_(registry_with_reader(match.options.reads)) {}

  void start() override {
    run_ = std::make_unique<PipelineRun>(match_, settings_, registry_, workers_, threads_);
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
  unsigned workers_;
  WorkerThreads threads_;
  control::Settings settings_;
  handlers::Registry registry_;
  std::unique_ptr<PipelineRun> run_;
};

}  // namespace

std::unique_ptr<Contender> make_spreading(const Match& match, unsigned workers, WorkerThreads threads) {
  return std::make_unique<Spreading>(match, workers, threads);
}

}  // namespace portier::bench
