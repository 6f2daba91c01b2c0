#!/usr/bin/env python3
"""A UDP service in Python: sends every datagram back in capitals, through libportier-client and ctypes.

usage: upper.py [MAILBOX [SOCKET]]     with a router whose service says deliver = { mailbox = "upper" }
"""

import ctypes
import os
import signal
import sys

library = ctypes.CDLL(os.environ.get("PORTIER_CLIENT", "libportier-client.so.1"))


class Packet(ctypes.Structure):  # struct portier_packet of portier_client.h
    _fields_ = [("frame", ctypes.c_void_p), ("payload", ctypes.c_void_p), ("frame_length", ctypes.c_uint32),
                ("payload_length", ctypes.c_uint32), ("flow_hash", ctypes.c_uint32), ("age_ns", ctypes.c_uint32),
                ("service", ctypes.c_uint16), ("l3_offset", ctypes.c_uint16), ("l4_offset", ctypes.c_uint16),
                ("core", ctypes.c_uint16), ("ip_version", ctypes.c_uint8), ("proto", ctypes.c_uint8),
                ("device", ctypes.c_uint8), ("flags", ctypes.c_uint8)]


library.portier_connect.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
library.portier_connect.restype = ctypes.c_void_p
library.portier_error.restype = ctypes.c_char_p
library.portier_wait.argtypes = [ctypes.c_void_p, ctypes.c_int]
library.portier_receive_burst.argtypes = [ctypes.c_void_p, ctypes.POINTER(Packet), ctypes.c_size_t]
library.portier_receive_burst.restype = ctypes.c_size_t
library.portier_reply.argtypes = [ctypes.c_void_p, ctypes.POINTER(Packet), ctypes.c_char_p, ctypes.c_size_t]


def main():
    names = [name.encode() for name in sys.argv[1:3]]
    client = library.portier_connect(names[0] if names else b"upper", names[1] if len(names) > 1 else None)
    if not client:
        sys.exit(f"upper.py: {library.portier_error().decode()}")
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(0))
    packets = (Packet * 64)()
    while library.portier_wait(client, 1000) == 0:  # else the router is gone
        while count := library.portier_receive_burst(client, packets, 64):
            for packet in packets[:count]:
                answer = ctypes.string_at(packet.payload, packet.payload_length).upper()
                library.portier_reply(client, packet, answer, len(answer))


if __name__ == "__main__":
    main()
