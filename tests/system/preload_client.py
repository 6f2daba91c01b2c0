"""Asks the servers of preload_server.py: python3 preload_client.py ADDRESS PORT NAME COUNT [end].

Sends COUNT different datagrams, at most 16 under way, and expects each back once behind the server's name; then "end".
"""

import select
import socket
import sys

PATIENCE_S = 20


def ask(address, port, name, count, lengths=(0, 1, 5, 700)):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.connect((address, port))
        sent, back = 0, set()
        while len(back) < count:
            while sent < count and sent - len(back) < 16:
                sock.send(b"%d " % sent + b"x" * lengths[sent % len(lengths)])
                sent += 1
            if not select.select([sock], [], [], PATIENCE_S)[0]:
                sys.exit(f"{name}: {len(back)} of {sent} answered")
            data = sock.recv(4096)
            said, number, rest = data.split(b" ", 2)
            number = int(number)
            if said.decode() != name or number in back or rest != b"x" * lengths[number % len(lengths)]:
                sys.exit(f"{name}: wrong answer {data[:80]!r}")
            back.add(number)


def end(address, port, name):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect((address, port))
        sock.send(b"end")
        data = sock.recv(4096)
        if data != name.encode() + b" end":
            sys.exit(f"{name}: {data!r} instead of the end")


def connected(address, port, count):
    """One socket throughout, and a stranger who is not heard."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for one in (sock, stranger):
            one.settimeout(PATIENCE_S)
            one.connect((address, port))
        for number in range(count):
            sock.send(b"%d" % number)
            if number > 0:
                stranger.send(b"stranger")
            data = sock.recv(4096)
            if data != b"read_write %d" % number:
                sys.exit(f"read_write: {data!r}")
        sock.send(b"end")
        if sock.recv(4096) != b"read_write end":
            sys.exit("read_write: no end")


if __name__ == "__main__":
    where, at, who, many = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    if who == "read_write":
        connected(where, at, many)
    else:
        ask(where, at, who, many)
        if "end" in sys.argv[5:]:
            end(where, at, who)
