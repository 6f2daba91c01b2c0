/// Opens the sources and enters the contenders.
#include "lineup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "testpmd.hpp"

namespace portier::bench {

namespace {

const std::vector<std::string> testpmd_modes{"rxonly", "macswap", "5tswap"};

bool is_device(const std::string& source) {
  return source.starts_with("net_") || source.starts_with("interface:") ||
         (source.size() == 12 && source[4] == ':' && source[7] == ':');
}

bool is_wanted(const Options& options, const std::string& name) {
  return options.contenders.empty() || std::ranges::find(options.contenders, name) != options.contenders.end();
}

}  // namespace

const std::vector<Known>& known_contenders() {
  static const std::vector<Known> all{
      {"floor", "receive and rte_pktmbuf_free_bulk, one core"},
      {"floor-put", "receive and rte_mempool_put_bulk, one core"},
      {"r2c", "portier run-to-completion, counting handler, one core"},
      {"stage1", "portier's stages up to 1, and free, one core"},
      {"stage2", "as stage1, up to 2"},
      {"stage3", "as stage1, up to 3"},
      {"stage5", "as stage1, up to 5"},
      {"pipeline", "portier's rx core and worker core, handler reads, two cores"},
      {"mailbox", "portier's receiving core and a process behind a mailbox, which reads, two cores"},
      {"mbuf-ring", "minimal pipeline: mbuf pointers over rte_ring, worker reads, two cores"},
      {"distributor", "rte_distributor in burst mode, worker frees, two cores"},
      {"event_dsw", "event_dsw with an atomic queue, worker frees, two cores"},
      {"event_sw", "event_sw with an atomic queue, worker frees, two cores"},
      {"testpmd-rxonly", "dpdk-testpmd on the same capture, one core; also testpmd-macswap, testpmd-5tswap"},
      {"testpmd-macswap", "as testpmd-rxonly, swaps MAC addresses and sends"},
      {"testpmd-5tswap", "as testpmd-rxonly, parses, swaps addresses and ports and sends"},
      {"kernel-udp", "UDP sockets of the kernel over the loopback, two cores"},
  };
  return all;
}

std::vector<Capture> captures_for(const Options& options) {
  std::vector<Capture> captures;
  if (options.source == "builtin") {
    for (const auto& kind : options.traffic) captures.push_back(builtin_capture(kind, options.services));
  } else if (is_device(options.source)) {
    captures.push_back({.label = options.source, .frames = {}, .ports = {}});
  } else {
    captures.push_back(read_capture(options.source));
  }
  return captures;
}

unsigned memory_mb_for(const std::vector<Capture>& captures, const Options& options) {
  std::uint64_t mbufs = 0;
  for (const auto& capture : captures) {
    mbufs += 3 * (capture.frames.size() + options.pool_mbufs);  // hot, and once more at a page each
    for (const auto cold : options.cold_mbufs) mbufs += cold;
  }
  return memory_mb_for_pools(mbufs);
}

Lineup::Lineup(std::vector<Capture> captures, Arena& arena, const Options& options)
    : captures_(std::move(captures)), arena_(arena), options_(options) {
  for (const auto& capture : captures_) capture.frames.empty() ? enter_device(capture) : enter_capture(capture);
}

void Lineup::enter_device(const Capture& capture) {
  auto device = options_.source;
  if (device.starts_with("interface:")) {
    device = fmt::format("net_{}0,iface={}", options_.driver, device.substr(device.find(':') + 1));
  }
  sources_.push_back(open_device("device", device, options_.pool_mbufs));
  add({arena_, *sources_.back(), capture, options_}, Part::all);
}

void Lineup::enter_capture(const Capture& capture) {
  auto path = options_.source;
  if (path == "builtin") {
    files_.push_back(std::make_unique<CaptureFile>(capture, options_.keep_capture));
    path = files_.back()->path();
  }
  const auto number = [&] { return static_cast<unsigned>(sources_.size()); };
  const auto frames = capture.frames.size();
  sources_.push_back(open_looped_capture(capture.label, path, frames, options_.pool_mbufs, Layout::packed, number()));
  add({arena_, *sources_.back(), capture, options_}, Part::all);
  for (const auto mbufs : options_.cold_mbufs) {
    sources_.push_back(open_cold_pool(capture, mbufs, number()));
    add({arena_, *sources_.back(), capture, options_}, Part::cold);
  }
  const bool wants_testpmd = std::ranges::any_of(
      testpmd_modes, [&](const std::string& mode) { return is_wanted(options_, "testpmd-" + mode); });
  if (!wants_testpmd) return;
  // testpmd's buffers lie as DPDK lays them. Where that is apart, it is compared with portier on buffers that lie
  // alike.
  if (!options_.hugepages) {
    sources_.push_back(
        open_looped_capture(capture.label + "/pages", path, frames, options_.pool_mbufs, Layout::dpdk, number()));
    add({arena_, *sources_.back(), capture, options_}, Part::beside_testpmd);
  }
  add_testpmd({arena_, *sources_.back(), capture, options_}, path);
}

unsigned Lineup::close() {
  unsigned missing = 0;
  for (const auto& source : sources_) missing += source->close();
  return missing;
}

/// Null: nobody asked for it.
Entry* Lineup::enter(const std::string& name, const Match& match, unsigned cores,
                     std::function<std::unique_ptr<Contender>()> make) {
  if (!is_wanted(options_, name)) return nullptr;
  Entry entry{.name = name, .source = match.source.label(), .cores = cores, .skip_reason = {}, .make = std::move(make)};
  if (cores > arena_.cpus.size()) entry.skip_reason = "needs two CPUs; this process may use one";
  entries_.push_back(std::move(entry));
  return &entries_.back();
}

void Lineup::add(const Match& match, Part part) {
  enter("floor", match, 1, [=] { return make_floor(match, FreeBy::mbuf_bulk); });
  // A cold pool's pointers alone are no packets: without touching the mbufs nothing is measured.
  if (part != Part::cold) enter("floor-put", match, 1, [=] { return make_floor(match, FreeBy::mempool_bulk); });
  enter("r2c", match, 1, [=] { return make_run_to_completion(match); });
  if (part == Part::beside_testpmd) return;
  for (const unsigned last : {1U, 2U, 3U, 5U}) {
    enter("stage" + std::to_string(last), match, 1, [=] { return make_stages(match, last); });
  }
  if (part == Part::cold) return;
  enter("pipeline", match, 2, [=] { return make_pipeline(match); });
  enter("mailbox", match, 2, [=] { return make_mailbox(match); });
  enter("mbuf-ring", match, 2, [=] { return make_mbuf_ring(match); });
  enter("distributor", match, 2, [=] { return make_distributor(match); });
  enter("event_dsw", match, 2, [=] { return make_eventdev(match, "event_dsw"); });
  enter("event_sw", match, 2, [=] { return make_eventdev(match, "event_sw"); });
  // Once is enough: its packets are its own.
  if (std::ranges::find(entries_, "kernel-udp", &Entry::name) == entries_.end()) {
    if (auto* entry = enter("kernel-udp", match, 2, [=] { return make_kernel_udp(match); })) {
      entry->source = "loopback";
      entry->uses_pool = false;
    }
  }
}

/// One process serves the three modes; it is started when the first of them runs.
void Lineup::add_testpmd(const Match& match, const std::string& path) {
  const auto program = find_testpmd(options_.testpmd);
  const auto process = std::make_shared<std::weak_ptr<Testpmd>>();
  const auto get = [=] {
    auto running = process->lock();
    if (running == nullptr) {
      running = std::make_shared<Testpmd>(program, path, match.capture.frames.size(), match.arena, match.options);
      *process = running;
    }
    return running;
  };
  for (const auto& mode : testpmd_modes) {
    auto* entry = enter("testpmd-" + mode, match, 1, [=] { return make_testpmd(get(), mode); });
    if (entry == nullptr) continue;
    entry->uses_pool = false;
    if (program.empty()) entry->skip_reason = "there is no dpdk-testpmd here: install Debian's dpdk-dev";
  }
}

}  // namespace portier::bench
