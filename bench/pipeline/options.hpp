/// What a run of portier-bench was asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace portier::bench {

/// How much of a frame a handler, or the worker of a peer, reads.
enum class Reads { none, first, all };

struct Options {
  std::vector<std::string> traffic{"w4"};  ///< kinds of the built-in capture: w4, w6, imix, vlan
  std::string source = "builtin";          ///< or a capture, a DPDK device, a PCI address, interface:NAME
  std::string driver = "af_packet";        ///< of interface:NAME
  std::string keep_capture;                ///< where the built-in captures are kept: a directory
  std::vector<std::string> contenders;     ///< empty: all that can run here
  std::vector<unsigned> cold_mbufs;        ///< working sets of the cold figures
  unsigned pool_mbufs = 16383;             ///< of the hot source, beside what its capture needs
  unsigned services = 1000;
  unsigned burst = 32;
  unsigned ring_slots = 4096;
  Reads reads = Reads::all;  ///< of pipeline and mbuf-ring
  unsigned rounds = 5;
  unsigned windows = 8;
  unsigned window_ms = 50;
  unsigned warm_up_ms = 40;
  std::vector<unsigned> cpus;                 ///< rx core first, then the workers'; empty: chosen
  std::vector<unsigned> workers{1, 2, 4, 8};  ///< spread: numbers of workers
  unsigned cost_ticks = 400;                  ///< overload: of the handler, a packet
  bool hugepages = false;
  bool quick = false;
  std::string testpmd;  ///< program; empty: looked for
  std::string json;     ///< file; empty: none, "-": standard output
};

}  // namespace portier::bench
