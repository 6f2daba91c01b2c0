// The bytes of a packet lie in a ring that others read: handlers may look, not write.
// expect: read-only location
#include "datapath/packet_view.hpp"

std::uint8_t first(const portier::datapath::PacketView& packet) { return packet.frame()[0]; }
#ifdef MUST_NOT_COMPILE
void overwrite(const portier::datapath::PacketView& packet) { packet.frame()[0] = 0; }
#endif
