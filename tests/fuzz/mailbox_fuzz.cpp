/// libFuzzer entry: a process that writes whatever it likes into the memory it shares with the router.
///
/// The input is a list of deeds: packets come, the core has a turn, the process reads soundly, writes bytes or
/// positions, answers with frames of its own, leaves and comes back. Whatever it does, each packet ends once, no buffer
/// is lost, and nothing leaves but from the port that is its own.
#include <rte_mbuf.h>
#include <rte_ring.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

#include "datapath/drop.hpp"
#include "handlers/mail_desk.hpp"
#include "nic/eal.hpp"
#include "packet/parse.hpp"
#include "traffic/frame.hpp"

namespace {

using namespace portier;

constexpr crosscore::MailShape shape{.cores = 1, .places = 256, .capacity = 256, .reply_places = 256};
constexpr table::ServiceId service = table::first_user_service;
constexpr unsigned pool_size = 1023;

void expect(bool holds) {
  if (!holds) std::abort();
}

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  bool is_empty() const { return at_ >= size_; }
  std::uint8_t byte() { return is_empty() ? 0 : data_[at_++]; }
  std::uint64_t number(unsigned bytes) {
    std::uint64_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) value = value << 8 | byte();
    return value;
  }

 private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

/// What lives as long as the process: DPDK, buffers, rules.
struct World {
  World() : eal({.memory_mb = 64}) {
    pool = rte_pktmbuf_pool_create("fuzz", pool_size, 0, 0, 10240, SOCKET_ID_ANY);
    relay = rte_ring_create("fuzz", 1024, SOCKET_ID_ANY, 0);
    table::RulesetSpec spec;
    spec.bindings.push_back({.first_port = 53, .last_port = 53, .service = service});
    spec.workers.assign(service + 1U, {0});
    rules = table::Ruleset::build(spec, nullptr);
    owners[service].add(1);
  }
  nic::Eal eal;
  rte_mempool* pool;
  rte_ring* relay;
  std::unique_ptr<const table::Ruleset> rules;
  handlers::MailOwners owners{table::max_services};
};

class Play {
 public:
  explicit Play(World& world)
      : world_(world),
        outbox_(world.pool, {datapath::TxLane{.relay = world.relay}}, counters_),
        desk_(0, false, std::vector<std::array<std::uint8_t, 6>>(1), world.owners) {
    come();
  }
  ~Play() {
    turn(datapath::Turn::Kind::last);
    outbox_.abandon();
    drain();
    std::uint64_t ended = counters_.delivered[service].packets.value();
    for (const auto& count : counters_.dropped[service]) ended += count.value();
    expect(ended == put_ && desk_.waiting() == 0);
    expect(rte_mempool_avail_count(world_.pool) == pool_size);
  }

  void act(Input& input) {
    switch (input.byte() % 8) {
      case 0: return put(1 + input.byte() % 64, input.byte());
      case 1: return turn(datapath::Turn::Kind::busy);
      case 2: return write(input);
      case 3: return move(input);
      case 4: return read(input.byte());
      case 5: return answer(input);
      case 6: return come();
      default: return leave();
    }
  }

 private:
  void put(std::size_t count, std::uint8_t more) {
    const auto frame = traffic::frame()
                           .ipv4(packet::ipv4(0xc6120001), packet::ipv4(0xc0000201))
                           .udp(1024, 53)
                           .payload(traffic::Frame(more * std::size_t{8}, 0x5a))
                           .build();
    std::vector<crosscore::Slot> slots(crosscore::slots_for(frame.size()));
    auto& facts = slots[0].facts;
    facts = {};
    facts.hash = more * 0x01010101U;
    facts.service = service;
    facts.length = static_cast<std::uint16_t>(frame.size());
    facts.l4_and_device = 34;
    facts.proto = packet::wire::proto_udp;
    facts.flags = crosscore::flag_ipv4;
    auto* bytes = reinterpret_cast<std::uint8_t*>(slots.data()) + sizeof(crosscore::SlotFacts);
    std::memcpy(bytes, frame.data(), frame.size());
    std::array<const std::uint8_t*, 64> rows;
    rows.fill(bytes);
    const datapath::PacketRows packets(rows.data());
    datapath::Burst burst(packets, ~std::uint64_t{0} >> (64 - count), outbox_, 0);
    desk_.put(burst);
    put_ += count;
    std::size_t refused = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (burst.refused(i) == packet::Reason::none) continue;
      count_drop(counters_, service, burst.refused(i));
      refused += 1;
    }
    expect(refused + burst.postponed() == count);
  }
  void turn(datapath::Turn::Kind kind) {
    datapath::Turn turn(*world_.rules, outbox_, counters_, 0, kind);
    desk_.on_turn(turn);
    outbox_.commit();
    outbox_.flush();
    drain();
  }
  /// Nothing leaves but from port 53, with the router's own MAC.
  void drain() {
    void* at = nullptr;
    while (rte_ring_dequeue(world_.relay, &at) == 0) {
      auto* mbuf = static_cast<rte_mbuf*>(at);
      const packet::Bytes bytes(rte_pktmbuf_mtod(mbuf, const std::uint8_t*), mbuf->data_len);
      const auto facts = packet::parse(bytes);
      expect(facts.ports_known && facts.src_port == 53 && facts.proto == packet::wire::proto_udp);
      expect(facts.fragment == packet::Fragment::none && bytes[6] == 0 && bytes[11] == 0);
      rte_pktmbuf_free(mbuf);
    }
  }

  void write(Input& input) {
    if (region_ == nullptr) return;
    const auto at = input.number(3) % shape.region_bytes();
    region_[at] = input.byte();
  }
  void move(Input& input) {
    if (region_ == nullptr) return;
    const auto which = input.byte();
    auto* positions =
        (which & 1) != 0 ? towards_process(region_, shape, 0).positions : towards_router(region_, shape, 0).positions;
    auto& word = (which & 2) != 0 ? positions->produced : positions->consumed;
    if ((which & 4) != 0) word = input.number(8);
    else word += input.number(1);
  }
  void read(std::size_t most) {
    for (; region_ != nullptr && most != 0 && in_.front().bytes != nullptr; --most) in_.pop();
    if (region_ != nullptr) in_.release();
  }
  void answer(Input& input) {
    const std::size_t length = 1 + input.byte();
    auto* slot = region_ == nullptr ? nullptr : out_.reserve(crosscore::slots_for(length));
    if (slot == nullptr) return;
    slot->facts = {};
    slot->facts.length = static_cast<std::uint16_t>(length);
    auto* bytes = reinterpret_cast<std::uint8_t*>(slot) + sizeof(crosscore::SlotFacts);
    const auto sound = traffic::frame()
                           .ipv4(packet::ipv4(0xc0000201), packet::ipv4(0xc6120001))
                           .udp(static_cast<std::uint16_t>(52 + input.byte() % 3), 1024)
                           .payload(traffic::Frame(length, 1))
                           .build();
    std::memcpy(bytes, sound.data(), length);
    for (unsigned changes = input.byte() % 4; changes != 0; --changes) bytes[input.byte() % length] = input.byte();
    out_.publish();
  }
  void come() {
    if (region_ != nullptr) return;
    auto link = std::make_shared<handlers::MailLink>(shape, 1'000'000'000);
    region_ = link->region();
    in_ = crosscore::MailConsumer(towards_process(region_, shape, 0));
    out_ = crosscore::MailProducer(towards_router(region_, shape, 0));
    assign(std::move(link));
  }
  void leave() {
    region_ = nullptr;
    assign(nullptr);
  }
  void assign(std::shared_ptr<handlers::MailLink> link) {
    auto next = std::make_unique<handlers::MailMembers>();
    next->generation = members_.size() + 1;
    if (link != nullptr) next->present = next->active = {0};
    next->links[0] = std::move(link);
    desk_.assign(next.get());
    members_.push_back(std::move(next));
  }

  World& world_;
  datapath::CoreCounters counters_;
  datapath::Outbox outbox_;
  std::vector<std::unique_ptr<handlers::MailMembers>> members_;
  handlers::MailDesk desk_;
  std::uint8_t* region_ = nullptr;
  crosscore::MailConsumer in_;
  crosscore::MailProducer out_;
  std::uint64_t put_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  Input input(data, std::min<std::size_t>(size, 4096));
  Play play(world);
  while (!input.is_empty()) play.act(input);
  return 0;
}
