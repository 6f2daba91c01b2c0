/// All tables of one configuration: immutable once built, numbered by generation, read by every rx core without locks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "packet/facts.hpp"
#include "packet/flow_hash.hpp"
#include "table/binding.hpp"
#include "table/core_map.hpp"
#include "table/port_tables.hpp"
#include "table/prefix_table.hpp"

namespace portier::table {

enum class ClosedAction : std::uint8_t { reject, drop, kernel };

/// Clients of `service` get the answers that come in by `device`: those packets are `answers`', another service.
struct ReturnPath {
  ServiceId service = no_service;
  std::uint8_t device = 0;
  ServiceId answers = no_service;
};

/// What a ruleset is built from.
struct RulesetSpec {
  std::uint64_t generation = 0;
  packet::HashKey hash_key = packet::fixed_hash_key;
  std::vector<Binding> bindings;                  ///< conflict-free, canonical prefixes, services set
  std::vector<std::vector<WorkerIndex>> workers;  ///< by service: the workers it may use, not empty
  std::vector<packet::Address> our_addresses;     ///< empty: every destination address is ours
  ClosedAction closed_action = ClosedAction::reject;
  std::vector<ReturnPath> returns;  ///< of services that are delivered by a device; the first of equal ones counts
};

class Ruleset {
 public:
  /// Null when DPDK has not enough memory for the prefix tables. `previous` (may be null) is where core maps come
  /// from, so that a change of workers moves the fewest buckets. Needs EAL only when a binding names a prefix.
  static std::unique_ptr<const Ruleset> build(const RulesetSpec& spec, const Ruleset* previous);

  std::uint64_t generation() const { return generation_; }
  const packet::HashKey& hash_key() const { return hash_key_; }
  ClosedAction closed_action() const { return closed_action_; }

  // ---- stage 3, for one packet ----

  /// The service that owns the flow's destination, or `no_service`: the compiled form of `choose`.
  ServiceId service_for(const packet::FlowKey& flow) const;
  bool is_ours(const packet::Address& destination) const;
  /// True: ARP, neighbour discovery and ping are answered for our addresses.
  bool answers() const { return !our_addresses_.empty(); }

  /// Answers to clients may come in by this device: some service is delivered by it.
  bool has_returns(std::uint8_t device) const { return (return_devices_ >> device & 1) != 0; }
  /// The service of a packet that came in by `device` and that says it is from a service which is delivered there;
  /// `no_service` for all others, and for what is to an address of ours.
  ServiceId return_service(std::uint8_t device, const packet::FlowKey& flow) const;

  // ---- stage 3, for bursts ----

  bool has_prefixes4() const { return prefixes4_ != nullptr; }
  bool has_prefixes6() const { return prefixes6_ != nullptr; }
  const PrefixTable4& prefixes4() const { return *prefixes4_; }
  const PrefixTable6& prefixes6() const { return *prefixes6_; }
  const PortTables& ports() const { return *ports_; }

  // ---- stage 5 ----

  /// Where the maps are, for a loop that shall not fetch that anew for every packet.
  class CoreMaps {
   public:
    WorkerIndex worker(ServiceId service, std::uint32_t flow_hash) const {
      return maps_[map_of_[service]].worker[bucket_of(flow_hash)];
    }

   private:
    friend class Ruleset;
    explicit CoreMaps(const Ruleset& rules) : map_of_(rules.map_of_.data()), maps_(rules.maps_.data()) {}
    const std::uint16_t* map_of_;
    const CoreMap* maps_;
  };
  CoreMaps core_maps() const { return CoreMaps(*this); }
  const CoreMap& core_map(ServiceId service) const { return maps_[map_of_[service]]; }
  WorkerIndex worker_for(ServiceId service, std::uint32_t flow_hash) const {
    return core_map(service).worker[bucket_of(flow_hash)];
  }
  /// Some bucket has another worker than in the ruleset before.
  bool moves_buckets() const { return moves_buckets_; }

  std::size_t service_limit() const { return map_of_.size(); }  ///< ids below this may be asked for

 private:
  Ruleset() = default;
  void build_maps(const RulesetSpec& spec, const Ruleset* previous);
  void build_returns(const RulesetSpec& spec);

  std::uint64_t generation_ = 0;
  packet::HashKey hash_key_{};
  ClosedAction closed_action_ = ClosedAction::reject;
  bool moves_buckets_ = false;
  std::unique_ptr<PrefixTable4> prefixes4_;
  std::unique_ptr<PrefixTable6> prefixes6_;
  std::unique_ptr<PortTables> ports_;
  std::vector<std::uint16_t> map_of_;           ///< by service
  std::vector<CoreMap> maps_;                   ///< equal maps are stored once
  std::vector<packet::Address> our_addresses_;  ///< sorted
  std::uint32_t return_devices_ = 0;            ///< bit d: device d
  /// [device][service]; empty for devices by which nothing is delivered.
  std::vector<std::vector<ServiceId>> returns_;
};

}  // namespace portier::table
