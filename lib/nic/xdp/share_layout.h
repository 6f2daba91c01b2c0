/// The maps of the XDP program as both sides see them: share.bpf.c in the kernel and share_filter.cpp in the program.
#ifndef PORTIER_NIC_XDP_SHARE_LAYOUT_H
#define PORTIER_NIC_XDP_SHARE_LAYOUT_H

#include <linux/types.h>

enum {
  share_max_addresses = 64,  // of one interface
  share_transports = 5,      // as packet::transports numbers them
  share_ports_per_word = 64,
  share_words_per_transport = 65536 / share_ports_per_word,
  share_words = share_transports * share_words_per_transport,  // of one set of ports
  share_max_queues = 64,                                       // rx queues of an interface that a socket can be behind
};

/// Key of `portier_addrs`; its value is where the address's ports are in `portier_ports`. IPv4 uses the first four
/// bytes.
struct ShareAddress {
  __u8 bytes[16];
  __u32 version;
};

/// Key of `portier_frags`: what makes fragments parts of one datagram. Its value is when the first one came, in
/// nanoseconds.
struct ShareDatagram {
  __u8 src[16];
  __u8 dst[16];
  __u32 id;     // as on the wire
  __u32 proto;  // IPv4 only: 0 for IPv6
};

#endif
