// A kept packet owns one buffer: two of them would give it back twice.
// expect: deleted function .*KeptPacket
#include <utility>

#include "datapath/handler.hpp"

using portier::datapath::KeptPacket;

KeptPacket moved(KeptPacket packet) { return packet; }
#ifdef MUST_NOT_COMPILE
KeptPacket twin(const KeptPacket& packet) { return packet; }
#endif
