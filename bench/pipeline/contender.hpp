/// What the harness asks of everything that it lets compete: start, say how many packets are through, stop, account.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace portier::bench {

/// The account of one run, from start to stop.
struct Tally {
  std::uint64_t received = 0;
  std::uint64_t delivered = 0;
  std::map<std::string, std::uint64_t> dropped;  ///< by reason
  bool is_counted = true;                        ///< false: another program's, of which we see only what it delivered

  std::uint64_t dropped_in_all() const {
    std::uint64_t sum = 0;
    for (const auto& [reason, packets] : dropped) sum += packets;
    return sum;
  }
  bool adds_up() const { return !is_counted || received == delivered + dropped_in_all(); }
};

class Contender {
 public:
  Contender() = default;
  Contender(const Contender&) = delete;
  Contender& operator=(const Contender&) = delete;
  virtual ~Contender() = default;

  /// Returns when the cores run. Throws `nic::Failure`; then nothing runs.
  virtual void start() = 0;
  /// Packets through so far. Called by the control thread while the cores run; of another program, this may take a
  /// while.
  virtual std::uint64_t delivered() = 0;
  /// Returns when the cores have ended and every packet is accounted for.
  virtual Tally stop() = 0;
};

/// A contender, and what one must know to let it run. Made when it first runs, and kept.
struct Entry {
  std::string name;
  std::string source;       ///< label of what it receives from
  unsigned cores = 1;       ///< 2: its figures need the probe
  bool uses_pool = true;    ///< the source's mbufs must all be back after it
  std::string skip_reason;  ///< not empty: it cannot run here
  std::function<std::unique_ptr<Contender>()> make;
};

}  // namespace portier::bench
