/// portier's pipeline with several workers, as a contender.
#pragma once

#include "contenders.hpp"
#include "pipeline_run.hpp"

namespace portier::bench {

std::unique_ptr<Contender> make_spreading(const Match& match, unsigned workers, WorkerThreads threads);

}  // namespace portier::bench
