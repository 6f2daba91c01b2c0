/// portier's pipeline with several workers, as a contender.
#pragma once

#include "contenders.hpp"

namespace portier::bench {

/// `share_cpus`: several workers run on one CPU, so they nap when they are idle.
std::unique_ptr<Contender> make_spreading(const Match& match, unsigned workers, bool share_cpus);

}  // namespace portier::bench
