/// Where postponed packets end in the counters.
#include "datapath/turn.hpp"

#include "datapath/drop.hpp"

namespace portier::datapath {

void Turn::delivered(table::ServiceId service, std::uint64_t packets, std::uint64_t bytes) {
  counters_.delivered[service].packets.add(packets);
  counters_.delivered[service].bytes.add(bytes);
  counters_.taken.add(packets);
}

void Turn::dropped(table::ServiceId service, packet::Reason reason, std::uint64_t packets) {
  count_drop(counters_, service, reason, packets);
  counters_.taken.add(packets);
}

}  // namespace portier::datapath
