/// One door to the data path for configurations and for delivery chains.
#include "control/program_keeper.hpp"

#include <utility>

namespace portier::control {

namespace {
constexpr auto quiet_limit = std::chrono::milliseconds(2000);
}

void ProgramKeeper::set_first(const Settings& settings) {
  const std::lock_guard lock(mutex_);
  program_ = build_program(settings, context_, ids_, ++generation_, nullptr, nullptr);
  gate_.set_first(program_.get());
  watch_.follow(*program_, settings, ids_);
}

void ProgramKeeper::replace(const Settings& next, const Settings& before, bool has_cores,
                            const std::function<void()>& ahead) {
  const std::lock_guard lock(mutex_);
  auto made = build_program(next, context_, ids_, generation_ + 1, program_.get(), &before);
  ahead();
  generation_ += 1;
  publish(std::move(made));
  watch_.follow(*program_, next, ids_);
  if (has_cores) free_retired(quiet_limit);
  else retired_.clear();
}

std::vector<Event> ProgramKeeper::supervise(std::uint64_t faults) {
  const std::lock_guard lock(mutex_);
  const bool is_quiet = free_retired(std::chrono::milliseconds(0));
  auto events = watch_.tick(std::chrono::steady_clock::now(), faults);
  if (watch_.take_change() || (program_->has_strays && is_quiet)) publish(successor(*program_, is_quiet));
  return events;
}

std::string ProgramKeeper::name_of(table::ServiceId service) const {
  const std::lock_guard lock(mutex_);
  return ids_.names().at(service);
}

std::vector<ChainStatus> ProgramKeeper::chains() const {
  const std::lock_guard lock(mutex_);
  return watch_.status();
}

void ProgramKeeper::clear() {
  const std::lock_guard lock(mutex_);
  watch_ = {};
  retired_.clear();
  program_.reset();
}

void ProgramKeeper::publish(std::unique_ptr<datapath::Program> next) {
  quiet_token_ = gate_.publish(next.get());
  retired_.push_back(std::exchange(program_, std::move(next)));
}

/// Every core that has passed a quiet point since the last publication has let go of all earlier programs.
bool ProgramKeeper::free_retired(std::chrono::milliseconds limit) {
  if (!retired_.empty() && gate_.wait_quiet(quiet_token_, limit)) retired_.clear();
  return retired_.empty();
}

}  // namespace portier::control
