/* Programs behind a mailbox of a portier router: packets in, answers out, without DPDK, hugepages or root.
 *
 *   portier_client* client = portier_connect("dns", NULL);
 *   if (client == NULL) { fputs(portier_error(), stderr); return 1; }
 *   struct portier_packet packets[64];
 *   while (portier_wait(client, -1) == 0) {
 *     size_t count = portier_receive_burst(client, packets, 64);
 *     for (size_t i = 0; i < count; ++i) portier_reply(client, &packets[i], packets[i].payload, packets[i].payload_length);
 *     portier_flush(client);
 *   }
 *
 * C ABI, version 1: structures only grow at their end, and functions are only added. A client belongs to one thread at a
 * time; several clients of one process, or of several, share the flows of their mailbox. The router refuses, and counts,
 * frames whose source address and port are not the mailbox's own.
 */
#ifndef PORTIER_CLIENT_H
#define PORTIER_CLIENT_H

#include <stddef.h>
#include <stdint.h>

/* Names as C has them: NOLINTBEGIN(readability-identifier-naming) */
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

typedef struct portier_client portier_client;

/* One packet that has come. Pointers are valid until the next portier_receive_burst of its client. */
struct portier_packet {
  const uint8_t* frame;     /* the whole Ethernet frame, without FCS */
  const uint8_t* payload;   /* behind the transport header; of UDP exactly the datagram's */
  uint32_t frame_length;    /* bytes */
  uint32_t payload_length;  /* bytes; 0 where there is none, or in a later fragment */
  uint32_t flow_hash;       /* the same for all packets of a flow */
  uint32_t age_ns;          /* since the router received it; at most about four seconds */
  uint16_t service;         /* the router's number of the service; a mailbox may serve several */
  uint16_t l3_offset;       /* of the IP header within the frame, bytes */
  uint16_t l4_offset;       /* of the transport header */
  uint16_t core;            /* of the router: where an answer goes in */
  uint8_t ip_version;       /* 4 or 6 */
  uint8_t proto;            /* upper-layer protocol, 17: UDP, 6: TCP */
  uint8_t device;           /* of arrival, the router's number */
  uint8_t flags;            /* PORTIER_FRAGMENT_FIRST, ... */
};
enum {
  PORTIER_FRAGMENT_FIRST = 4,
  PORTIER_FRAGMENT_LATER = 8,
  PORTIER_ICMP_ERROR = 16 /* quotes a packet that this service sent */
};

/* Whom a packet came from, and where to: what is needed to send to its sender later. Ports and addresses may be changed;
 * addresses are in network byte order, IPv4 in the first four bytes, ports in host byte order. */
struct portier_flow {
  uint8_t local_address[16];
  uint8_t remote_address[16];
  uint16_t local_port;
  uint16_t remote_port;
  uint8_t ip_version;
  uint8_t device;
  uint16_t core;
  uint8_t link[32];     /* link header, as a frame to the sender begins */
  uint8_t link_length;  /* bytes */
  uint8_t reserved[3];
};

struct portier_statistics {
  uint64_t received;        /* packets */
  uint64_t received_bytes;  /* of frames */
  uint64_t sent;            /* frames */
  uint64_t sent_bytes;
  uint64_t not_sent;        /* frames for which the ring to the router had no room */
  uint64_t sleeps;          /* how often portier_wait slept */
};

/* Connects to a mailbox. `socket`: the router's, or NULL for $PORTIER_MAILBOX_SOCKET, else mailbox.sock in
 * /run/portier, $XDG_RUNTIME_DIR/portier or /tmp/portier-UID. NULL: portier_error says why. */
portier_client* portier_connect(const char* mailbox, const char* socket);
void portier_close(portier_client* client);

/* Why the last call of this thread failed, in a sentence. */
const char* portier_error(void);

/* At most `room` packets, in the order of each flow; 0: there are none. Gives the bytes of the burst before back. Never
 * sleeps and makes no system call. */
size_t portier_receive_burst(portier_client* client, struct portier_packet* packets, size_t room);

/* Answers a UDP packet with a datagram to its sender. 0, or a negative errno: -EAGAIN when the ring has no room (the
 * router is slower), -EMSGSIZE, -EINVAL when the packet is not UDP. The router sees it after portier_flush, or when
 * portier_receive_burst or portier_wait is called next. */
int portier_reply(portier_client* client, const struct portier_packet* packet, const void* payload, size_t length);

/* As portier_reply for `count` packets with a payload each; returns how many were taken, in order, and flushes. */
struct portier_bytes {
  const void* data;
  size_t length;
};
size_t portier_reply_burst(portier_client* client, const struct portier_packet* packets,
                           const struct portier_bytes* payloads, size_t count);

/* The flow of a packet. 0, or -EINVAL when it has no ports. */
int portier_flow_of(const struct portier_packet* packet, struct portier_flow* flow);

/* Sends a UDP datagram from the flow's local to its remote end. Results as of portier_reply. */
int portier_send(portier_client* client, const struct portier_flow* flow, const void* payload, size_t length);

/* Sends a whole Ethernet frame, checksums included, by device `device`; the router writes the source MAC. */
int portier_send_frame(portier_client* client, uint16_t core, uint8_t device, const void* frame, size_t length);

/* Makes what was sent visible to the router. */
void portier_flush(portier_client* client);

/* Sleeps until packets have come, `timeout_ms` have passed (-1: never), or the router is gone. 0: there are packets or the
 * time is over; -EPIPE: the router is gone; another negative errno. Wakes up some 50 us after a packet on an idle router,
 * and within 5 ms on one whose core is never idle. */
int portier_wait(portier_client* client, int timeout_ms);

/* For loops of one's own: `portier_arm` asks to be woken and returns 1 when there are packets already, else 0; then the
 * descriptor of `portier_event_fd` becomes readable when packets come, and the one of `portier_hangup_fd` when the router
 * goes. `portier_disarm` after waking. */
int portier_event_fd(const portier_client* client);
int portier_hangup_fd(const portier_client* client);
int portier_arm(portier_client* client);
void portier_disarm(portier_client* client);

void portier_get_statistics(const portier_client* client, struct portier_statistics* statistics);

#ifdef __cplusplus
}
#endif
#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
/* NOLINTEND(readability-identifier-naming) */

#endif
