/// A loop that runs on a data path core until it is told to stop, and the cores there are.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "nic/eal.hpp"

namespace portier::bench {

/// The cores of a run: lcore 1 receives, lcores 2..n work.
struct Arena {
  nic::Eal& eal;
  std::vector<unsigned> cpus;  ///< of lcore 1, 2, ...; one CPU may stand there several times

  static constexpr unsigned rx_lcore = 1;
  static constexpr unsigned worker_lcore(unsigned worker) { return 2 + worker; }
  unsigned workers() const { return static_cast<unsigned>(cpus.size()) - 1; }
};

/// Runs one function on one lcore. Joined before it is destroyed.
class LcoreJob {
 public:
  void start(nic::Eal& eal, unsigned lcore, std::function<void()> work) {
    work_ = std::move(work);
    lcore_ = lcore;
    eal.launch(lcore, run, this);
  }
  void join(nic::Eal& eal) { eal.wait(lcore_); }

 private:
  static int run(void* job) {
    static_cast<LcoreJob*>(job)->work_();
    return 0;
  }
  std::function<void()> work_;
  unsigned lcore_ = 0;
};

}  // namespace portier::bench
