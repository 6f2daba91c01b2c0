/// Starts workers before the rx core, and stops them behind it.
#include "pipeline_run.hpp"

#include <chrono>
#include <thread>

#include "control/ring_places.hpp"

namespace portier::bench {

PipelineRun::PipelineRun(const Match& match, const control::Settings& settings, const handlers::Registry& registry,
                         unsigned workers, WorkerThreads threads)
    : match_(match), parts_(match, settings, registry, workers) {
  auto rx_spec = parts_.rx_spec();
  const auto slots = match.options.ring_slots;
  const auto places = control::ring_places(slots, 1, workers);
  for (unsigned w = 0; w < workers; ++w) {
    rings_.push_back(std::make_unique<crosscore::SlotRing>(slots, places));
    rx_spec.rings.push_back(rings_.back().get());
  }
  for (unsigned w = 0; w < (threads == WorkerThreads::one ? 1 : workers); ++w) {
    auto spec = parts_.worker_spec(w);
    spec.idle = threads == WorkerThreads::shared ? datapath::Idle::adaptive : datapath::Idle::spin;
    spec.rings = threads == WorkerThreads::one ? rx_spec.rings : std::vector{rings_[w].get()};
    worker_cores_.push_back(std::make_unique<datapath::WorkerCore>(spec, parts_.shared()));
  }
  worker_jobs_ = std::vector<LcoreJob>(worker_cores_.size());
  rx_core_ = std::make_unique<datapath::RxCore>(rx_spec, parts_.shared());
}

void PipelineRun::start() {
  auto& eal = match_.arena.eal;
  for (unsigned w = 0; w < worker_cores_.size(); ++w) {
    worker_jobs_[w].start(eal, Arena::worker_lcore(w), [core = worker_cores_[w].get()] { core->run(); });
  }
  rx_job_.start(eal, Arena::rx_lcore, [this] { rx_core_->run(); });
}

Tally PipelineRun::stop() {
  const auto wait_for = [](const crosscore::DoneFlag& flag) {
    while (!flag.is_set()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  auto& phase = parts_.phase();
  phase.ask(crosscore::Phase::stop_receiving);
  wait_for(rx_core_->is_quiet());
  phase.ask(crosscore::Phase::drain_workers);
  for (const auto& core : worker_cores_) wait_for(core->is_done());
  phase.ask(crosscore::Phase::stop);
  rx_job_.join(match_.arena.eal);
  for (auto& job : worker_jobs_) job.join(match_.arena.eal);
  Tally tally;
  add_counters(rx_core_->counters(), tally);
  for (const auto& core : worker_cores_) add_counters(core->counters(), tally);
  return tally;
}

std::uint64_t PipelineRun::delivered() const {
  std::uint64_t sum = 0;
  for (const auto& core : worker_cores_) sum += core->counters().taken.value();
  return sum;
}

}  // namespace portier::bench
