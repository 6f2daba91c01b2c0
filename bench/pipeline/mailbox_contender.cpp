/// portier with a mailbox: the core that receives writes into the memory of a process, which reads on the other core.
#include <chrono>
#include <thread>

#include "contenders.hpp"
#include "control/ring_places.hpp"
#include "crosscore/counter.hpp"
#include "datapath/local_core.hpp"
#include "handlers/mailroom.hpp"
#include "read_frame.hpp"
#include "router_parts.hpp"

namespace portier::bench {

namespace {

/// A process, as far as the hand-over is concerned: it has the same memory by a mapping of its own, and nothing else.
/// A thread plays it, so that both sides stop with the run.
class Process {
 public:
  Process(std::uint8_t* region, const crosscore::MailShape& shape, Reads reads)
      : in_(towards_process(region, shape, 0)), reads_(reads) {}

  void run() {
    std::uint64_t sum = 0;
    while (is_ending_.value() == 0) {
      unsigned count = 0;
      for (; count < 64; ++count) {
        const auto front = in_.front();
        if (front.bytes == nullptr) break;
        sum += front.facts.hash + read_frame(front.bytes, front.facts.length, reads_);
        in_.pop();
      }
      if (count != 0) in_.release();
    }
    sum_.set(sum);
  }
  void end() { is_ending_.set(1); }

 private:
  crosscore::MailConsumer in_;
  Reads reads_;
  crosscore::Gauge is_ending_;
  crosscore::Gauge sum_;  ///< of what was read, so that the reading is not for nothing
};

class MailboxRun final : public Contender {
 public:
  explicit MailboxRun(const Match& match)
      : match_(match), settings_(settings_for(match.capture, match.options.services, "mailbox")) {
    for (auto& service : settings_.services) service.deliver[0].options["mailbox"] = "bench";
  }

  void start() override {
    room_ = std::make_unique<handlers::Mailroom>();
    auto registry = handlers::Registry::with_builtins();
    registry.replace("mailbox", [this](const auto& context) { return room_->make_target(context); });
    parts_ = std::make_unique<RouterParts>(match_, settings_, registry, 0);
    const auto slots = match_.options.ring_slots;
    const crosscore::MailShape shape{.cores = 1,
                                     .places = static_cast<std::uint32_t>(control::ring_places(slots, 1, 1)),
                                     .capacity = static_cast<std::uint32_t>(slots),
                                     .reply_places = 256};
    auto link = std::make_shared<handlers::MailLink>(shape, static_cast<std::uint64_t>(nic::tsc_hz()));
    process_ = std::make_unique<Process>(link->region(), shape, match_.options.reads);
    room_->with("bench", [&](handlers::Mailbox* mailbox) { mailbox->join(std::move(link)); });
    core_ = std::make_unique<datapath::LocalCore>(parts_->rx_spec(), parts_->shared());
    reader_.start(match_.arena.eal, Arena::worker_lcore(0), [this] { process_->run(); });
    job_.start(match_.arena.eal, Arena::rx_lcore, [this] { core_->run(); });
  }
  std::uint64_t delivered() override { return core_->counters().taken.value(); }
  Tally stop() override {
    parts_->phase().ask(crosscore::Phase::stop_receiving);
    while (!core_->is_quiet().is_set()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    parts_->phase().ask(crosscore::Phase::stop);
    job_.join(match_.arena.eal);
    process_->end();
    reader_.join(match_.arena.eal);
    Tally tally;
    add_counters(core_->counters(), tally);
    core_.reset();
    parts_.reset();
    room_.reset();
    return tally;
  }

 private:
  Match match_;
  control::Settings settings_;
  std::unique_ptr<handlers::Mailroom> room_;
  std::unique_ptr<RouterParts> parts_;
  std::unique_ptr<Process> process_;
  std::unique_ptr<datapath::LocalCore> core_;
  LcoreJob job_;
  LcoreJob reader_;
};

}  // namespace

std::unique_ptr<Contender> make_mailbox(const Match& match) { return std::make_unique<MailboxRun>(match); }

}  // namespace portier::bench
