"""UDP servers that wait and read in every way there is; preload_calls_test.py starts them under portier-preload.

usage: preload_server.py WAY...     each in a thread of its own, on port 7000 + its number in WAYS

Each answers a datagram with its own payload behind its name, and ends on "end". What a way knows besides (addresses,
lengths) it checks itself, or says in its answers.
"""

import array
import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys
import termios
import threading
import time

LIBC = ctypes.CDLL(None, use_errno=True)
IP_PKTINFO, IPV6_RECVPKTINFO, IPV6_PKTINFO, MSG_WAITFORONE = 8, 49, 50, 0x10000
PATIENCE_S = 120  # a machine may be busy; who waits in vain is found by its client
WAYS = []


def way(function):
    WAYS.append(function.__name__)
    return function


def bound(port, family=socket.AF_INET, address=None, reuse=False):
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if reuse:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    sock.bind((address or ("0.0.0.0" if family == socket.AF_INET else "::"), port))
    assert sock.getsockname()[1] == port
    return sock


def answer(sock, name, data, peer):
    sock.sendto(name.encode() + b" " + data, peer)
    return data == b"end"


def drain(sock, name):
    """Until nothing is left; True: one of them was the end."""
    while True:
        try:
            data, peer = sock.recvfrom(4096)
        except BlockingIOError:
            return False
        if answer(sock, name, data, peer):
            return True


@way
def blocking(port):
    with bound(port) as sock:
        while not answer(sock, "blocking", *sock.recvfrom(4096)):
            pass


@way
def own_address(port):
    """Bound to an address that the kernel does not own."""
    with bound(port, address="10.78.0.2") as sock:
        assert sock.getsockname() == ("10.78.0.2", port)
        while not answer(sock, "own_address", *sock.recvfrom(4096)):
            pass


@way
def receive_timeout(port):
    with bound(port) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 20000))
        misses, is_over = 0, False
        while not is_over:
            try:
                is_over = answer(sock, "receive_timeout", *sock.recvfrom(4096))
            except BlockingIOError:
                misses += 1
        assert misses > 0, "it was idle at first"


@way
def spinning(port):
    with bound(port) as sock:
        sock.setblocking(False)
        while not drain(sock, "spinning"):
            time.sleep(0.0005)


@way
def selecting(port):
    with bound(port) as sock:
        sock.setblocking(False)
        is_over = False
        while not is_over:
            assert select.select([sock], [], [], PATIENCE_S) == ([sock], [], [])
            is_over = answer(sock, "selecting", *sock.recvfrom(4096))  # one only: select must come back for the rest


@way
def polling(port):
    with bound(port) as sock:
        sock.setblocking(False)
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        is_over = False
        while not is_over:
            assert poll.poll(1000 * PATIENCE_S) == [(sock.fileno(), select.POLLIN)]
            is_over = drain(sock, "polling")
        assert poll.poll(10) == [], "it has been emptied"


def with_epoll(port, name, flags, take_all, rearm=False, by_thread=False):
    with bound(port) as sock, select.epoll() as epoll:
        sock.setblocking(False)
        if by_thread:
            threading.Timer(0.2, lambda: epoll.register(sock, flags)).start()
        else:
            epoll.register(sock, flags)
        is_over = False
        while not is_over:
            events = epoll.poll(PATIENCE_S)
            assert [(fd, event & select.EPOLLIN) for fd, event in events] == [(sock.fileno(), select.EPOLLIN)], events
            is_over = drain(sock, name) if take_all else answer(sock, name, *sock.recvfrom(4096))
            if rearm:
                assert epoll.poll(0) == [], "one shot only"
                epoll.modify(sock, flags)
        if not flags & select.EPOLLET and take_all:
            assert epoll.poll(0.01) == [], "it has been emptied"
        epoll.unregister(sock)


@way
def epoll_level(port):
    with_epoll(port, "epoll_level", select.EPOLLIN, False)


@way
def epoll_level_all(port):
    with_epoll(port, "epoll_level_all", select.EPOLLIN, True)


@way
def epoll_edge(port):
    with_epoll(port, "epoll_edge", select.EPOLLIN | select.EPOLLET, True)


@way
def epoll_one_shot(port):
    with_epoll(port, "epoll_one_shot", select.EPOLLIN | select.EPOLLONESHOT, False, rearm=True)


@way
def epoll_late(port):
    """Registered while the other thread sleeps already."""
    with_epoll(port, "epoll_late", select.EPOLLIN, True, by_thread=True)


@way
def packet_info(port):
    with bound(port) as sock:
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        data = b""
        while data != b"end":
            data, control, flags, peer = sock.recvmsg(4096, 256)
            (level, kind, info), = control
            assert (level, kind, flags) == (socket.IPPROTO_IP, IP_PKTINFO, 0)
            local = socket.inet_ntoa(info[8:12])
            assert local == "10.78.0.2" and info[4:8] == info[8:12]
            sock.sendmsg([b"packet_", b"info ", data], [(level, kind, info)], 0, peer)


@way
def packet_info_ipv6(port):
    """One socket for both families: IPv4 comes mapped."""
    with bound(port, socket.AF_INET6) as sock:
        sock.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
        data, seen = b"", set()
        while data != b"end":
            data, control, _, peer = sock.recvmsg(4096, 256)
            (level, kind, info), = control
            assert (level, kind) == (socket.IPPROTO_IPV6, IPV6_PKTINFO)
            local = socket.inet_ntop(socket.AF_INET6, info[:16])
            assert local == ("::ffff:10.78.0.2" if peer[0].startswith("::ffff:") else "fd00:78::2")
            seen.add(local)
            sock.sendmsg([b"packet_info_ipv6 " + data], [(level, kind, info)], 0, peer)
        assert len(seen) == 2, seen


@way
def peeking(port):
    with bound(port) as sock:
        data = b""
        while data != b"end":
            ahead, _, flags, first = sock.recvmsg(1, 0, socket.MSG_PEEK)
            assert len(ahead) == 1 and flags & socket.MSG_TRUNC
            size = array.array("i", [0])
            fcntl.ioctl(sock, termios.FIONREAD, size)
            whole = sock.recv_into(bytearray(2), 2, socket.MSG_PEEK | socket.MSG_TRUNC)
            assert whole == size[0]
            data, peer = sock.recvfrom(4096)
            assert data[:1] == ahead and len(data) == whole and peer == first
            answer(sock, "peeking", data, peer)


@way
def read_write(port):
    """Connected to its first client; what the others send is not for it."""
    with bound(port) as sock:
        data, peer = sock.recvfrom(4096)
        sock.connect(peer)
        assert sock.getpeername() == peer
        copy = os.dup(sock.fileno())
        while data != b"end":
            os.write(copy, b"read_write " + data)
            data = os.read(copy, 4096)
        os.writev(copy, [b"read_write ", data])
        os.close(copy)


class Many:
    """recvmmsg and sendmmsg, which Python does not have."""

    def __init__(self, count):
        self.buffers = [ctypes.create_string_buffer(2048) for _ in range(count)]
        self.names = [ctypes.create_string_buffer(28) for _ in range(count)]
        self.parts = [struct.pack("PN", ctypes.addressof(buffer), 2048) for buffer in self.buffers]
        self.kept = [ctypes.create_string_buffer(part, 16) for part in self.parts]
        self.messages = ctypes.create_string_buffer(64 * count)
        self.count = count

    def prepare(self, lengths=None):
        for i in range(self.count):
            length = 2048 if lengths is None or i >= len(lengths) else lengths[i]
            self.kept[i].raw = struct.pack("PN", ctypes.addressof(self.buffers[i]), length)
            struct.pack_into("PIPNPNiI", self.messages, 64 * i, ctypes.addressof(self.names[i]),
                             28 if lengths is None else 16, ctypes.addressof(self.kept[i]), 1, 0, 0, 0, 0)

    def lengths(self, count):
        return [struct.unpack_from("I", self.messages, 64 * i + 56)[0] for i in range(count)]


@way
def many_at_once(port):
    with bound(port) as sock:
        many = Many(16)
        is_over, most = False, 0
        while not is_over:
            many.prepare()
            count = LIBC.recvmmsg(sock.fileno(), many.messages, 16, MSG_WAITFORONE, None)
            assert count > 0, os.strerror(ctypes.get_errno())
            most = max(most, count)
            data = [many.buffers[i].raw[:length] for i, length in enumerate(many.lengths(count))]
            is_over = b"end" in data
            for i, payload in enumerate(data):
                ctypes.memmove(many.buffers[i], b"many_at_once " + payload, 13 + len(payload))
            many.prepare([13 + len(payload) for payload in data])
            assert LIBC.sendmmsg(sock.fileno(), many.messages, count, 0) == count
        assert most > 1, "they came in bursts"


@way
def long_answers(port):
    """What does not fit the link is refused."""
    with bound(port) as sock:
        data = b""
        while data != b"end":
            data, peer = sock.recvfrom(4096)
            assert sock.sendto(b"long_answers " + data, peer) == 13 + len(data)
            try:
                sock.sendto(bytes(1473), peer)
                raise AssertionError("1501 bytes do not fit")
            except OSError as error:
                assert error.errno == errno.EMSGSIZE


@way
def shared_by_threads(port):
    with bound(port) as sock:
        is_over = threading.Event()

        def serve():
            while not is_over.is_set():
                if not select.select([sock], [], [], 0.1)[0]:
                    continue
                if drain(sock, "shared_by_threads"):
                    is_over.set()

        sock.setblocking(False)
        threads = [threading.Thread(target=serve) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def forked(port):
    """Bound before the fork, one socket for each child; the parent never reads."""
    socks = [bound(port, reuse=True) for _ in range(2)]
    children = []
    for sock in socks:
        pid = os.fork()
        if pid == 0:
            while not answer(sock, f"forked {os.getpid()}", *sock.recvfrom(4096)):
                pass
            os._exit(0)
        children.append(pid)
    for child in children:
        os.waitpid(child, 0)


def interrupted(port):
    """Signals whose handlers ask for a restart do not end a call; others do."""
    called = []
    signal.signal(signal.SIGALRM, lambda *_: called.append(1))
    with bound(port) as sock:
        for one in (signal.SIGALRM, signal.SIGINT):  # the latter has a handler of Python's
            signal.siginterrupt(one, False)
        signal.setitimer(signal.ITIMER_REAL, 0.02, 0.02)
        buffer = ctypes.create_string_buffer(4096)
        libc = ctypes.CDLL(None, use_errno=True)
        assert libc.recv(sock.fileno(), buffer, 4096, 0) == 3, os.strerror(ctypes.get_errno())
        signal.siginterrupt(signal.SIGALRM, True)
        assert libc.recv(sock.fileno(), buffer, 4096, 0) == -1 and ctypes.get_errno() == errno.EINTR
        signal.setitimer(signal.ITIMER_REAL, 0)
        assert called
        answer(sock, "interrupted", *sock.recvfrom(4096))


def guarded(port):
    """A program that closes all it does not know of, as daemons do, does not close the library's descriptors."""
    with bound(port) as sock:
        answer(sock, "guarded", *sock.recvfrom(4096))
        for fd in range(3, 64):
            if fd != sock.fileno():
                LIBC.close(fd)
        LIBC.close_range(sock.fileno() + 1, 0xffffffff, 0)
        answer(sock, "guarded", *sock.recvfrom(4096))
        read, write = os.pipe()
        os.write(write, b"kernel")
        assert os.read(read, 100) == b"kernel"
        while not answer(sock, "guarded", *sock.recvfrom(4096)):
            pass


SINGLE = {"forked": 7100, "interrupted": 7101, "guarded": 7102}


def port_of(name):
    return SINGLE.get(name) or 7000 + WAYS.index(name)


def run(name, failures):
    try:
        globals()[name](port_of(name))
    except BaseException as fault:
        failures.append(name)
        print(f"{name}: {type(fault).__name__}: {fault}", file=sys.stderr, flush=True)
        raise


if __name__ == "__main__":
    failed = []
    if len(sys.argv) == 2:
        run(sys.argv[1], failed)
    else:
        threads = [threading.Thread(target=run, args=(name, failed)) for name in sys.argv[1:]]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
    sys.exit(1 if failed else 0)
