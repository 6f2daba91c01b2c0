/// The C interface of plug-ins: shared objects that take the packets of a service inside the router.
///
/// A plug-in is made with `deliver = { plugin = "libfoo.so", options = { key = "value" } }`. It exports one function,
/// `portier_plugin`, and includes nothing of portier but this file, which is C99 and C++.
///
/// Bytes of packets are in network byte order, as they came; all numbers here are in host byte order. Shapes do not
/// change as long as PORTIER_PLUGIN_ABI stays the same; the router refuses plug-ins of another number.
///
/// Threads. `init` and `close` are called by control threads, `on_burst` by the core that the state was made for, and
/// never by two at once for the same state. States of other workers and services run at the same time: what they
/// share, such as static variables, needs locks or atomics. `on_burst` must not block, and should not allocate or make
/// system calls: no other packet of its core moves meanwhile.
#ifndef PORTIER_PLUGIN_H
#define PORTIER_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PORTIER_PLUGIN_ABI 1

/* Names as in C: NOLINTBEGIN(readability-identifier-naming) */

#ifdef __cplusplus
extern "C" {
#endif

struct portier_plugin_option {
  const char* key;
  const char* value; /* numbers, true and false as text */
};

/* What `init` is told. All of it is gone when the call returns. */
struct portier_plugin_setup {
  const char* service;                         /* whose packets will come */
  const struct portier_plugin_option* options; /* by key, in alphabetical order */
  size_t option_count;
  uint32_t worker;   /* index of the worker, from 0 */
  uint32_t is_trial; /* 1: a configuration is being checked; no packet comes, `close` follows at once */
  char* error;       /* write a sentence here, ending in 0, before `init` returns NULL */
  size_t error_size; /* bytes at `error` */
};

#define PORTIER_PLUGIN_FIRST_FRAGMENT 1 /* the first part of a datagram */
#define PORTIER_PLUGIN_LATER_FRAGMENT 2 /* another part: no transport header, the payload is all behind IP */
#define PORTIER_PLUGIN_ICMP_ERROR 4     /* an ICMP or ICMPv6 error that quotes a packet of the service */

struct portier_plugin_packet {
  const uint8_t* frame;    /* the whole Ethernet frame, without FCS; read-only */
  const uint8_t* payload;  /* behind the transport header, TCP options and without padding; lies in `frame` */
  uint64_t age_ns;         /* since it was received */
  uint32_t length;         /* bytes at `frame` */
  uint32_t payload_length; /* bytes at `payload`; 0: there is none */
  uint32_t flow_hash;      /* the same for all packets of a flow */
  uint16_t l3_offset;      /* of the IP header in the frame */
  uint16_t l4_offset;      /* of the transport header in the frame */
  uint8_t ip_version;      /* 4 or 6 */
  uint8_t proto;           /* IP protocol number: 17 is UDP */
  uint8_t device;          /* index in the configuration of the device it came by */
  uint8_t flags;           /* PORTIER_PLUGIN_ */
};

struct portier_plugin_calls;

/* The packets of one call, in order of arrival; flows stay on their worker. They, the frames and what `calls` returns
   are gone when the call returns. A packet about which nothing is said is taken: it counts as delivered. */
struct portier_plugin_burst {
  const struct portier_plugin_packet* packets;
  size_t count; /* 1 to 64 */
  const struct portier_plugin_calls* calls;
  void* router; /* not for the plug-in */
};

/* What may be done with packet `i`, from within `on_burst` only. Another `i` than one below `count` does nothing. */
struct portier_plugin_calls {
  /* Sends `payload` back to where packet `i`, a whole UDP or UDP-Lite datagram, came from; headers, lengths and
     checksums are the router's work. 1: will be sent; 0: not a datagram, too long, no buffer is free, or the sender
     must not be answered (a group address, for example). */
  int (*answer)(const struct portier_plugin_burst* burst, size_t i, const void* payload, size_t length);

  /* A frame of `length` bytes, at most 9728, that leaves by the device packet `i` came by; all of it must be written
     before the call returns. NULL: no buffer is free, or `length` is out of range. */
  uint8_t* (*reply)(const struct portier_plugin_burst* burst, size_t i, size_t length);
  /* Shortens the frame that `reply` returned last. */
  void (*trim)(const struct portier_plugin_burst* burst, size_t length);
  /* Takes the frame that `reply` returned last back: it is not sent. */
  void (*cancel)(const struct portier_plugin_burst* burst);

  /* Counts packet `i` as dropped, as `plugin_refused`, instead of delivered. */
  void (*refuse)(const struct portier_plugin_burst* burst, size_t i);
};

/* What a plug-in is. Lives as long as the shared object is loaded. */
struct portier_plugin {
  uint32_t abi;     /* PORTIER_PLUGIN_ABI */
  uint32_t size;    /* sizeof(struct portier_plugin) */
  const char* name; /* for messages */

  /* Makes the state of one service on one worker, at start, at reloads and when a configuration is checked. NULL: it
     cannot be; the sentence at `error` is shown to the operator and nothing is changed. May be absent (NULL). */
  void* (*init)(const struct portier_plugin_setup* setup);

  /* Takes packets. A C++ exception that leaves it is caught: the packets of the call are lost as `handler_fault`, and
     what it wanted to send is not sent. */
  void (*on_burst)(void* state, const struct portier_plugin_burst* burst);

  /* The last call for a state, when its core uses it no more. At a reload new states are made first. May be absent. */
  void (*close)(void* state);
};

#if defined(__GNUC__)
#define PORTIER_PLUGIN_EXPORT __attribute__((visibility("default")))
#else
#define PORTIER_PLUGIN_EXPORT
#endif

/* The one symbol that the router looks for. */
PORTIER_PLUGIN_EXPORT const struct portier_plugin* portier_plugin(void);

#ifdef __cplusplus
}
#endif

/* NOLINTEND(readability-identifier-naming) */

#endif
