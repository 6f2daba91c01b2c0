/// All contenders by what makes them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "capture.hpp"
#include "contender.hpp"
#include "control/settings.hpp"
#include "lcore_job.hpp"
#include "options.hpp"
#include "source.hpp"

namespace portier::bench {

/// What a contender is made for. All of it outlives the contender.
struct Match {
  Arena& arena;
  Source& source;
  const Capture& capture;
  const Options& options;
};

enum class FreeBy { mbuf_bulk, mempool_bulk };

/// Receive and free, nothing else.
std::unique_ptr<Contender> make_floor(const Match& match, FreeBy way);
/// portier on one core, stages 1-8, with a handler that counts.
std::unique_ptr<Contender> make_run_to_completion(const Match& match);
/// The same with other bindings.
std::unique_ptr<Contender> make_run_to_completion(const Match& match, const control::Settings& settings);
/// portier on two cores, rx core and worker, with a handler that reads as `options.reads` says.
std::unique_ptr<Contender> make_pipeline(const Match& match);
/// portier on one core with a mailbox, and a process that reads on the other.
std::unique_ptr<Contender> make_mailbox(const Match& match);
/// The stages of portier up to and with `last`, on one core.
std::unique_ptr<Contender> make_stages(const Match& match, unsigned last);
/// The minimal pipeline: mbuf pointers over rte_ring.
std::unique_ptr<Contender> make_mbuf_ring(const Match& match);
/// rte_distributor in burst mode, one worker.
std::unique_ptr<Contender> make_distributor(const Match& match);
/// The kernel's UDP sockets over the loopback; the source is not used.
std::unique_ptr<Contender> make_kernel_udp(const Match& match);
/// An eventdev with an atomic queue, one worker; `driver`: event_dsw or event_sw.
std::unique_ptr<Contender> make_eventdev(const Match& match, const std::string& driver);

}  // namespace portier::bench
