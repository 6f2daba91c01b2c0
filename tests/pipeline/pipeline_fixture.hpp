/// A whole router over a built-in device: frames in at the far end, handlers of the test's own, and the account of
/// every packet and buffer checked at the end of every test.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "control/binding_text.hpp"
#include "control/router.hpp"
#include "eal_main.hpp"
#include "packet/parse.hpp"
#include "traffic/frame.hpp"
#include "traffic/random.hpp"

namespace portier::test {

using datapath::Burst;
using datapath::HandlerContext;
using packet::Reason;
using traffic::Frame;
using traffic::Random;

struct Shape {
  std::string name;
  control::Mode mode = control::Mode::pipeline;
  unsigned rx = 1;
  unsigned workers = 1;  ///< of run-to-completion: 0

  bool is_pipeline() const { return mode == control::Mode::pipeline; }
  unsigned delivering() const { return is_pipeline() ? workers : rx; }
};

inline void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

inline auto all_shapes() {
  return testing::Values(Shape{"pipeline_1x1", control::Mode::pipeline, 1, 1},
                         Shape{"pipeline_1x2", control::Mode::pipeline, 1, 2},
                         Shape{"pipeline_2x2", control::Mode::pipeline, 2, 2},
                         Shape{"run_to_completion_1", control::Mode::run_to_completion, 1, 0},
                         Shape{"run_to_completion_2", control::Mode::run_to_completion, 2, 0});
}
inline std::string name_of(const testing::TestParamInfo<Shape>& info) { return info.param.name; }

inline const auto host4 = traffic::v4(192, 0, 2, 1);
inline const auto host6 = traffic::v6(0x20010db8'00000000, 1);

/// Packet `number` of a flow. Every third flow is TCP, every fourth IPv6; each has addresses of its own.
inline Frame numbered(std::uint32_t flow, std::uint32_t number, std::uint16_t port, std::size_t more_bytes = 0) {
  Frame payload(12 + more_bytes, 0xa5);
  packet::store32(payload.data(), 0x706f7274);
  packet::store32(payload.data() + 4, flow);
  packet::store32(payload.data() + 8, number);
  auto builder = flow % 4 == 3 ? traffic::frame().ipv6(traffic::v6(0x20010002'00000000, flow + 1), host6)
                               : traffic::frame().ipv4(packet::ipv4(0xc6120001 + flow), host4);
  const auto src_port = static_cast<std::uint16_t>(1024 + flow);
  flow % 3 == 2 ? builder.tcp(src_port, port, packet::wire::tcp_ack) : builder.udp(src_port, port);
  return builder.payload(payload).build();
}
/// The binding text of a port for both transports of `numbered`.
inline std::vector<std::string> both(const std::string& ports) { return {"udp/" + ports, "tcp/" + ports}; }

struct Number {
  std::uint32_t flow = 0;
  std::uint32_t number = 0;
};
/// What `numbered` wrote; a flow of 0xffffffff where somebody else wrote the packet.
inline Number number_of(const datapath::PacketView& packet) {
  const auto payload = packet.payload();
  if (payload.size() < 12 || packet::load32(payload.data()) != 0x706f7274) return {0xffffffff, 0};
  return {packet::load32(payload.data() + 4), packet::load32(payload.data() + 8)};
}

/// One packet as a handler saw it. `ticket` numbers the packets of all cores in the order of their handling.
struct Seen {
  std::uint64_t ticket = 0;
  std::uint32_t flow = 0;
  std::uint32_t number = 0;
  unsigned worker = 0;
  std::string service;
};

/// What recording handlers saw. Read when the router has stopped.
class Journal {
 public:
  struct Part {
    HandlerContext context;
    std::vector<Seen> seen;
  };

  Part& add_part(const HandlerContext& context) {
    const std::lock_guard lock(mutex_);
    parts_.push_back(std::make_unique<Part>(Part{context, {}}));
    return *parts_.back();
  }
  void note(Part& part, const datapath::PacketView& packet) {
    const auto [flow, number] = number_of(packet);
    part.seen.push_back({tickets_.fetch_add(1), flow, number, part.context.worker, part.context.service});
    count_.fetch_add(1);
  }
  /// In the order of their tickets.
  std::vector<Seen> all() const {
    std::vector<Seen> seen;
    for (const auto& part : parts_) seen.insert(seen.end(), part->seen.begin(), part->seen.end());
    std::ranges::sort(seen, {}, &Seen::ticket);
    return seen;
  }
  std::uint64_t count() const { return count_.load(); }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Part>> parts_;
  std::atomic<std::uint64_t> tickets_{0};
  std::atomic<std::uint64_t> count_{0};
};

/// A handler made of a function.
class Acting final : public datapath::Handler {
 public:
  using Act = std::function<void(Burst&)>;
  explicit Acting(Act act) : act_(std::move(act)) {}
  void on_burst(Burst& burst) override { act_(burst); }

 private:
  Act act_;
};

class PipelineTest : public testing::TestWithParam<Shape> {
 protected:
  void SetUp() override {
    static unsigned number = 0;
    const auto& shape = GetParam();
    settings_.router.mode = shape.mode;
    settings_.fragments.timeout_ms = 50;
    add_device("dev" + std::to_string(number++));  // names are global in DPDK
    plan_.mode = shape.mode;
    for (unsigned core = 0; core < shape.rx; ++core) plan_.rx_cpus.push_back(core);
    for (unsigned core = 0; core < shape.workers; ++core) plan_.worker_cpus.push_back(shape.rx + core);
    plan_.control_cpus = {0};
    add_handler("record", [this](const HandlerContext& context) {
      auto& part = journal_.add_part(context);
      return [this, &part](Burst& burst) {
        for (const auto& packet : burst) journal_.note(part, packet);
      };
    });
  }

  void TearDown() override {
    if (router_ != nullptr && !is_stopped_) stop_and_check();
    router_.reset();
  }

  // ---- before the start ----

  void add_device(const std::string& name) {
    control::DeviceSettings device;
    device.name = name;
    device.traffic = true;
    settings_.devices.push_back(device);
  }

  using MakeAct = std::function<Acting::Act(const HandlerContext&)>;
  void add_handler(const std::string& name, MakeAct make) {
    registry_.add(name, [make](const HandlerContext& context) { return std::make_unique<Acting>(make(context)); });
  }
  /// CPU number of worker `index`, as services name it.
  unsigned cpu_of(unsigned index) const { return plan_.delivering_cpus()[index]; }

  static control::ServiceSettings service(const std::string& name, const std::vector<std::string>& bindings,
                                          const std::vector<std::string>& chain, std::vector<unsigned> workers = {}) {
    control::ServiceSettings made;
    made.name = name;
    for (const auto& text : bindings) {
      const auto parsed = control::parse_binding(text);
      EXPECT_TRUE(parsed.binding.has_value()) << text << ": " << parsed.problem;
      if (parsed.binding) made.bindings.push_back({text, *parsed.binding, {}});
    }
    for (const auto& handler : chain) made.deliver.push_back({handler, {}, {}});
    made.workers = std::move(workers);
    return made;
  }

  // ---- the run ----

  void start() {
    router_ =
        std::make_unique<control::Router>(settings_, plan_, std::vector<nic::DeviceSpec>(settings_.devices.size()),
                                          registry_, eal(), packet::fixed_hash_key);
    router_->on_event([this](const control::Event& event) {
      const std::lock_guard lock(events_mutex_);
      events_.push_back(event);
    });
    router_->start();
  }

  /// What the router has told so far.
  std::vector<control::Event> events() {
    const std::lock_guard lock(events_mutex_);
    return events_;
  }

  nic::RingDevice& far_end(std::size_t device = 0) { return *router_->far_end(device); }

  /// What RSS would do: all packets between two addresses come by one queue.
  unsigned queue_of(const Frame& frame) const {
    const auto facts = packet::parse(frame);
    if (facts.ip_version == 0) return 0;
    const auto flow = packet::flow_key(frame.data(), facts);
    unsigned sum = 0;
    for (std::size_t i = 0; i < 16; ++i) sum = sum * 31 + flow.src.bytes[i] + flow.dst.bytes[i];
    return sum % GetParam().rx;
  }

  void push(const Frame& frame, std::size_t device = 0) {
    const packet::Bytes bytes(frame);
    const auto queue = queue_of(frame);
    wait_until("a frame is taken", [&] { return far_end(device).push(queue, {&bytes, 1}) == 1; });
    pushed_ += 1;
  }

  void push_segmented(const Frame& frame, std::size_t segment_bytes) {
    const auto queue = queue_of(frame);
    wait_until("segments are taken", [&] { return far_end().push_segmented(queue, frame, segment_bytes); });
    pushed_ += 1;
  }

  /// Takes what was sent out of the devices.
  void pull() {
    sent_by_.resize(settings_.devices.size());
    for (std::size_t device = 0; device < sent_by_.size(); ++device) {
      far_end(device).pull(
          [](void* context, packet::Bytes bytes) {
            static_cast<std::vector<Frame>*>(context)->emplace_back(bytes.begin(), bytes.end());
          },
          device == 0 ? &replies_ : &sent_by_[device]);
    }
  }

  std::uint64_t outstanding() const {
    const auto ledger = router_->ledger();
    return pushed_ - std::min(pushed_, ledger.delivered + ledger.dropped_total());
  }
  /// Waits until fewer than `limit` packets are on their way: no ring is ever full.
  void throttle(std::uint64_t limit) {
    wait_until("packets are handled", [&] { return outstanding() < limit; });
  }
  void settle() { throttle(1); }

  template <typename Condition>
  void wait_until(const char* what, const Condition& reached) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!reached()) {
      if (std::chrono::steady_clock::now() > deadline) {
        GTEST_FAIL() << "waited too long until " << what << ": " << outstanding() << " packets outstanding";
      }
      if (is_pulling_) pull();
      std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  }

  // ---- the end ----

  bool stop(std::chrono::milliseconds limit) {
    return router_->stop(limit, [this] {
      pull();
      return false;
    });
  }

  /// The promises that hold after every run, whatever happened in it.
  void stop_and_check() {
    is_stopped_ = true;
    ASSERT_TRUE(stop(std::chrono::seconds(20)));
    pull();
    ledger_ = router_->ledger();
    auto waiting = far_end().waiting();
    auto sent = replies_.size();
    for (std::size_t device = 1; device < settings_.devices.size(); ++device) {
      waiting += far_end(device).waiting();
      sent += sent_by_[device].size();
    }
    EXPECT_EQ(ledger_.received, pushed_ - waiting) << "every frame that was taken is in the ledger";
    EXPECT_TRUE(ledger_.adds_up()) << ledger_.received << " received, " << ledger_.delivered << " delivered, "
                                   << ledger_.dropped_total() << " dropped, " << ledger_.in_flight << " in flight";
    EXPECT_EQ(ledger_.in_flight, 0U);
    EXPECT_EQ(ledger_.replied, sent);
    for (const auto& account : ledger_.services) {
      EXPECT_EQ(account.in, account.delivered + account.dropped_total()) << account.name;
    }
    EXPECT_EQ(router_->close().leaked(), 0U);
  }

  std::uint64_t dropped(Reason reason) const { return ledger_.dropped[static_cast<std::size_t>(reason)]; }
  const control::ServiceAccount& account(const std::string& name) const {
    for (const auto& account : ledger_.services) {
      if (account.name == name) return account;
    }
    ADD_FAILURE() << "no service " << name;
    return ledger_.services.front();
  }
  static std::uint64_t dropped(const control::ServiceAccount& account, Reason reason) {
    return account.dropped[static_cast<std::size_t>(reason)];
  }

  std::mutex events_mutex_;  ///< events come from another thread
  std::vector<control::Event> events_;

  control::Settings settings_;
  control::CorePlan plan_;
  handlers::Registry registry_ = handlers::Registry::with_builtins();
  Journal journal_;
  std::unique_ptr<control::Router> router_;
  std::uint64_t pushed_ = 0;
  std::vector<Frame> replies_;               ///< sent by the first device
  std::vector<std::vector<Frame>> sent_by_;  ///< by the others, by device
  bool is_pulling_ = true;                   ///< false: nobody takes replies out while the test waits
  bool is_stopped_ = false;
  control::Ledger ledger_;  ///< of the end
};

}  // namespace portier::test
