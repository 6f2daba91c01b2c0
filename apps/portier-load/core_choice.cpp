/// The last CPUs move packets; the first is left to control and the system as long as there is another one.
#include "core_choice.hpp"

#include <fmt/format.h>

namespace portier::load {

CoreChoice choose_cores(std::span<const unsigned> cpus, unsigned wanted, bool receives) {
  CoreChoice choice;
  const auto count = cpus.size();
  if (wanted == 0) wanted = receives && count >= 3 ? 2 : 1;
  if (!receives) wanted = 1;
  choice.sender_cpu = cpus.back();
  if (wanted == 2) {
    choice.receiver_cpu = cpus.back();
    choice.sender_cpu = count > 1 ? cpus[count - 2] : cpus.back();
  }
  for (const auto cpu : cpus) {
    if (cpu != choice.sender_cpu && cpu != choice.receiver_cpu) choice.control_cpus.push_back(cpu);
  }

  if (choice.receiver_cpu && *choice.receiver_cpu != choice.sender_cpu) {
    choice.notes.push_back(fmt::format("CPU {} sends, CPU {} receives.", choice.sender_cpu, *choice.receiver_cpu));
  } else if (choice.receiver_cpu) {
    choice.notes.push_back(
        fmt::format("CPU {} has to send and to receive in two threads that take turns: latencies and "
                    "pacing are those of the scheduler.",
                    choice.sender_cpu));
    choice.marks.emplace_back("sender-and-receiver-share-a-cpu");
  } else if (receives) {
    choice.notes.push_back(
        fmt::format("CPU {} sends and receives in one loop: a packet waits for up to one burst of "
                    "the other direction before it is seen.",
                    choice.sender_cpu));
    choice.marks.emplace_back("one-core-sends-and-receives");
  } else {
    choice.notes.push_back(fmt::format("CPU {} sends; nothing is received.", choice.sender_cpu));
  }
  if (choice.control_cpus.empty()) {
    choice.control_cpus.assign(cpus.begin(), cpus.end());
    choice.notes.emplace_back(
        "There is no CPU left for the rest of the program and of the system, so packets wait while it runs: the high "
        "percentiles are those of this machine. Give the tester one more CPU.");
    choice.marks.emplace_back("no-cpu-left-for-the-system");
  }
  return choice;
}

}  // namespace portier::load
