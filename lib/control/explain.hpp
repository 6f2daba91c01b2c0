/// Why a packet goes where it goes: the binding chosen, those it beat and the rule by which, worker and delivery. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "control/settings.hpp"
#include "packet/facts.hpp"

namespace portier::control {

/// A binding that covers the packet.
struct Candidate {
  const ServiceSettings* service = nullptr;
  const BindingSettings* binding = nullptr;
  std::string why;  ///< of a loser: the rule by which it lost; of the winner: empty
};

struct Explanation {
  std::vector<Candidate> candidates;  ///< the winner first; empty: a closed port
  std::string closed;                 ///< what happens to a closed port, a sentence
  std::uint32_t hash = 0;             ///< by the fixed key of offline commands
  std::size_t bucket = 0;
  unsigned worker = 0;  ///< index among all workers
};

/// `workers`: CPUs of the workers in order of their index.
Explanation explain(const Settings& settings, const packet::FlowKey& flow, const std::vector<unsigned>& workers);

}  // namespace portier::control
