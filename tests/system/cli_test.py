#!/usr/bin/env python3
"""The program from outside: every subcommand, signals under load, replays of generated captures, and bad input.

Needs no root, NIC or hugepages. Prints TAP for scripts/count-tests on stdout, unittest's words on stderr.
PORTIER names the program, PORTIER_SOURCE_DIR the source tree (for the table of settings).
"""

import collections
import contextlib
import ipaddress
import json
import os
import pathlib
import queue
import random
import re
import resource
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PORTIER = os.environ.get("PORTIER", str(SOURCE / "build/apps/portier/portier"))
if SOURCE not in pathlib.Path(PORTIER).resolve().parents:
    os.environ.setdefault("PORTIER_DRIVERS", str(SOURCE / "drivers-config"))  # found by itself from inside the tree
LIMIT_S = 60  # no call takes longer, on any machine

# Small memory starts faster; nothing here needs more.
SMALL = "[router]\nmemory_mb = 128\n"
TRAFFIC = '[[device]]\nname = "demo"\ntraffic = true\n'
SERVICES = """
[[service]]
name = "dns"
bindings = ["udp/53", "tcp/53"]
deliver = ["echo"]
[[service]]
name = "web"
bindings = ["tcp/80", "tcp/443"]
deliver = ["count"]
"""


def stop_limit_s():
    """From a signal to the end: 2 s on a machine that has nothing else to do, its share of them on others."""
    return 2 * max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


# ---- running the program -------------------------------------------------------------------------------------------

Result = collections.namedtuple("Result", "code out err")
SIGNS_OF_A_CRASH = ("terminate called", "Segmentation", "Sanitizer", "assert", "Traceback", "core dumped", "backtrace",
                    "what():")


def runtime_directories(pid):
    """Where DPDK may leave something of this process."""
    parents = ["/var/run/dpdk", "/run/dpdk", "/tmp/dpdk", os.environ.get("XDG_RUNTIME_DIR", "/tmp") + "/dpdk"]
    return [f"{parent}/portier{pid}" for parent in parents]


def expect_nothing_left(test, pid, started_s):
    """An older directory is another program's that once had this number."""
    left = [path for path in runtime_directories(pid) if os.path.exists(path) and os.stat(path).st_ctime >= started_s]
    test.assertEqual(left, [], "left behind")


def run(test, *args, stdin=subprocess.DEVNULL, timeout=LIMIT_S, **more):
    """Runs the program to its end; what holds for every call is checked here."""
    command = more.pop("wrapper", []) + [PORTIER, *map(str, args)]
    started_s = time.time() - 1
    with subprocess.Popen(command, stdin=subprocess.PIPE if isinstance(stdin, str) else stdin, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more) as process:
        try:
            out, err = process.communicate(stdin if isinstance(stdin, str) else None, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            test.fail(f"{args}: did not end within {timeout} s")
    expect_nothing_left(test, process.pid, started_s)
    test.assertIn(process.returncode, (0, 1, 2), f"{args}: {err}")
    for sign in SIGNS_OF_A_CRASH:
        test.assertNotIn(sign, err, args)
    return Result(process.returncode, out, err)


class Running:
    """`portier run` under load, with its stderr as it comes."""

    def __init__(self, test, *args):
        self.test = test
        self.started_s = time.time() - 1
        self.process = subprocess.Popen([PORTIER, "run", "--json", *map(str, args)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.said = queue.Queue()
        self.err = []
        self.out = []
        self.readers = [threading.Thread(target=self._read_err), threading.Thread(target=self._read_out)]
        for reader in self.readers:
            reader.start()
        self.wait_for(r"services|DPDK|cannot")

    def _read_err(self):
        for line in self.process.stderr:
            self.err.append(line)
            self.said.put(line)

    def _read_out(self):
        self.out.extend(self.process.stdout)

    def wait_for(self, pattern):
        """The next line of stderr that matches, and those before it."""
        lines = []
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            with contextlib.suppress(queue.Empty):
                lines.append(self.said.get(timeout=0.1))
                if re.search(pattern, lines[-1]):
                    return "".join(lines)
            if self.process.poll() is not None and self.said.empty():
                break
        self.close()
        self.test.fail(f"nothing like '{pattern}' on stderr: {lines}")

    def send(self, number):
        self.process.send_signal(number)

    def finish(self, within, may_be_cut_short=False):
        """The ledger; fails when the program does not end in time."""
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.test.fail(f"did not end within {within:.1f} s of the signal: {self.err}")
        finally:
            self.close()
        if self.process.returncode == 0 or not may_be_cut_short:
            expect_nothing_left(self.test, self.process.pid, self.started_s)
        return json.loads(self.out[-1])

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for reader in self.readers:
            reader.join()
        self.process.stdout.close()
        self.process.stderr.close()


def expect_ledger(test, line, leaked=0):
    """The contract of the last line: exact keys, an account that adds up in all and for every service."""
    ledger = line["ledger"]
    test.assertEqual(list(line)[:2], ["ledger", "services"])
    test.assertEqual(list(ledger), ["received", "delivered", "replied", "dropped", "in_flight"])
    test.assertEqual(ledger["in_flight"], 0)
    test.assertEqual(ledger["received"], ledger["delivered"] + sum(ledger["dropped"].values()))
    test.assertTrue(line["adds_up"])
    delivered = 0
    came = 0
    dropped = collections.Counter()
    for service in line["services"]:
        test.assertEqual(service["in"], service["delivered"] + sum(service["dropped"].values()), service["service"])
        came += service["in"]
        delivered += service["delivered"]
        dropped.update(service["dropped"])
        test.assertEqual(list(service["latency_ns"]), ["p50", "p99", "p99.9"])
        test.assertEqual(service["latency_ns"]["p50"] > 0, service["delivered"] > 0, service)
        test.assertLessEqual(service["latency_ns"]["p50"], service["latency_ns"]["p99"])
        test.assertLessEqual(service["latency_ns"]["p99"], service["latency_ns"]["p99.9"])
    test.assertEqual(came, ledger["received"])
    test.assertEqual(delivered, ledger["delivered"])
    test.assertEqual(dict(dropped), ledger["dropped"])
    test.assertTrue(all(count > 0 for count in ledger["dropped"].values()))
    if leaked is not None:
        test.assertEqual(line["mbufs"]["leaked"], leaked)
    return ledger


# ---- frames and captures -------------------------------------------------------------------------------------------

US, THEM, VIA = (bytes.fromhex(f"0200000000{n:02x}") for n in (2, 1, 3))


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo_header(src, dst, proto, length):
    if src.version == 4:
        return src.packed + dst.packed + struct.pack(">BBH", 0, proto, length)
    return src.packed + dst.packed + struct.pack(">II", length, proto)


def ip_frame(src, dst, proto, segment, vlan=None, ident=1, fragment=0):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    if src.version == 4:
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(segment), ident, fragment, 64, proto, 0)
        head += src.packed + dst.packed
        packet = head[:10] + struct.pack(">H", checksum(head)) + head[12:] + segment
    else:
        packet = struct.pack(">IHBB", 0x60000000, len(segment), proto, 64) + src.packed + dst.packed + segment
    tag = b"" if vlan is None else struct.pack(">HH", 0x8100, vlan)
    return US + THEM + tag + struct.pack(">H", 0x0800 if src.version == 4 else 0x86dd) + packet


def udp_segment(src, dst, sport, dport, payload):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    head = struct.pack(">HHHH", sport, dport, 8 + len(payload), 0)
    value = checksum(pseudo_header(src, dst, 17, len(head) + len(payload)) + head + payload) or 0xffff
    return head[:6] + struct.pack(">H", value) + payload


def udp(src, dst, sport, dport, payload=b"", vlan=None):
    return ip_frame(src, dst, 17, udp_segment(src, dst, sport, dport, payload), vlan)


def tcp_syn(src, dst, sport, dport):
    a, b = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    head = struct.pack(">HHIIBBHHH", sport, dport, 1, 0, 0x50, 2, 1000, 0, 0)
    value = checksum(pseudo_header(a, b, 6, len(head)) + head)
    return ip_frame(src, dst, 6, head[:16] + struct.pack(">H", value) + head[18:])


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i, frame in enumerate(frames):
            out.write(struct.pack("<IIII", 1, i, len(frame), len(frame)) + frame)


def read_pcap(path):
    data = pathlib.Path(path).read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    frames, at = [], 24
    while at < len(data):
        length = struct.unpack(order + "I", data[at + 8:at + 12])[0]
        frames.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return frames


Datagram = collections.namedtuple("Datagram", "macs vlan src dst sport dport payload")


def parse_udp(test, frame):
    """A UDP frame with right lengths and checksums, or None."""
    macs, at, vlan = (frame[:6], frame[6:12]), 12, None
    if frame[12:14] == b"\x81\0":
        vlan, at = struct.unpack(">H", frame[14:16])[0], 16
    ip = frame[at + 2:]
    if frame[at:at + 2] == b"\x08\0":
        if ip[9] != 17:
            return None
        test.assertEqual(checksum(ip[:20]), 0, "IPv4 header checksum")
        src, dst = ipaddress.ip_address(ip[12:16]), ipaddress.ip_address(ip[16:20])
        segment = ip[20:struct.unpack(">H", ip[2:4])[0]]
    else:
        if ip[6] != 17:
            return None
        src, dst = ipaddress.ip_address(ip[8:24]), ipaddress.ip_address(ip[24:40])
        segment = ip[40:40 + struct.unpack(">H", ip[4:6])[0]]
    sport, dport, length, value = struct.unpack(">HHHH", segment[:8])
    test.assertEqual(length, len(segment))
    if value != 0:
        test.assertEqual(checksum(pseudo_header(src, dst, 17, length) + segment), 0, "UDP checksum")
    return Datagram(macs, vlan, str(src), str(dst), sport, dport, segment[8:])


# ---- tests ---------------------------------------------------------------------------------------------------------

class CliTest(unittest.TestCase):
    """A folder of its own for each case."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="portier-cli-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


class Run(CliTest):
    def run_to_ledger(self, *args, **more):
        result = run(self, "run", "--json", *args, **more)
        self.assertEqual(result.code, 0, result.err)
        lines = [json.loads(line) for line in result.out.splitlines()]
        for line in lines[:-1]:
            self.assertEqual(list(line), ["seconds", "received", "delivered", "dropped", "in_flight", "mpps",
                                          "services"])
        return expect_ledger(self, lines[-1]), result, lines

    def test_default(self):
        ledger, result, lines = self.run_to_ledger("--seconds", "1")
        self.assertGreater(ledger["delivered"], 1000)
        self.assertGreater(ledger["replied"], 0)
        self.assertIn("closed_port", ledger["dropped"])
        self.assertRegex(result.err, r"^portier: .*6 services\n$")
        named = {service["service"] for service in lines[-1]["services"]}
        self.assertLessEqual({"dns", "web", "ntp", "voice", "game", "scratch"}, named)

    def test_table_and_ledger_for_people(self):
        result = run(self, "run", "--seconds", "1")
        self.assertEqual(result.code, 0, result.err)
        self.assertRegex(result.out, r"(?m)^service +ports +category +in +delivered +dropped +Mpps +p50 +p99 +p99\.9$")
        self.assertIn("adds up: received = delivered + dropped + in flight", result.out)
        self.assertIn("the whole run", result.out)
        self.assertNotIn("\033", result.out, "no terminal, no escape sequences")

    def test_run_to_completion(self):
        config = self.write("rtc.toml", SMALL + 'mode = "run-to-completion"\n' + TRAFFIC + SERVICES)
        ledger, result, _ = self.run_to_ledger("--seconds", "1", "-c", config)
        self.assertGreater(ledger["delivered"], 1000)
        self.assertIn("run-to-completion", result.err)

    def test_one_cpu(self):
        if shutil.which("taskset") is None:
            self.skipTest("taskset is not installed")
        cpu = min(os.sched_getaffinity(0))
        ledger, result, _ = self.run_to_ledger("--seconds", "1", wrapper=["taskset", "-c", str(cpu)])
        self.assertGreater(ledger["delivered"], 1000)
        self.assertIn(f"run-to-completion on CPU {cpu}", result.err)

    def test_as_fast_as_it_goes(self):
        config = self.write("fast.toml", SMALL + TRAFFIC + SERVICES + "[traffic]\nrate_pps = 0\n")
        slow = self.write("slow.toml", SMALL + TRAFFIC + SERVICES + "[traffic]\nrate_pps = 20_000\n")
        fast, _, _ = self.run_to_ledger("--seconds", "1", "-c", config)
        paced, _, _ = self.run_to_ledger("--seconds", "1", "-c", slow)
        self.assertGreater(paced["received"], 1000)
        self.assertLess(paced["received"], 25_000)
        self.assertGreater(fast["received"], 2 * paced["received"])

    def test_nothing_arrives(self):
        empty = self.folder / "empty.pcap"
        write_pcap(empty, [])
        device = f'[[device]]\nname = "d"\nvdev = "net_pcap0,rx_pcap={empty}"\n'
        config = self.write("idle.toml", SMALL + device + SERVICES)
        ledger, _, _ = self.run_to_ledger("--seconds", "0.3", "-c", config)
        self.assertEqual(ledger, {"received": 0, "delivered": 0, "replied": 0, "dropped": {}, "in_flight": 0})

    def test_frames_of_a_capture_are_all_accounted_for(self):
        frames, asked = [], []
        for i in range(400):
            src, dst = ("2001:db8::7", "2001:db8::1") if i % 3 == 0 else ("198.51.100.7", "192.0.2.1")
            payload = f"question {i} ".encode() * (1 + i % 40)
            asked.append(Datagram((THEM, US), 7 if i % 5 == 0 else None, dst, src, 53, 4000 + i % 10, payload))
            frames.append(udp(src, dst, 4000 + i % 10, 53, payload, asked[-1].vlan))
        closed = [udp("198.51.100.7", "192.0.2.1", 4000 + i, 9999, b"knock") for i in range(20)]
        others = [tcp_syn("198.51.100.7", "192.0.2.1", 4000, 80), b"\xff" * 5, frames[1][:30],
                  ip_frame("198.51.100.7", "192.0.2.1", 89, b"ospf"), US + THEM + b"\x88\xcc" + b"\0" * 46]
        frames += closed + others
        source, sink = self.folder / "in.pcap", self.folder / "out.pcap"
        write_pcap(source, frames)
        for mode in ("pipeline", "run-to-completion"):
            with self.subTest(mode):
                config = self.write("pcap.toml", SMALL + f'mode = "{mode}"\n[[device]]\nname = "d"\n'
                                    f'vdev = "net_pcap0,rx_pcap={source},tx_pcap={sink}"\n' + SERVICES)
                ledger, _, lines = self.run_to_ledger("--seconds", "1", "-c", config)
                self.assertEqual(ledger["received"], len(frames))
                self.assertEqual(ledger["delivered"], 401)
                self.assertEqual(ledger["dropped"], {"closed_port": 20, "truncated_ethernet": 1, "truncated_ip": 1,
                                                     "no_ports": 1, "not_ip": 1})
                self.assertEqual({s["service"]: s["delivered"] for s in lines[-1]["services"]}["web"], 1)
                sent = read_pcap(sink)
                self.assertEqual(ledger["replied"], len(sent))
                replies = [parse_udp(self, frame) for frame in sent]
                self.assertEqual(replies.count(None), 20, "port unreachables")
                replies = [reply for reply in replies if reply]
                self.assertCountEqual(replies, asked, "echoes: addresses and ports swapped, payload untouched")
                for flow in {(reply.src, reply.dport, reply.vlan) for reply in replies}:
                    came, wanted = ([d.payload for d in datagrams if (d.src, d.dport, d.vlan) == flow]
                                    for datagrams in (replies, asked))
                    self.assertEqual(came, wanted, "a flow is not reordered")

    def test_every_virtual_driver(self):
        """Each profile of drivers-config/ opens, runs and closes its device; AF_PACKET and AF_XDP have the veth tests."""
        devices = ["net_null0", "net_null0,size=60,copy=1", "net_ring0", f"net_vhost0,iface={self.folder}/vhost.sock"]
        if os.geteuid() == 0 and os.path.exists("/dev/net/tun"):
            devices.append(f"net_tap0,iface=ptap{os.getpid() % 100000}")
        for mode in ("pipeline", "run-to-completion"):
            for device in devices:
                with self.subTest(device, mode=mode):
                    config = self.write("vdev.toml", SMALL + f'mode = "{mode}"\n[[device]]\nname = "d"\n'
                                        f'vdev = "{device}"\n' + SERVICES)
                    ledger, _, _ = self.run_to_ledger("--seconds", "0.2", "-c", config)
                    if device.startswith("net_null"):
                        self.assertGreater(ledger["received"], 1000)
                        self.assertEqual(ledger["dropped"], {"not_ip": ledger["received"]}, "frames of zeros")

    def test_output_into_a_closed_pipe(self):
        for command in (["run", "--json", "--seconds", "2"], ["run", "--seconds", "2"], ["check", "--reference"]):
            with self.subTest(command):
                started_s = time.time() - 1
                process = subprocess.Popen([PORTIER, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           text=True)
                self.assertNotEqual(process.stdout.readline(), "")
                process.stdout.close()
                try:
                    self.assertIn(process.wait(LIMIT_S), (0, 1, -signal.SIGPIPE))
                finally:
                    process.kill()
                    err = process.stderr.read()
                    process.stderr.close()
                expect_nothing_left(self, process.pid, started_s)
                self.assertFalse(any(sign in err for sign in SIGNS_OF_A_CRASH), err)


class Signals(CliTest):
    def stop_many(self, *numbers, times=20):
        config = self.write("load.toml", SMALL + TRAFFIC + SERVICES + "[traffic]\nrate_pps = 200_000\n")
        rng = random.Random(numbers[0])
        for turn in range(times):
            running = Running(self, "-c", config)
            time.sleep(rng.random() * 0.4)
            for number in numbers:
                running.send(number)
                time.sleep(0.01 if len(numbers) > 1 else 0)
            line = running.finish(stop_limit_s(), may_be_cut_short=len(numbers) > 1)
            yield running.process.returncode, line, f"turn {turn}: " + "".join(running.err)

    def test_sigint(self):
        for code, line, err in self.stop_many(signal.SIGINT):
            self.assertEqual(code, 0, err)
            expect_ledger(self, line)

    def test_sigterm(self):
        for code, line, err in self.stop_many(signal.SIGTERM):
            self.assertEqual(code, 0, err)
            expect_ledger(self, line)

    def test_sigterm_twice(self):
        # The second one ends the waiting, so the buffers may not have been counted; the account adds up all the same.
        for code, line, err in self.stop_many(signal.SIGTERM, signal.SIGTERM, times=10):
            self.assertIn(code, (0, 1), err)
            ledger = line["ledger"]
            self.assertEqual(ledger["received"],
                             ledger["delivered"] + sum(ledger["dropped"].values()) + ledger["in_flight"])
            if code == 0:
                expect_ledger(self, line)

    def test_sighup_without_a_file(self):
        running = Running(self)
        running.send(signal.SIGHUP)
        self.assertIn("no configuration file", running.wait_for("SIGHUP"))
        running.send(signal.SIGTERM)
        expect_ledger(self, running.finish(stop_limit_s()))
        self.assertEqual(running.process.returncode, 0)

    def test_sighup_fifty_times_under_load(self):
        head = SMALL + TRAFFIC + "[traffic]\nrate_pps = 100_000\n"
        good = [head + SERVICES, head + SERVICES.replace('"web"', '"shop"').replace('"udp/53"', '"udp/50-60"')]
        restart = good[0].replace("memory_mb = 128", "memory_mb = 256")
        faulty = good[0].replace('"tcp/80"', '"tcp/eighty-ish"').replace('["echo"]', '["ecco"]')
        config = self.write("hup.toml", good[0])
        running = Running(self, "-c", config)
        generation = 1
        for turn in range(50):
            kind = "faulty" if turn % 7 == 3 else "restart" if turn % 11 == 5 else "good"
            text = {"faulty": faulty, "restart": restart, "good": good[(turn + 1) % 2]}[kind]
            self.write("next.toml", text).replace(config)
            running.send(signal.SIGHUP)
            said = running.wait_for("SIGHUP")
            if kind == "good":
                generation += 1
                self.assertIn(f"generation {generation}\n", said)
            else:
                self.assertIn("nothing has changed", said)
            if kind == "faulty":
                self.assertRegex(said, r"hup\.toml:\d+:\d+: .*eighty-ish")
                self.assertRegex(said, r"hup\.toml:\d+:\d+: .*'ecco'; did you mean 'echo'\?")
            if kind == "restart":
                self.assertIn("[router] cannot change while the router runs", said)
        running.send(signal.SIGTERM)
        line = running.finish(stop_limit_s())
        self.assertEqual(running.process.returncode, 0, running.err)
        ledger = expect_ledger(self, line)
        self.assertGreater(ledger["delivered"], 0)
        self.assertLessEqual({"dns", "web", "shop"}, {service["service"] for service in line["services"]})


# ---- bad input: name, files, arguments, exit code, what stderr says ------------------------------------------------

def service(binding='"udp/53"', deliver='["echo"]', router="", device='traffic = true'):
    head = f"[router]\n{router}\n" if router else SMALL
    return (f'{head}[[device]]\nname = "d"\n{device}\n'
            f'[[service]]\nname = "s"\nbindings = [{binding}]\ndeliver = {deliver}\n')


MANY_FAULTS = """[router]
burst = 0
idle = "sometimes"
[[device]]
name = "D!"
traffic = true
[[service]]
name = "a"
bindings = ["udp/70000", "upd/53"]
deliver = ["nobody"]
[[service]]
name = "a"
bindings = ["udp/1"]
deliver = ["count"]
[[service]]
name = "c"
bindings = ["udp/1"]
deliver = ["count"]
colour = "blue"
[closed_ports]
action = "shout"
"""

BAD_RUNS = [
    ("config_missing", {}, ["run", "-c", "{}/none.toml"], 2, r"none\.toml: cannot be opened: No such file"),
    ("config_is_a_directory", {}, ["run", "-c", "{}"], 2, r"is a directory"),
    ("config_is_a_fifo", {}, ["run", "-c", "{}/fifo"], 2, r"is not a regular file"),
    ("config_is_a_device", {}, ["run", "-c", "/dev/zero"], 2, r"is not a regular file"),
    ("config_is_empty", {"c": ""}, ["run", "-c", "{}/c"], 2, r"no device"),
    ("config_is_no_toml", {"c": "x = = 1\n"}, ["run", "-c", "{}/c"], 2, r"c:1:\d+: "),
    ("config_is_binary", {"c": "\0\1\2\x7f" * 100}, ["run", "-c", "{}/c"], 2, r"c:1:\d+: "),
    ("unknown_handler", {"c": service(deliver='["ecco"]')}, ["run", "-c", "{}/c"], 2, r"did you mean 'echo'\?"),
    ("unknown_setting", {"c": service() + 'colour = "blue"\n'}, ["run", "-c", "{}/c"], 2,
     r"/c:\d+:1: unknown key 'colour'"),
    ("unknown_interface", {"c": service(device='interface = "nosuch0"\ndriver = "af_packet"')},
     ["run", "-c", "{}/c"], 1, r"interface 'nosuch0' does not exist"),
    ("pcap_missing", {"c": service(device='vdev = "net_pcap0,rx_pcap=/nonexistent/in.pcap"')},
     ["run", "-c", "{}/c"], 1, r"file '/nonexistent/in\.pcap' cannot be read"),
    ("unknown_virtual_device", {"c": service(device='vdev = "net_nothing0"')}, ["run", "-c", "{}/c"], 1,
     r"device 'd' \(net_nothing0\) cannot be opened"),
    ("too_few_cpus", {"c": service(router="rx_cores = [0, 9999]")}, ["run", "-c", "{}/c"], 2,
     r"c:2:\d+: router\.rx_cores"),
    ("cpu_that_is_not_there", {"c": service(router="rx_cores = [0, 1023]")}, ["run", "-c", "{}/c"], 2,
     r"c:2:\d+: .*CPU 1023 does not exist or is not allowed"),
    ("memory_too_small_for_prefixes",
     {"c": service(binding='"udp/192.0.2.0/24:53", "udp/[2001:db8::/32]:53"', router="memory_mb = 64")},
     ["run", "-c", "{}/c"], 1, r"raise router\.memory_mb"),
    ("memory_too_small_to_replay",
     {"c": service(binding='"udp/192.0.2.0/24:53", "udp/[2001:db8::/32]:53"', router="memory_mb = 64")},
     ["replay", "-c", "{}/c", "{}/c"], 1, r"raise router\.memory_mb"),
    ("memory_larger_than_the_machine", {"c": service(router="memory_mb = 1048577")}, ["run", "-c", "{}/c"], 2,
     r"c:2:\d+: router\.memory_mb"),
    ("eal_option_unknown", {}, ["run", "--", "--nonsense"], 1, r"DPDK did not start .*behind --"),
    ("eal_option_bad", {}, ["run", "--", "--lcores=bad"], 1, r"DPDK did not start .*behind --"),
    ("eal_device_unknown", {}, ["run", "--", "--vdev=nosuch0"], 1, r"DPDK did not start .*nosuch0"),
    ("no_subcommand", {}, [], 2, r"subcommand"),
    ("unknown_subcommand", {}, ["walk"], 2, r"subcommand"),
    ("unknown_option", {}, ["run", "--walk"], 2, r"--walk"),
    ("seconds_negative", {}, ["run", "--seconds", "-1"], 2, r"--seconds"),
    ("seconds_zero", {}, ["run", "--seconds", "0"], 2, r"--seconds"),
    ("seconds_no_number", {}, ["run", "--seconds", "soon"], 2, r"--seconds"),
    ("config_without_a_name", {}, ["run", "-c"], 2, r"config"),
    ("replay_without_a_capture", {}, ["replay"], 2, r"capture"),
    ("replay_of_nothing", {}, ["replay", "{}/none.pcap"], 1, r"none\.pcap: cannot be opened"),
    ("replay_of_a_directory", {}, ["replay", "{}"], 1, r"is a directory"),
    ("replay_of_a_fifo", {}, ["replay", "{}/fifo"], 1, r"is not a regular file"),
    ("replay_of_a_text", {"c": "not a capture at all\n"}, ["replay", "{}/c"], 1, r"/c: "),
    ("replay_with_a_bad_config", {"c": "x = 1\n"}, ["replay", "-c", "{}/c", "{}/c"], 2, r"c:1:\d+: "),
    ("check_of_nothing", {}, ["check"], 2, r"name a configuration file"),
    ("check_of_a_missing_file", {}, ["check", "{}/none.toml"], 2, r"cannot be opened"),
    ("check_of_a_fifo", {}, ["check", "{}/fifo"], 2, r"is not a regular file"),
    ("services_of_a_missing_file", {}, ["services", "-c", "{}/none.toml"], 2, r"cannot be opened"),
    ("services_without_a_file", {}, ["services"], 2, r"config"),
    ("explain_of_another_protocol", {"c": service()}, ["explain", "-c", "{}/c", "icmp", "1.2.3.4:1", "1.2.3.4:1"], 2,
     r"'icmp' is no transport"),
    ("explain_without_a_port", {"c": service()}, ["explain", "-c", "{}/c", "udp", "1.2.3.4", "1.2.3.4:1"], 2,
     r"'1\.2\.3\.4' is no address and port"),
    ("explain_of_a_port_too_large", {"c": service()}, ["explain", "-c", "{}/c", "udp", "1.2.3.4:1", "1.2.3.4:65536"], 2,
     r"'1\.2\.3\.4:65536' is no address and port"),
    ("explain_across_versions", {"c": service()}, ["explain", "-c", "{}/c", "udp", "1.2.3.4:1", "[2001:db8::1]:1"], 2,
     r"different IP versions"),
    ("explain_by_a_missing_file", {}, ["explain", "-c", "{}/none", "udp", "1.2.3.4:1", "1.2.3.4:1"], 2,
     r"cannot be opened"),
    ("doctor_of_something", {}, ["doctor", "eth0"], 2, r"eth0"),
    ("ports_of_a_number_too_large", {}, ["ports", "65536"], 2, r"'65536' is not a port"),
    ("ports_below_zero", {}, ["ports", "-1"], 2, r"'-1' is not a port"),
    ("ports_of_an_unknown_name", {}, ["ports", "no-such-service"], 1, r"no service 'no-such-service'"),
]


class BadInput(CliTest):
    """Each ends with its exit code and a sentence or a list of faults; nothing on stdout, nothing left behind."""

    def expect_refusal(self, files, args, code, said, **more):
        for name, text in files.items():
            self.write(name, text)
        os.mkfifo(self.folder / "fifo")
        result = run(self, *(arg.replace("{}", str(self.folder)) for arg in args), timeout=20, **more)
        self.assertIn(result.code, code if isinstance(code, tuple) else (code,), result.err)
        self.assertRegex(result.err, said)
        self.assertEqual(result.out, "")
        sentences = [line for line in result.err.splitlines() if not line.startswith("warning: ")]
        if code == 1 and args[0] == "run":
            self.assertEqual(len(sentences), 1, "one sentence")
            self.assertTrue(sentences[0].startswith("portier: "), sentences)
        return result

    def test_many_faults_are_all_named_in_one_pass(self):
        result = self.expect_refusal({"many.toml": MANY_FAULTS}, ["run", "-c", "{}/many.toml"], 2, r"burst")
        places = [tuple(map(int, re.match(r".*many\.toml:(\d+):(\d+): \S", line).groups()))
                  for line in result.err.splitlines()]
        self.assertEqual(places, sorted(places), "in the order of the file")
        self.assertEqual({line for line, _ in places}, {2, 3, 5, 9, 10, 12, 17, 19, 21})
        self.assertEqual([line for line, _ in places].count(9), 2)
        check = run(self, "check", self.folder / "many.toml")
        self.assertEqual(check.err, result.err, "check says the same")

    def test_hugepages_that_are_not_there(self):
        with contextlib.suppress(FileNotFoundError, StopIteration):
            pools = pathlib.Path("/sys/kernel/mm/hugepages").glob("*/free_hugepages")
            if any(int(pool.read_text()) > 0 for pool in pools):
                self.skipTest("this machine has free hugepages")
        self.expect_refusal({"c": service(router="hugepages = true")}, ["run", "-c", "{}/c"], 1, r"router\.hugepages")

    def test_interface_without_root(self):
        more = {}
        if os.geteuid() == 0:
            more = {"user": 65534, "group": 65534, "extra_groups": []}
            self.folder.chmod(0o755)
            try:
                subprocess.run([PORTIER, "--version"], check=True, capture_output=True, **more)
            except (OSError, subprocess.CalledProcessError):
                self.skipTest("the program is where other users cannot run it")
        text = service(device='interface = "lo"\ndriver = "af_packet"')
        self.expect_refusal({"c": text}, ["run", "-c", "{}/c"], 1, r"not permitted.*CAP_NET_RAW", **more)

    def test_no_memory_to_be_had(self):
        def little():
            resource.setrlimit(resource.RLIMIT_AS, (100 << 20, 100 << 20))
        self.expect_refusal({"c": service()}, ["run", "-c", "{}/c"], 1, r"DPDK did not start|cannot allocate",
                            preexec_fn=little)

    def test_standard_output_that_is_full(self):
        capture = self.folder / "in.pcap"
        write_pcap(capture, [udp("198.51.100.7", "192.0.2.1", 1, 53)])
        with open("/dev/full", "w") as full:
            result = subprocess.run([PORTIER, "replay", "--json", str(capture)], stdout=full, stderr=subprocess.PIPE,
                                    text=True, timeout=LIMIT_S)
        self.assertEqual(result.returncode, 1)
        self.assertIn("No space left on device", result.stderr)


def add_bad_runs():
    for name, files, args, code, said in BAD_RUNS:
        def case(self, files=files, args=args, code=code, said=said):
            self.expect_refusal(files, args, code, said)
        setattr(BadInput, f"test_{name}", case)


add_bad_runs()


# ---- configurations in words ---------------------------------------------------------------------------------------

TOWN = """[[device]]
name = "d"
vdev = "net_null0"
[[service]]
name = "plain"
bindings = ["udp/53", "udp/40-60"]
deliver = ["echo"]
[[service]]
name = "near"
bindings = ["udp/192.0.2.0/24:50-60", "udp/192.0.2.0/24:53", "udp/192.0.2.128/25:*", "udp/[2001:db8::/32]:*"]
deliver = ["count", { handler = "reject", rate_pps = 10 }]
[[service]]
name = "all"
bindings = ["udp/*", "tcp/0", "tcp/65535"]
deliver = ["drop"]
"""
SHARED = """[[device]]
name = "lan"
interface = "eth0"
driver = "af_xdp"
share = true
addresses = ["198.51.100.1/24"]
"""


class Check(CliTest):
    def test_a_shared_device(self):
        file = self.write("shared.toml", SHARED + TOWN)
        said = run(self, "check", file).out
        self.assertIn("device lan: interface eth0, profile af_xdp, shared with the kernel", said)
        devices = {device["name"]: device for device in json.loads(run(self, "check", "--json", file).out)["devices"]}
        self.assertEqual({name: device["share"] for name, device in devices.items()}, {"lan": True, "d": False})

    def test_sound(self):
        result = run(self, "check", self.write("town.toml", TOWN))
        self.assertEqual((result.code, result.err), (0, ""))
        self.assertIn("town.toml: sound\n", result.out)
        for words in ("device d: vdev net_null0", "cores: ", "closed ports: reject", "udp/[2001:db8::/32]:*",
                      "count -> reject rate_pps=10"):
            self.assertIn(words, result.out)

    def test_standard_input(self):
        self.assertEqual(run(self, "check", "-", stdin=TOWN).code, 0)
        result = run(self, "check", "-", stdin=TOWN.replace("udp/40-60", "udp/60-40"))
        self.assertEqual(result.code, 2)
        self.assertRegex(result.err, r":6:\d+: ")

    def test_json(self):
        out = json.loads(run(self, "check", "--json", self.write("town.toml", TOWN)).out)
        self.assertEqual((out["ok"], out["faults"], out["warnings"]), (True, [], []))
        self.assertEqual([device["name"] for device in out["devices"]], ["d"])
        self.assertEqual([service["name"] for service in out["services"]], ["plain", "near", "all"])
        self.assertIn(out["cores"]["mode"], ("pipeline", "run-to-completion"))
        self.assertNotEqual(out["cores"]["rx_cpus"], [])

    def test_json_of_faults(self):
        path = self.write("many.toml", MANY_FAULTS)
        result = run(self, "check", "--json", path)
        self.assertEqual((result.code, result.err), (2, ""))
        out = json.loads(result.out)
        self.assertFalse(out["ok"])
        self.assertNotIn("services", out)
        as_text = [f"{f['file']}:{f['line']}:{f['column']}: {f['message']}" for f in out["faults"]]
        self.assertEqual(as_text, run(self, "check", path).err.splitlines())

    def test_reference_has_every_setting(self):
        result = run(self, "check", "--reference")
        self.assertEqual(result.code, 0)
        text = (SOURCE / "lib/control/schema.cpp").read_text()
        settings = re.findall(r'Setting\{"([^"]*)",\s*"([^"]*)"', text)
        self.assertGreater(len(settings), 30)
        sections = dict(re.findall(r"(?ms)^## `([^`]*)`\n(.*?)(?=^##? |\Z)", result.out))
        for section, key in settings:
            head = f"[[{section[:-2]}]]" if section.endswith("[]") else f"[{section}]"
            row = re.search(rf"(?m)^\| `{re.escape(key)}` \|(.*)\|$", sections[head])
            self.assertIsNotNone(row, f"{head} {key}")
            self.assertTrue(all(cell.strip() for cell in row[1].split("|")), row[0])
        written = sum(len(re.findall(r"(?m)^\| `", body)) for body in sections.values())
        self.assertEqual(written, len(settings), "and no other")
        reasons = re.findall(r"(?m)^PORTIER_REASON\((\w+),", (SOURCE / "lib/packet/reason.def").read_text())
        self.assertGreater(len(reasons), 30)
        for reason in reasons:
            self.assertRegex(result.out, rf"(?m)^\| `{reason}` \|")


class Services(CliTest):
    def test_table(self):
        result = run(self, "services", "-c", self.write("town.toml", TOWN))
        self.assertEqual(result.code, 0)
        for words in ("plain", "near", "all", "udp/192.0.2.128/25:*", "tcp/65535", "drop"):
            self.assertIn(words, result.out)

    def test_json(self):
        out = json.loads(run(self, "services", "--json", "-c", self.write("town.toml", TOWN)).out)
        near = out["services"][1]
        self.assertEqual(near["name"], "near")
        self.assertEqual(near["bindings"][2:], ["udp/192.0.2.128/25:*", "udp/[2001:db8::/32]:*"])
        self.assertEqual(near["deliver"], [{"handler": "count", "options": {}},
                                           {"handler": "reject", "options": {"rate_pps": "10"}}])


class Ports(CliTest):
    def setUp(self):
        super().setUp()
        try:
            self.https = socket.getservbyname("https", "tcp")
        except OSError:
            self.skipTest("/etc/services of this machine has no https")

    def test_by_name_and_by_number(self):
        for what in ("https", str(self.https)):
            result = run(self, "ports", what)
            self.assertEqual(result.code, 0)
            self.assertIn(f"{self.https}  well-known\n", result.out)
            self.assertRegex(result.out, r"tcp +https")

    def test_categories(self):
        for port, category in ((0, "well-known"), (1023, "well-known"), (1024, "registered"), (49151, "registered"),
                               (49152, "dynamic"), (65535, "dynamic")):
            out = json.loads(run(self, "ports", "--json", port).out)
            self.assertEqual([(p["port"], p["category"]) for p in out["ports"]], [(port, category)])

    def test_overview(self):
        result = run(self, "ports")
        for words in ("well-known", "registered", "dynamic", "49152 - 65535"):
            self.assertIn(words, result.out)


def endpoint(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Explain(CliTest):
    def explain(self, *args, text=TOWN):
        result = run(self, "explain", "-c", self.write("town.toml", text), *args)
        self.assertEqual((result.code, result.err), (0, ""))
        return result.out

    def test_the_chosen_binding_and_those_it_beat(self):
        out = self.explain("udp", "198.51.100.7:4242", "192.0.2.1:53")
        self.assertRegex(out, r"binding +udp/192\.0\.2\.0/24:53 +\(.*town\.toml:10\)")
        self.assertRegex(out, r"service +near")
        self.assertRegex(out, r"beats +udp/192\.0\.2\.0/24:50-60 of near .*11 ports are a wider range than 1")
        self.assertRegex(out, r"beats +udp/53 of plain .*less specific than 192\.0\.2\.0/24")
        self.assertRegex(out, r"beats +udp/\* of all .*less specific")
        self.assertEqual(out.count("beats "), 4)
        self.assertRegex(out, r"delivery +count -> reject rate_pps=10")
        self.assertRegex(out, r"worker +\d+ of \d+, CPU \d+")

    def test_ipv6_and_names(self):
        out = self.explain("udp", "[2001:db8::7]:4242", "[2001:db8::1]:domain")
        self.assertRegex(out, r"binding +udp/\[2001:db8::/32\]:\*")
        self.assertRegex(out, r"beats +udp/53 of plain")

    def test_a_closed_port(self):
        out = self.explain("tcp", "198.51.100.7:4242", "192.0.2.1:80")
        self.assertIn("no binding covers this packet", out)
        self.assertIn("rejected as closed_port", out)
        ours = TOWN.replace("vdev", 'addresses = ["192.0.2.1/24"]\nvdev')
        self.assertIn("rejected as closed_port", self.explain("tcp", "198.51.100.7:1", "192.0.2.1:80", text=ours))
        self.assertIn("not_for_us", self.explain("tcp", "198.51.100.7:1", "192.0.2.2:80", text=ours))
        quiet = TOWN + '[closed_ports]\naction = "drop"\n'
        self.assertIn("dropped as closed_port", self.explain("tcp", "198.51.100.7:1", "192.0.2.1:80", text=quiet))
        shared = TOWN + SHARED
        said = self.explain("tcp", "198.51.100.7:1", "198.51.100.1:80", text=shared)
        self.assertIn("left to the kernel: device 'lan' is shared with it", said)

    def test_json(self):
        out = json.loads(self.explain("--json", "udp", "198.51.100.7:4242", "192.0.2.200:53"))
        self.assertEqual((out["binding"], out["service"], out["line"]), ("udp/192.0.2.128/25:*", "near", 10))
        self.assertEqual([b["binding"] for b in out["beats"]],
                         ["udp/192.0.2.0/24:53", "udp/192.0.2.0/24:50-60", "udp/53", "udp/40-60", "udp/*"])
        self.assertTrue(all(b["why"] for b in out["beats"]))
        closed = json.loads(self.explain("--json", "tcp", "198.51.100.7:4242", "192.0.2.1:80"))
        self.assertIsNone(closed["binding"])
        self.assertIn("closed_port", closed["verdict"])

    def test_replay_decides_the_same_with_prefixes(self):
        rng = random.Random(4)
        flows = []
        for src, dst in (("198.51.100.7", "192.0.2.1"), ("198.51.100.7", "192.0.2.127"),
                         ("198.51.100.7", "192.0.2.128"), ("198.51.100.7", "192.0.3.0"),
                         ("2001:db8::7", "2001:db8::1"), ("2001:db8::7", "2001:db9::1")):
            flows += [(src, dst, rng.randrange(65536), port) for port in (0, 53, 60, 61, 65535)]
        capture = self.folder / "in.pcap"
        write_pcap(capture, [udp(*flow, b"x") for flow in flows])
        config = self.write("town.toml", SMALL + "worker_cores = [0, 1, 2]\n" + TOWN)
        result = run(self, "replay", "--json", "-c", config, capture)
        self.assertEqual(result.code, 0, result.err)
        said = [json.loads(line) for line in result.out.splitlines()]
        self.assertEqual(len(said), len(flows))
        expect_ledger(self, {**self.without_latency(result.err), "mbufs": {"leaked": 0}})
        for (src, dst, sport, dport), verdict in zip(flows, said):
            out = json.loads(run(self, "explain", "--json", "-c", config, "udp", endpoint(src, sport),
                                 endpoint(dst, dport)).out)
            self.assertEqual((verdict["binding"], verdict["service"]), (out["binding"], out["service"]), (dst, dport))
            self.assertEqual(verdict["worker"], out["worker"])
            self.assertEqual(verdict["verdict"], "dropped" if out["service"] == "all" else "delivered")
        self.assertEqual({v["binding"] for v in said},
                         {"udp/192.0.2.0/24:53", "udp/192.0.2.0/24:50-60", "udp/192.0.2.128/25:*",
                          "udp/[2001:db8::/32]:*", "udp/53", "udp/40-60", "udp/*"})

    @staticmethod
    def without_latency(text):
        """Nothing is delivered in earnest by a replay, so it takes no time."""
        line = json.loads(text.splitlines()[-1])
        for entry in line["services"]:
            entry["latency_ns"] = dict.fromkeys(("p50", "p99", "p99.9"), 1 if entry["delivered"] else 0)
        return line


class Replay(CliTest):
    def test_text(self):
        capture = self.folder / "in.pcap"
        write_pcap(capture, [udp("198.51.100.7", "192.0.2.1", 4242, 53), udp("2001:db8::7", "2001:db8::1", 1, 9),
                             ip_frame("198.51.100.7", "192.0.2.1", 17, b"x" * 16, fragment=2), b"\0" * 20])
        config = self.write("c.toml", TRAFFIC + SERVICES)
        result = run(self, "replay", "-c", config, capture)
        self.assertEqual(result.code, 0, result.err)
        lines = result.out.splitlines()
        self.assertRegex(lines[0],
                         r"^ +1  198\.51\.100\.7:4242 > 192\.0\.2\.1:53 udp +delivered dns by udp/53 on worker \d+$")
        self.assertRegex(lines[1], r"^ +2  \[2001:db8::7\]:1 > \[2001:db8::1\]:9 udp +rejected +closed_port$")
        self.assertRegex(lines[2], r"later fragment +dropped +fragment_timeout$")
        self.assertRegex(lines[3], r"not IP +dropped +not_ip$")
        self.assertIn("adds up", result.err)


class Help(CliTest):
    OPTIONS = {
        "run": ["-c", "--config", "--seconds", "--json", "-- EAL ARGS"],
        "replay": ["-c", "--config", "--json", "CAPTURE"],
        "doctor": ["--fix", "--json"],
        "explain": ["-c", "--config", "--json", "transport", "source", "destination"],
        "check": ["FILE", "--json", "--reference"],
        "ports": ["NAME|NUMBER", "--json"],
        "services": ["-c", "--config", "--json"],
    }

    def test_names_every_subcommand(self):
        result = run(self, "--help")
        self.assertEqual((result.code, result.err), (0, ""))
        listed = re.search(r"Subcommands:\n((?:  .*\n)+)", result.out)[1]
        self.assertEqual(set(re.findall(r"(?m)^  (\S+) ", listed)), set(self.OPTIONS))

    def test_names_every_option(self):
        main = (SOURCE / "apps/portier/main.cpp").read_text()
        for subcommand, options in self.OPTIONS.items():
            for asked in ("--help", "-h"):
                result = run(self, subcommand, asked)
                self.assertEqual((result.code, result.err), (0, ""))
            for option in options:
                self.assertIn(option, result.out, subcommand)
            for option in re.findall(rf'{subcommand}_command->add_(?:option|flag)\("([^"]+)"', main):
                for name in option.split(","):
                    self.assertIn(name, result.out, subcommand)

    def test_version(self):
        self.assertRegex(run(self, "--version").out, r"^portier \d+\.\d+")


# ---- what the whole leaves behind, and TAP -------------------------------------------------------------------------

def traces():
    """Names of what a router could leave on a machine."""
    found = {f"interface {name}" for name in os.listdir("/sys/class/net")}
    for pattern in ("/dev/shm/*", "/dev/hugepages/*", "/tmp/dpdk"):
        found |= {f"file {path}" for path in pathlib.Path("/").glob(pattern[1:])}
    return found


class LeavesNothingBehind(unittest.TestCase):
    before = traces()

    def test_interfaces_and_files(self):
        end = time.monotonic() + 10  # other programs come and go
        while (left := traces() - self.before) and time.monotonic() < end:
            time.sleep(0.2)
        self.assertEqual(left, set())


def load_tests(loader, tests, pattern):
    """What looks at the traces of all the others comes last."""
    del loader, pattern
    return unittest.TestSuite(sorted(tests, key=lambda cases: any(isinstance(c, LeavesNothingBehind) for c in cases)))


class TapResult(unittest.TextTestResult):
    """Words for people on stderr; a line for each case on stdout."""

    def __init__(self, *args, **more):
        super().__init__(*args, **more)
        self.failed = set()

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.failed.add(test.id())

    def addError(self, test, err):
        super().addError(test, err)
        self.failed.add(test.id())

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.failed.add(test.id())

    def stopTest(self, test):
        super().stopTest(test)
        name = test.id().removeprefix("__main__.")
        skipped = [why for other, why in self.skipped if other is test]
        verdict = "not ok" if test.id() in self.failed else "ok"
        print(f"{verdict} {self.testsRun} - {name}" + (f" # SKIP {skipped[0]}" if skipped else ""), flush=True)


def main(module):
    """Runs the cases of a module, all of them or those named on the command line; exits with 77 for nothing to run."""
    if not os.access(PORTIER, os.X_OK):
        print(f"skipped: {PORTIER} is not there; set PORTIER to the program")
        sys.exit(77)
    loader = unittest.TestLoader()
    loaded = loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:] else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2, resultclass=TapResult).run(loaded)
    print(f"1..{result.testsRun}")
    sys.exit(0 if result.wasSuccessful() else 1)


if __name__ == "__main__":
    main(sys.modules["__main__"])
