// Only a burst makes kept packets: nobody else has buffers to give.
// expect: private within this context
#include "datapath/handler.hpp"

using portier::datapath::KeptPacket;

KeptPacket nothing() { return {}; }
#ifdef MUST_NOT_COMPILE
KeptPacket made(void* buffer) { return KeptPacket(buffer, portier::datapath::PacketView{}); }
#endif
