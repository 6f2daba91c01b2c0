/// Calls the stages as rx cores and run-to-completion cores do.
#include "stage_chain.hpp"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <stdexcept>
#include <utility>

#include "datapath/arrivals.hpp"
#include "datapath/stage2_parse.hpp"
#include "datapath/stage5_steer.hpp"
#include "datapath/stage6_handoff.hpp"
#include "handlers/builtins.hpp"

namespace portier::bench {
namespace {

/// 4,096 frames of 1,514 bytes take 49,152 slots; the mean of the mix of sizes is a quarter of that.
constexpr std::size_t ring_slots = 32768;
/// Receive time of every burst: the latency of stage 7 is the same in all runs.
constexpr std::uint64_t receive_tsc = std::uint64_t{1} << 40;
constexpr std::uint64_t handler_tsc = receive_tsc + 2000;

void bind(std::vector<table::Binding>& bindings, packet::Prefix destination, const RuleSpec& spec) {
  const auto ports = service_ports(spec.services);
  for (std::size_t i = 0; i < spec.services; ++i) {
    for (const auto transport : {packet::Transport::udp, packet::Transport::tcp}) {
      table::Binding binding;
      binding.transport = transport;
      binding.destination = destination;
      binding.first_port = binding.last_port = ports[i];
      binding.service = static_cast<table::ServiceId>(table::first_user_service + i);
      bindings.push_back(binding);
    }
  }
}

packet::Prefix network_of(const packet::Address& address, std::uint8_t length) {
  packet::Prefix prefix;
  prefix.address = address;
  prefix.address.bytes[address.version == 4 ? 3 : 15] = 0;
  prefix.length = length;
  return prefix;
}

}  // namespace

std::unique_ptr<const datapath::Program> make_program(const RuleSpec& spec) {
  table::RulesetSpec rules;
  rules.closed_action = table::ClosedAction::drop;
  std::vector<table::WorkerIndex> workers;
  for (std::size_t i = 0; i < spec.workers; ++i) workers.push_back(static_cast<table::WorkerIndex>(i));
  rules.workers.assign(table::first_user_service + spec.services, workers);
  if (spec.addresses == 0) bind(rules.bindings, {}, spec);
  for (std::size_t i = 0; i < spec.addresses; ++i) {
    bind(rules.bindings, network_of(destination4(i), 24), spec);
    bind(rules.bindings, network_of(destination6(i), 64), spec);
  }
  auto program = std::make_unique<datapath::Program>();
  program->rules = table::Ruleset::build(rules, nullptr);
  if (program->rules == nullptr) throw std::runtime_error("DPDK has not enough memory for the prefix tables");
  program->lanes.resize(spec.workers);
  for (auto& of_worker : program->lanes) {
    of_worker.resize(rules.workers.size());
    for (std::size_t service = table::first_user_service; service < of_worker.size(); ++service) {
      std::vector<std::unique_ptr<datapath::Handler>> chain;
      chain.push_back(handlers::make_count({}));
      of_worker[service] = std::make_shared<datapath::Lane>(std::move(chain), 1);
    }
  }
  return program;
}

StageChain::StageChain(std::unique_ptr<const datapath::Program> program, std::size_t workers)
    : program_(std::move(program)),
      counters_(std::make_unique<datapath::CoreCounters>()),
      demux_{.fragments = datapath::FragmentMemory({}), .counters = *counters_},
      outbox_(nullptr, {}, *counters_),
      delivery_(0, outbox_, *counters_) {
  burst_.now_tsc = receive_tsc;
  for (std::size_t i = 0; i < workers; ++i) {
    rings_.push_back(std::make_unique<crosscore::SlotRing>(ring_slots));
    ring_of_worker_.push_back(rings_.back().get());
    shares_.emplace_back(*rings_.back());
  }
}

void StageChain::receive(const FrameSet& frames, std::size_t first) {
  burst_.count = burst_packets;
  burst_.now_tsc = receive_tsc;
  burst_.device = 0;
  std::uint64_t bytes = 0;
  for (std::size_t i = 0; i < burst_packets; ++i) {
    auto* mbuf = frames[first + i];
    rte_prefetch0(frames[(first + burst_packets + i) % frames.size()]);
    burst_.mbuf[i] = mbuf;
    burst_.data[i] = rte_pktmbuf_mtod(mbuf, const std::uint8_t*);
    rte_prefetch0(burst_.data[i]);
    burst_.present[i] = mbuf->data_len;
    burst_.wire_length[i] = mbuf->pkt_len;
    bytes += mbuf->pkt_len;
  }
  counters_->received.packets.add(burst_packets);
  counters_->received.bytes.add(bytes);
}

void StageChain::parse() { datapath::stage2_parse(burst_, *counters_); }
void StageChain::look_up() { datapath::stage3_lookup(*program_->rules, demux_, burst_); }
void StageChain::steer() { datapath::stage5_steer(*program_->rules, demux_, burst_, nullptr); }
void StageChain::stay() { datapath::stage5_stay(demux_, burst_); }
void StageChain::hand_off() { datapath::stage6_handoff(burst_, ring_of_worker_, shares_, demux_, true, unpublished_); }

void StageChain::deliver() {
  if (burst_.live != 0)
    delivery_.deliver(*program_, datapath::LiveRows(burst_, program_->rules->hash_key()), handler_tsc);
}

void StageChain::drain() {
  datapath::publish_rest(ring_of_worker_, unpublished_);
  for (auto& ring : rings_) {
    while (const auto* slot = ring->front()) ring->pop(*slot);
    ring->release();
  }
}

void run_stages(StageChain& chain, FrameSet& frames, int last) {
  const auto first = frames.next_pass();
  for (std::size_t at = first; at < first + pass_packets; at += burst_packets) {
    chain.receive(frames, at);
    if (last >= 2) chain.parse();
    if (last >= 3) chain.look_up();
    if (last == 7) chain.stay();
    if (last == 5 || last == 6) chain.steer();
    if (last == 6) chain.hand_off();
    if (last == 7) chain.deliver();
  }
}

}  // namespace portier::bench
