/// The one door from control to the data path: publish a program, wait until every core has passed a quiet point.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "crosscore/published.hpp"
#include "datapath/program.hpp"

struct rte_rcu_qsbr;

namespace portier::datapath {

/// Control publishes; each data path core is a reader with a number of its own, below `readers`.
class ProgramGate {
 public:
  explicit ProgramGate(unsigned readers);
  ~ProgramGate();
  ProgramGate(const ProgramGate&) = delete;
  ProgramGate& operator=(const ProgramGate&) = delete;

  // ---- control ----

  /// Before the first core enters.
  void set_first(const Program* program) { program_.publish(program); }
  /// The data path sees the change at its next turn. Returns a token for `wait_quiet`.
  std::uint64_t publish(const Program* program);
  /// True when every core has passed a quiet point since the token; false at the deadline.
  bool wait_quiet(std::uint64_t token, std::chrono::milliseconds deadline);

  // ---- data path ----

  void enter(unsigned reader);
  void leave(unsigned reader);
  /// The program of this turn. Everything got from the one before is out of use: this is the quiet point.
  const Program& turn(unsigned reader);
  /// The newest program, within a turn: for packets that another core may have sent on their way by it already.
  const Program& newest() const { return *program_.load(); }

 private:
  crosscore::Published<Program> program_;
  struct Free {
    void operator()(rte_rcu_qsbr* qsbr) const;
  };
  std::unique_ptr<rte_rcu_qsbr, Free> qsbr_;
};

}  // namespace portier::datapath
