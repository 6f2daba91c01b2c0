/// rte_rcu_qsbr behind the gate.
#include "datapath/program_gate.hpp"

#include <rte_cycles.h>
#include <rte_rcu_qsbr.h>

#include <cstdlib>
#include <new>

namespace portier::datapath {

void ProgramGate::Free::operator()(rte_rcu_qsbr* qsbr) const { std::free(qsbr); }

ProgramGate::ProgramGate(unsigned readers) {
  const std::size_t size = rte_rcu_qsbr_get_memsize(readers);
  qsbr_.reset(
      static_cast<rte_rcu_qsbr*>(std::aligned_alloc(RTE_CACHE_LINE_SIZE, RTE_ALIGN(size, RTE_CACHE_LINE_SIZE))));
  if (qsbr_ == nullptr) throw std::bad_alloc();
  rte_rcu_qsbr_init(qsbr_.get(), readers);
}

ProgramGate::~ProgramGate() = default;

std::uint64_t ProgramGate::publish(const Program* program) {
  program_.publish(program);
  return rte_rcu_qsbr_start(qsbr_.get());
}

bool ProgramGate::wait_quiet(std::uint64_t token, std::chrono::milliseconds deadline) {
  const auto end = std::chrono::steady_clock::now() + deadline;
  while (rte_rcu_qsbr_check(qsbr_.get(), token, /*wait=*/false) == 0) {
    if (std::chrono::steady_clock::now() > end) return false;
    rte_delay_us_sleep(50);
  }
  return true;
}

void ProgramGate::enter(unsigned reader) {
  rte_rcu_qsbr_thread_register(qsbr_.get(), reader);
  rte_rcu_qsbr_thread_online(qsbr_.get(), reader);
}

void ProgramGate::leave(unsigned reader) {
  rte_rcu_qsbr_thread_offline(qsbr_.get(), reader);
  rte_rcu_qsbr_thread_unregister(qsbr_.get(), reader);
}

const Program& ProgramGate::turn(unsigned reader) {
  rte_rcu_qsbr_quiescent(qsbr_.get(), reader);
  return *program_.load();
}

}  // namespace portier::datapath
