#!/usr/bin/env python3
"""A device that is shared with the kernel, on a virtual cable: bound ports come to portier, and the kernel's services on
the same address work before, during and after; reloads, a killed portier, and `portier doctor`.

Needs root (network namespaces); the host's own interfaces are not touched. Prints TAP on stdout. PORTIER names the
program.
"""

import contextlib
import ctypes
import json
import os
import pathlib
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_test

SERVER4, CLIENT4 = "10.79.0.2", "10.79.0.1"
SERVER6, CLIENT6 = "fd00:79::2", "fd00:79::1"
KERNEL_PORTS = (7, 2222, 6000)  # where services of the kernel's sockets wait: on one that gets bound, too

# UDP and TCP services on kernel sockets, which say who they are. Runs until its standard input ends.
SERVICES = """
import select, socket, sys
socks, kinds = [sys.stdin], {}
for address, family in (("%s", socket.AF_INET), ("%s", socket.AF_INET6)):
    for port in (%s):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            sock = socket.socket(family, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            if kind == socket.SOCK_STREAM: sock.listen()
            socks.append(sock)
print("ready", flush=True)
while True:
    for sock in select.select(socks, [], [])[0]:
        if sock is sys.stdin: sys.exit()
        if sock.type == socket.SOCK_DGRAM:
            data, peer = sock.recvfrom(65536)
            sock.sendto(b"kernel " + data, peer)
        elif sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
            socks.append(sock.accept()[0])
        else:
            data = sock.recv(65536)
            if data: sock.sendall(b"kernel " + data)
            else: socks.remove(sock); sock.close()
""" % (SERVER4, SERVER6, ", ".join(map(str, KERNEL_PORTS)))

# Asks one question after the other until its standard input ends; then says how many came back, and how many did not.
# What begins with "kernel " came from there.
ASKER = """
import json, select, socket, sys
kind, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                     socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
sock.settimeout(20)  # what is late on a busy machine is not lost
sock.connect((address, port))
said = {"kernel": 0, "portier": 0, "lost": 0, "refused": 0}
number = 0
while not select.select([sys.stdin], [], [], 0.002)[0]:
    number += 1
    question = b"question %d" % number
    try:
        sock.send(question)
        while True:
            answer = sock.recv(65536)
            if answer.removeprefix(b"kernel ") == question: break
        said["kernel" if answer.startswith(b"kernel ") else "portier"] += 1
    except TimeoutError: said["lost"] += 1
    except ConnectionError: said["refused"] += 1
    if number == 1: print("asking", flush=True)
print(json.dumps(said))
"""


def impossible():
    """Why this machine cannot run it; empty: it can."""
    if os.geteuid() != 0:
        return "needs root to make network namespaces"
    for program, package in (("ip", "iproute2"), ("ethtool", "ethtool"), ("ping", "iputils-ping")):
        if not shutil.which(program):
            return f"needs the Debian package {package}"
    try:
        socket.socket(44, socket.SOCK_RAW, 0).close()
    except OSError:
        return "this kernel has no AF_XDP sockets"
    return ""


def ip(*args, check=True):
    return subprocess.run(["ip", *args], capture_output=True, text=True, check=check)


def enter(space):
    """os.setns is younger than Python 3.11."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(space.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def inside(space):
    """Sockets that are made here belong to the namespace."""
    with open("/proc/self/ns/net") as here, open(f"/run/netns/{space}") as there:
        enter(there)
        try:
            yield
        finally:
            enter(here)


class Cable(unittest.TestCase):
    """A client's and a server's namespace, a cable between them, and the kernel's services at the server's end."""

    queues = 1

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="portier-share-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.client, self.server = f"portier-xc-{os.getpid()}", f"portier-xs-{os.getpid()}"
        for space in (self.client, self.server):
            made = ip("netns", "add", space, check=False)
            if made.returncode != 0:
                self.skipTest(f"cannot make a network namespace: {made.stderr.strip()}")
            self.addCleanup(ip, "netns", "delete", space, check=False)
        queues = ["numtxqueues", str(self.queues), "numrxqueues", str(self.queues)]
        ip("link", "add", "xs", "netns", self.server, *queues, "type", "veth", "peer", "name", "xc", "netns", self.client,
           *queues)
        for space, end, v4, v6 in ((self.server, "xs", SERVER4, SERVER6), (self.client, "xc", CLIENT4, CLIENT6)):
            ip("-n", space, "link", "set", "lo", "up")
            ip("-n", space, "link", "set", end, "up")
            ip("-n", space, "address", "add", f"{v4}/24", "dev", end)
            ip("-n", space, "address", "add", f"{v6}/64", "dev", end, "nodad")
        # A veth pair leaves checksums half done, and portier sees what is really in the packet.
        subprocess.run(["ip", "netns", "exec", self.client, "ethtool", "-K", "xc", "tx", "off"], check=True,
                       stdout=subprocess.DEVNULL)
        services = self.start(self.server, [sys.executable, "-c", SERVICES], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
        self.assertEqual(services.stdout.readline(), "ready\n")
        self.portier = None

    def start(self, space, command, **more):
        process = subprocess.Popen(["ip", "netns", "exec", space, *command], **more)

        def end():
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    stream.close()

        self.addCleanup(end)
        return process

    # ---- portier ----

    def configure(self, bindings, share="share = true\n", more=""):
        (self.folder / "portier.toml").write_text(f"""
[router]
memory_mb = {128 * self.queues}
[[device]]
name = "lan"
interface = "xs"
driver = "af_xdp"
{share}addresses = ["{SERVER4}/24", "{SERVER6}/64"]
{more}
[[service]]
name = "echo"
bindings = {json.dumps(bindings)}
deliver = ["echo"]
[[service]]
name = "count"
bindings = ["udp/9001"]
deliver = ["count"]
""")

    def said(self):
        return (self.folder / "err").read_text()

    def wait_for(self, reached, what, limit_s=20):
        deadline = time.monotonic() + limit_s
        while not reached():
            self.assertTrue(self.portier is None or self.portier.poll() is None, f"portier ended: {self.said()}")
            self.assertLess(time.monotonic(), deadline, f"not within {limit_s} s: {what}")
            time.sleep(0.02)

    def run_portier(self):
        with open(self.folder / "out", "w") as out, open(self.folder / "err", "w") as err:
            self.portier = self.start(self.server, [cli_test.PORTIER, "run", "-c", str(self.folder / "portier.toml"),
                                                    "--json"], stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                      env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)})
        self.wait_for(lambda: "Ctrl-C ends it" in self.said(), "portier runs")

    def reload(self, generation):
        self.portier.send_signal(signal.SIGHUP)
        self.wait_for(lambda: f"is in force, generation {generation}" in self.said(), "the reload is in force")

    def kill_portier(self):
        self.portier.kill()
        self.portier.wait()
        self.portier = None

    def end_portier(self):
        """Ends it; the last line it said, whose ledger adds up."""
        self.portier.terminate()
        self.assertEqual(self.portier.wait(20), 0, self.said())
        self.portier = None
        last = json.loads((self.folder / "out").read_text().splitlines()[-1])
        ledger = last["ledger"]
        self.assertEqual(ledger["received"], ledger["delivered"] + sum(ledger["dropped"].values()), ledger)
        self.assertEqual(ledger["in_flight"], 0)
        self.assertEqual(last["mbufs"]["leaked"], 0)
        return last

    def doctor(self, *args, code):
        done = subprocess.run(["ip", "netns", "exec", self.server, cli_test.PORTIER, "doctor", *args],
                              capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout

    def program(self):
        """The name of the XDP program of the server's end, or nothing."""
        link = json.loads(ip("-n", self.server, "-j", "-d", "link", "show", "xs").stdout)[0]
        return link.get("xdp", {}).get("prog", {}).get("name")

    # ---- the client ----

    def ask(self, kind, address, port, payload=b"hello", limit_s=20.0):
        """Who answers: "kernel", "portier", "refused" or "nobody"."""
        with inside(self.client):
            sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET,
                                 socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
        with sock:
            sock.settimeout(limit_s)
            try:
                sock.connect((address, port))
                sock.send(payload)
                answer = sock.recv(65536)
            except TimeoutError:
                return "nobody"
            except ConnectionError:
                return "refused"
        self.assertEqual(answer.removeprefix(b"kernel "), payload)
        return "kernel" if answer.startswith(b"kernel ") else "portier"

    def who(self, port, kind="udp"):
        """As `ask`, over both families, which must agree."""
        answers = {self.ask(kind, address, port) for address in (SERVER4, SERVER6)}
        self.assertEqual(len(answers), 1, answers)
        return answers.pop()

    def keep_asking(self, kind, address, port):
        asker = self.start(self.client, [sys.executable, "-c", ASKER, kind, address, str(port)], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, text=True)
        self.assertEqual(asker.stdout.readline(), "asking\n")

        def end():
            asker.stdin.close()
            self.assertEqual(asker.wait(30), 0)
            return json.loads(asker.stdout.read())

        return end

    def send_error(self, port):
        """ICMP port unreachable, as if the client had been sent something from the server's port and did not want it."""
        udp = struct.pack(">HHHH", port, 5555, 8, 0)
        quoted = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, socket.IPPROTO_UDP, 0, socket.inet_aton(SERVER4),
                             socket.inet_aton(CLIENT4)) + udp
        words = struct.unpack(">18H", struct.pack(">BBHI", 3, 3, 0, 0) + quoted)
        total = sum(words)
        total = (total & 0xffff) + (total >> 16)
        with inside(self.client):
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        with raw:
            raw.sendto(struct.pack(">BBHI", 3, 3, ~total & 0xffff, 0) + quoted, (SERVER4, 0))

    def check_kernel_has_the_rest(self):
        """What was never bound is the kernel's: services, closed ports, and ping, over both families."""
        self.assertEqual(self.who(2222), "kernel")
        self.assertEqual(self.who(2222, "tcp"), "kernel")
        self.assertEqual(self.who(9, "udp"), "refused")
        self.assertEqual(self.who(9, "tcp"), "refused")
        for address in (SERVER4, SERVER6):
            subprocess.run(["ip", "netns", "exec", self.client, "ping", "-q", "-c", "1", "-W", "20", address], check=True,
                           stdout=subprocess.DEVNULL)


class Share(Cable):
    def test_bound_ports_come_to_portier_and_all_else_stays(self):
        self.check_kernel_has_the_rest()
        self.assertEqual(self.who(7), "kernel")
        self.assertEqual(self.who(9000), "refused")
        session = self.keep_asking("tcp", SERVER4, 2222)  # as an SSH session would
        others = [self.keep_asking("udp", address, 6000) for address in (SERVER4, SERVER6)]

        self.configure(["udp/7", "udp/9000"])
        self.run_portier()
        self.assertEqual(self.program(), "xsk_def_prog")
        self.assertEqual(self.who(7), "portier")
        self.assertEqual(self.who(7, "tcp"), "kernel", "only UDP is bound")
        self.assertEqual(self.who(9000), "portier")
        self.check_kernel_has_the_rest()
        for number in range(60):
            self.assertEqual(self.ask("udp", SERVER6 if number % 2 else SERVER4, 9000, b"%d" % number), "portier")
        # In fragments, to a service of each.
        self.assertEqual(self.ask("udp", SERVER4, 2222, b"k" * 4000), "kernel")
        for address in (SERVER4, SERVER6):
            self.assertEqual(self.ask("udp", address, 9001, b"p" * 4000, limit_s=0.2), "nobody")
        for port in (9000, 2222):  # about a packet of each
            self.send_error(port)
        time.sleep(0.2)

        last = self.end_portier()
        self.assertIsNone(self.program())
        self.assertEqual(self.who(7), "kernel")
        self.check_kernel_has_the_rest()
        for end in (session, *others):
            said = end()
            self.assertEqual((said["lost"], said["refused"], said["portier"]), (0, 0, 0), said)
            self.assertGreater(said["kernel"], 100)
        services = {service["service"]: service for service in last["services"]}
        self.assertEqual(services["echo"]["in"], 64 + 1, "what was asked, and an error about an answer")
        self.assertEqual(services["count"]["in"], 6, "three fragments over each family")
        self.assertEqual(last["ledger"]["received"], 65 + 6, "nothing else has come")
        self.assertEqual(last["ledger"]["replied"], 64)

    def test_a_reload_binds_and_unbinds_in_place(self):
        self.configure(["udp/7", "udp/9000"])
        self.run_portier()
        unchanged = {port: self.keep_asking("udp", address, port)
                     for port, address in ((2222, SERVER4), (9000, SERVER6))}
        changing = self.keep_asking("udp", SERVER4, 7)
        for generation in (2, 4, 6):
            self.configure(["udp/9000", "udp/6000", "udp/10000-10999"])
            self.reload(generation)
            self.assertEqual([self.who(port) for port in (7, 6000, 9000, 10999)],
                             ["kernel", "portier", "portier", "portier"])
            self.configure(["udp/7", "udp/9000"])
            self.reload(generation + 1)
            self.assertEqual([self.who(port) for port in (7, 6000, 9000, 10999)],
                             ["portier", "kernel", "portier", "refused"])
        # Bound for one address only; the other one's stays with the kernel.
        self.configure([f"udp/{SERVER4}:7", "udp/9000"])
        self.reload(8)
        self.assertEqual([self.ask("udp", address, 7) for address in (SERVER4, SERVER6)], ["portier", "kernel"])
        for port, end in unchanged.items():
            said = end()
            self.assertEqual(said["lost"] + said["refused"], 0, said)
            self.assertEqual(said["kernel"] > 0, port == 2222, said)
            self.assertEqual(said["portier"] > 0, port == 9000, said)
        said = changing()
        self.assertEqual(said["lost"] + said["refused"], 0, f"either portier or the kernel had each: {said}")
        self.assertGreater(said["portier"], 0)
        self.assertGreater(said["kernel"], 0)
        last = self.end_portier()
        self.assertEqual(last["ledger"]["dropped"], {}, "nothing came that was not bound")

    def test_killed_it_leaves_nothing(self):
        session = self.keep_asking("tcp", SERVER4, 2222)
        self.configure(["udp/7"])
        for _ in range(2):
            self.run_portier()  # the second time over what the first has left
            self.assertEqual(self.who(7), "portier")
            self.kill_portier()
            self.assertEqual(self.who(7), "kernel")
            self.check_kernel_has_the_rest()
        self.wait_for(lambda: self.program() is None, "the program is gone", 10)
        self.assertIn("no interface carries", self.doctor(code=0))
        said = session()
        self.assertEqual(said["lost"] + said["refused"], 0, said)

    def test_what_a_killed_unshared_one_leaves(self):
        self.configure(["udp/7"], share="")
        self.run_portier()
        self.doctor(code=0)  # it runs
        self.kill_portier()
        self.assertEqual(self.program(), "xsk_def_prog")
        said = self.doctor(code=1)
        self.assertIn("interface 'xs' still carries the AF_XDP program 'xsk_def_prog'", said)
        self.assertIn("ip link set dev xs xdp off", said)
        report = json.loads(self.doctor("--json", code=1))
        self.assertEqual([(check["check"], check["state"]) for check in report["checks"]], [("xdp", "found")])
        self.assertFalse(report["ok"])

        self.configure(["udp/7"])  # a start takes it over
        self.run_portier()
        self.assertEqual(self.who(7), "portier")
        self.check_kernel_has_the_rest()
        self.end_portier()
        self.assertIsNone(self.program())

        self.configure(["udp/7"], share="")
        self.run_portier()
        self.kill_portier()
        self.assertIn("fixed", self.doctor("--fix", code=0))
        self.assertIsNone(self.program())
        self.doctor(code=0)
        self.check_kernel_has_the_rest()

    def test_two_cannot_have_one_interface(self):
        self.configure(["udp/7"])
        self.run_portier()
        second = subprocess.run(["ip", "netns", "exec", self.server, cli_test.PORTIER, "run", "-c",
                                 str(self.folder / "portier.toml")], capture_output=True, text=True, timeout=30,
                                env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)})
        self.assertEqual(second.returncode, 1, second.stderr)
        self.assertIn(f"interface 'xs' carries the XDP program 'xsk_def_prog' (of process {self.portier.pid} (portier))",
                      second.stderr)
        self.assertEqual(self.who(7), "portier")
        self.doctor("--fix", code=0)
        self.assertEqual(self.program(), "xsk_def_prog", "the doctor leaves the living alone")
        self.end_portier()


class ShareOfManyQueues(Cable):
    queues = 2

    def test_all_queues_that_are_read_are_shared(self):
        self.configure(["udp/7"], more="rx_queues = 2\n")
        self.run_portier()
        self.assertNotIn("receive queues", self.said())
        for _ in range(24):  # a source port each, so both queues are met
            self.assertEqual(self.ask("udp", SERVER4, 7), "portier")
        self.check_kernel_has_the_rest()
        last = self.end_portier()
        self.assertEqual(last["ledger"]["received"], 24)
        self.assertIsNone(self.program())

    def test_a_queue_that_is_not_read_is_spoken_of(self):
        self.configure(["udp/7"], more="rx_queues = 1\n")
        self.run_portier()
        self.assertIn("interface 'xs' has 2 receive queues, and portier reads 1", self.said())
        answers = [self.ask("udp", SERVER4, 7) for _ in range(40)]
        self.assertEqual(set(answers), {"portier", "kernel"})
        last = self.end_portier()
        self.assertEqual(last["ledger"]["received"], answers.count("portier"))


def load_tests(loader, tests, pattern):
    del tests, pattern
    # Those of the module that was imported are run on their own.
    return unittest.TestSuite(loader.loadTestsFromTestCase(case) for case in (Share, ShareOfManyQueues))


if __name__ == "__main__":
    if why := impossible():
        print(f"skipped: {why}")
        sys.exit(77)
    cli_test.main(sys.modules["__main__"])
