"""Every call that portier-preload stands in front of, by programs that do not know it: all that is asked is answered, by
way of the mailbox and not by the kernel."""

import concurrent.futures
import pathlib
import sys
import time

import preload_server
from mailbox_cable import ROUTER4, ROUTER6, Cable, check, main, need, wait_until

HERE = pathlib.Path(__file__).resolve().parent
COUNT = 100
SOCAT_PORT = 7150


def ask(cable, name, count=COUNT, *options, address=ROUTER4):
    cable.in_client(sys.executable, HERE / "preload_client.py", address, preload_server.port_of(name), name, count, *options)


def serve(cable, *ways):
    before = cable.said("portier").count("has come")
    server = cable.serve("calls", [sys.executable, HERE / "preload_server.py", *ways])
    wait_until("the server has come", lambda: cable.said("portier").count("has come") > before)
    cable.wait_for_charge("calls")
    return server


def expect_end(cable, server, what):
    wait_until(f"{what}: the server ends", lambda: server.poll() is not None)
    check(server.returncode == 0, f"{what}: the server's exit code is {server.returncode}")


def every_way_in_one_process(cable):
    """All of them share one connection: whichever thread fetches, the right one must wake up."""
    ways = preload_server.WAYS
    server = serve(cable, *ways)
    time.sleep(0.3)  # every thread waits, most likely

    def one(name):
        options = () if name in ("packet_info_ipv6", "read_write") else ("end",)
        ask(cable, name, COUNT, *options)
        if name == "packet_info_ipv6":
            ask(cable, name, COUNT, "end", address=ROUTER6)

    for name in ways[:6]:  # one after the other, then all at the same time
        ask(cable, name, 3)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(one, ways))
    expect_end(cable, server, "all ways")
    said = cable.said("server").splitlines()[-1]
    check("by the kernel: received 0, sent 0" in said, said)
    for reason in ("queue_full 0", "fragments 0", "bad_checksum 0", "not_udp 0"):
        check(reason in said, said)


def each_alone(cable):
    for name in ("blocking", "epoll_edge", "many_at_once"):
        server = serve(cable, name)
        ask(cable, name, COUNT, "end")
        expect_end(cable, server, name)


def children_have_mailboxes_of_their_own(cable):
    before = cable.said("portier").count("has come")
    server = serve(cable, "forked")
    wait_until("both children have come", lambda: cable.said("portier").count("has come") == before + 2)
    time.sleep(0.1)
    said = cable.in_client(sys.executable, "-c", f"""
import socket
answers = set()
for i in range(64):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(20)
        sock.sendto(b"x", ("{ROUTER4}", {preload_server.port_of("forked")}))
        answers.add(sock.recv(100))
print(len(answers))
left = set(answers)
while left:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(1)
        sock.sendto(b"end", ("{ROUTER4}", {preload_server.port_of("forked")}))
        try:
            left.discard(sock.recv(100).replace(b"end", b"x"))
        except TimeoutError:
            pass
""")
    check(said.strip() == "2", f"{said.strip()} of 2 children have answered")
    expect_end(cable, server, "forked")


def signals_and_descriptors(cable):
    server = serve(cable, "interrupted")
    time.sleep(0.2)
    cable.in_client(sys.executable, "-c", f"""
import socket, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
sock.connect(("{ROUTER4}", {preload_server.port_of("interrupted")}))
sock.send(b"one")
time.sleep(0.3)
sock.send(b"two")
assert sock.recv(100) == b"interrupted two"
""")
    expect_end(cable, server, "interrupted")
    server = serve(cable, "guarded")
    ask(cable, "guarded", 20, "end")
    expect_end(cable, server, "guarded")


def another_stock_program(cable):
    """socat peeks at its first datagram, connects to its sender, and goes on with read and write."""
    before = cable.said("portier").count("has come")
    server = cable.serve("calls", ["socat", f"UDP4-LISTEN:{SOCAT_PORT}", "PIPE"])
    wait_until("socat has come", lambda: cable.said("portier").count("has come") > before)
    cable.wait_for_charge("calls")
    cable.in_client(sys.executable, "-c", f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
sock.connect(("{ROUTER4}", {SOCAT_PORT}))
for number in range({COUNT}):
    sock.send(b"%d" % number)
    assert sock.recv(100) == b"%d" % number
""")
    cable.end_server(server)
    said = cable.said("server").splitlines()[-1]
    check(f"sent {COUNT}, dropped: no_socket 0" in said and "by the kernel: received 0, sent 0" in said, said)


def a_program_outlives_its_router(cable):
    """Nobody is there at first: the kernel serves. Then the router comes, goes, and comes again."""
    server = serve(cable, "epoll_level")
    ask(cable, "epoll_level", 20)
    cable.end()
    port = preload_server.port_of("epoll_level")
    local = f"""
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.settimeout(20)
sock.sendto(b"local", ("127.0.0.1", {port}))
assert sock.recv(100) == b"epoll_level local"
"""
    cable.in_router(sys.executable, "-c", local)
    cable.start_portier()
    cable.wait_for_charge("calls")
    ask(cable, "epoll_level", 20)
    cable.in_router(sys.executable, "-c", local)
    ask(cable, "epoll_level", 20, "end")
    expect_end(cable, server, "epoll_level")
    said = cable.said("server").splitlines()[-1]
    check("by the kernel: received 2, sent 2" in said, said)


def test():
    need(socat="socat")
    with Cable({"calls": ["udp/7000-7199"]}) as cable:
        every_way_in_one_process(cable)
        each_alone(cable)
        children_have_mailboxes_of_their_own(cable)
        signals_and_descriptors(cable)
        another_stock_program(cable)
        check(cable.kernel_udp()[0] == 0, f"the kernel has received and sent {cable.kernel_udp()}")
        a_program_outlives_its_router(cable)
        ledger = cable.end()
        check(ledger["dropped"].get("mailbox_full", 0) == 0, f"dropped: {ledger['dropped']}")
        return f"every way of {len(preload_server.WAYS)} was answered by the mailbox"


if __name__ == "__main__":
    sys.exit(main(test))
