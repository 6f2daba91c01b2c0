/// Frames of a capture through stages 2-5 of the data path, offline: what becomes of each, and the account of all.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "control/capture_reader.hpp"
#include "control/ledger.hpp"
#include "control/program_build.hpp"
#include "control/settings.hpp"
#include "datapath/stage3_lookup.hpp"
#include "table/ruleset.hpp"

namespace portier::control {

enum class Outcome { delivered, dropped, rejected, kernel };
/// "delivered", "dropped", "rejected", "kernel".
std::string_view to_text(Outcome outcome);

struct FrameVerdict {
  std::uint64_t frame = 0;  ///< from 1
  packet::Facts facts;      ///< as parsed, without the verdict's reason
  packet::Address src;      ///< version 0: the frame has none
  packet::Address dst;
  std::optional<packet::Quote> inner;  ///< of an ICMP error, as far as it could be read
  table::ServiceId service = table::no_service;
  std::string service_name;        ///< empty: none
  std::string binding;             ///< as written; empty: none
  std::optional<unsigned> worker;  ///< index among the workers
  Outcome outcome = Outcome::dropped;
  packet::Reason reason = packet::Reason::none;  ///< none: delivered
};

class Replay {
 public:
  using Sink = std::function<void(const FrameVerdict&)>;

  /// `sink` gets one verdict per frame, in the order of frames. Throws `std::runtime_error` when tables cannot be
  /// built; needs EAL when a binding names a prefix (`needs_eal`).
  Replay(const Settings& settings, const std::vector<unsigned>& worker_cpus, Sink sink);

  static bool needs_eal(const Settings& settings);

  /// Time for fragments is the capture's.
  void add(const CapturedPacket& captured);
  /// The capture is over: fragments whose first one has not come are dropped as `fragment_timeout`.
  void finish();

  Ledger ledger() const;

 private:
  struct Pending {
    std::vector<std::uint8_t> bytes;
    FrameVerdict verdict;
    bool is_resolved = false;
  };

  void note_facts(Pending& pending, const packet::Facts& facts);
  void run_late(std::uint64_t now);
  void resolve(Pending& pending, std::size_t row);
  void name_target(Pending& pending, std::size_t row);
  bool would_be_answered(std::size_t row) const;
  void emit();

  Settings settings_;
  Sink sink_;
  ServiceIds ids_;
  std::unique_ptr<const table::Ruleset> rules_;
  std::vector<const ServiceSettings*> service_of_;                       ///< by ServiceId; null: built in
  std::unordered_map<std::uint32_t, std::string> binding_of_fragments_;  ///< by flow hash of their first one
  datapath::CoreCounters counters_;
  datapath::DemuxState state_;
  datapath::RxBurst burst_;
  std::deque<Pending> pending_;  ///< frames in order; the front one waits, or it would be gone
  std::unordered_map<const std::uint8_t*, Pending*> waiting_;  ///< by first byte
  std::uint64_t frames_ = 0;
};

}  // namespace portier::control
