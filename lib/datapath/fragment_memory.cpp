/// A four-way set table for first fragments, a short list for waiting ones.
#include "datapath/fragment_memory.hpp"

#include "packet/flow_hash.hpp"

namespace portier::datapath {

DatagramKey datagram_key(const std::uint8_t* frame, const packet::Facts& facts) {
  const auto flow = packet::flow_key(frame, facts);
  return {.src = flow.src,
          .dst = flow.dst,
          .id = facts.fragment_id,
          .proto = facts.ip_version == 4 ? facts.proto : std::uint8_t{0}};
}

FragmentMemory::FragmentMemory(const FragmentLimits& limits)
    : owners_(limits.datagrams), waiting_limit_(limits.waiting), timeout_ticks_(limits.timeout_ticks) {
  waiting_.reserve(limits.waiting);
  ready_.reserve(limits.waiting);
}

std::size_t FragmentMemory::set_of(const DatagramKey& key) const {
  const auto hash =
      packet::flow_hash(packet::fixed_hash_key, key.src.version, key.src.bytes.data(), key.dst.bytes.data(),
                        static_cast<std::uint16_t>(key.id >> 16), static_cast<std::uint16_t>(key.id), key.proto);
  return hash % (owners_.size() / ways) * ways;
}

bool FragmentMemory::note_first(const DatagramKey& key, table::ServiceId service, std::uint32_t hash,
                                std::uint64_t now_tsc) {
  Owner* set = &owners_[set_of(key)];
  Owner* place = set;  // a free or expired way, else the one that expires first
  for (std::size_t way = 0; way < ways; ++way) {
    Owner& owner = set[way];
    if (owner.deadline_tsc > now_tsc && owner.key == key) {
      if (owner.service != service || owner.hash != hash) return false;
      place = &owner;
      break;
    }
    if (owner.deadline_tsc < place->deadline_tsc) place = &owner;
  }
  *place = {.key = key, .deadline_tsc = now_tsc + timeout_ticks_, .hash = hash, .service = service};

  if (waiting_.empty()) [[likely]]
    return true;
  std::erase_if(waiting_, [&](WaitingFragment& fragment) {
    if (fragment.key != key) return false;
    fragment.service = service;
    fragment.hash = hash;
    ready_.push_back(fragment);
    return true;
  });
  return true;
}

const FragmentMemory::Owner* FragmentMemory::find(const DatagramKey& key, std::uint64_t now_tsc) const {
  const Owner* set = &owners_[set_of(key)];
  for (std::size_t way = 0; way < ways; ++way) {
    if (set[way].deadline_tsc > now_tsc && set[way].key == key) return &set[way];
  }
  return nullptr;
}

bool FragmentMemory::wait(const WaitingFragment& fragment) {
  // What is ready takes a place too until it has gone on, so `ready_` never grows beyond its capacity.
  if (held() >= waiting_limit_) return false;
  waiting_.push_back(fragment);
  waiting_.back().deadline_tsc = fragment.arrived_tsc + timeout_ticks_;
  return true;
}

void FragmentMemory::expire(std::uint64_t now_tsc) {
  if (waiting_.empty()) [[likely]]
    return;
  std::erase_if(waiting_, [&](WaitingFragment& fragment) {
    if (fragment.deadline_tsc > now_tsc) return false;
    fragment.facts.reason = packet::Reason::fragment_timeout;
    ready_.push_back(fragment);
    return true;
  });
}

void FragmentMemory::give_up(packet::Reason reason) {
  for (auto& fragment : waiting_) {
    fragment.facts.reason = reason;
    ready_.push_back(fragment);
  }
  waiting_.clear();
}

}  // namespace portier::datapath
