#!/usr/bin/env python3
"""portier-load from outside: bad input, the self-test, captures, signals, and a trial over veth with a router behind it.

The veth trials need root (network namespaces); the host's own interfaces are not touched. Prints TAP on stdout.
PORTIER_LOAD and PORTIER name the programs.
"""

import fcntl
import json
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import cli_test

SOURCE = cli_test.SOURCE
LOAD = os.environ.get("PORTIER_LOAD", str(SOURCE / "build/apps/portier-load/portier-load"))
QUICK = ["--duration", "0.3", "--rate", "5k", "--no-self-test"]
SIGNS_OF_A_CRASH = cli_test.SIGNS_OF_A_CRASH


def run(test, *args, wrapper=(), timeout=60):
    done = subprocess.run([*wrapper, LOAD, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout)
    test.assertIn(done.returncode, (0, 1, 2), f"{args}: {done.stderr}")
    for sign in SIGNS_OF_A_CRASH:
        test.assertNotIn(sign, done.stderr, args)
    return done


def report_of(test, *args, **more):
    done = run(test, *args, "--json", "-", **more)
    test.assertEqual(done.returncode, 0, done.stderr)
    return json.loads(done.stdout)


def trial_of(report):
    return report["trials"][-1]


def pcap(frames, link_type=1, gap_us=1000, snap=None):
    data = struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, link_type)
    for number, frame in enumerate(frames):
        at_us = number * gap_us
        kept = frame if snap is None else frame[:snap]
        data += struct.pack("<IIII", 1_700_000_000 + at_us // 1_000_000, at_us % 1_000_000, len(kept), len(frame)) + kept
    return data


FRAME = bytes.fromhex("020000000002 020000000001 0800") + bytes(range(50))


class BadInput(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def refused(self, args, code, *words):
        with self.subTest(args=args):
            done = run(self, *args)
            self.assertEqual(done.returncode, code, done.stderr)
            self.assertEqual(done.stdout, "")
            for word in words:
                self.assertIn(word, done.stderr)

    def test_usage(self):
        for args, word in [
            (["run", "--rate", "0"], "above 0"),
            (["run", "--rate", "-5"], "above 0"),
            (["run", "--rate", "nan"], "rate"),
            (["run", "--rate", "2000M"], "1000M"),
            (["run", "--duration", "0"], "seconds"),
            (["run", "--services", "udp/nosuchservice"], "service name"),
            (["run", "--services", "tcp/80,tcp/80"], "once"),
            (["run", "--size", "20"], "frame size"),
            (["run", "--flows", "0"], "flows"),
            (["run", "--ipv6", "2"], "IPv6 share"),
            (["run", "--pattern", "odd"], "constant"),
            (["run", "--syn-flood", "--services", "tcp/80"], "--interface"),
            (["run", "--scan-closed", "udp/1-100"], "--interface"),
            (["run", "--interface", "lo0x", "--driver", "odd"], "af_xdp"),
            (["run", "--interface", "lo0x"], "--dst-mac"),
            (["run", "--vdev", "net_null0", "--pci", "0000:00:00.0"], "at once"),
            (["run", "--cores", "3"], "--cores"),
            (["latency"], "--rate"),
            (["throughput", "--send-only"], "receive"),
            (["throughput", "--max-rate", "0"], "--max-rate"),
            (["ndr", "--resolution", "2"], "--resolution"),
            (["replay", "x.pcap", "--rate", "10", "--speed", "2"], "exclude"),
            (["fly"], ""),
            ([], ""),
        ]:
            self.refused(args, 2, word)

    def test_devices(self):
        self.refused(["run", "--vdev", "net_nosuch0", *QUICK], 1, "net_nosuch0")
        self.refused(["run", "--interface", "lo0x", "--dst-mac", "02:00:00:00:00:02", *QUICK], 1, "does not exist")
        self.refused(["run", "--pci", "ffff:ff:1f.7", "--dst-mac", "02:00:00:00:00:02", *QUICK], 1, "dpdk-devbind")
        self.refused(["run", "--vdev", "net_pcap0,rx_pcap=/nonexistent", *QUICK], 1, "/nonexistent")

    def test_captures(self):
        cases = {"empty.pcap": (pcap([]), "no frame"), "nothing.pcap": (b"", ""), "text.pcap": (b"hello, world" * 9, ""),
                 "cut.pcap": (pcap([FRAME] * 5)[:-20], "whole"), "other.pcap": (pcap([FRAME], link_type=113), "113"),
                 "snapped.pcap": (pcap([FRAME], snap=30), "tcpdump -s 0")}
        for name, (data, word) in cases.items():
            path = self.folder / name
            path.write_bytes(data)
            self.refused(["replay", path, "--no-self-test"], 1, name, word)
        self.refused(["replay", self.folder / "missing.pcap"], 1, "missing.pcap")

    def test_stored_results(self):
        for name, data, word in (("text.json", "hello", "not JSON"), ("empty.json", "", "not JSON"),
                                 ("other.json", "{}", "not a report"), ("list.json", "[1]", "not a report")):
            path = self.folder / name
            path.write_text(data)
            self.refused(["report", path], 1, name, word)
        self.refused(["report", self.folder / "missing.json"], 1, "missing.json", "cannot be opened")
        self.refused(["report", self.folder], 1, "directory")
        self.refused(["report"], 2, "file")

    def test_unwritable_result(self):
        done = run(self, "run", *QUICK, "--json", self.folder / "no/such/place.json")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("cannot be written", done.stderr)


class Trials(unittest.TestCase):
    """Without a device packets go round in the program itself."""

    def test_all_comes_back(self):
        report = report_of(self, "run", "--duration", "0.5", "--rate", "20k", "--services", "udp/53=3,tcp/443=1",
                           "--ipv6", "0.5", "--size", "imix")
        trial = trial_of(report)
        self.assertEqual((trial["sent"], trial["received"], trial["lost"]), (10000, 10000, 0))
        self.assertEqual({s["name"]: s["sent"] for s in trial["services"]}.keys(), {"udp/53", "tcp/443"})
        self.assertEqual(sum(s["received"] for s in trial["services"]), 10000)
        self.assertTrue(any(w.startswith("no-device:") for w in report["warnings"]))
        self.assertEqual(report["self_test"]["lost"], 0)
        self.assertGreater(report["self_test"]["received"], 9000)

    def test_self_test(self):
        report = report_of(self, "self-test", "--rate", "10k")
        self.assertEqual(trial_of(report)["sent"], 5000)
        self.assertEqual(trial_of(report)["lost"], 0)

    def test_send_only(self):
        report = report_of(self, "run", "--vdev", "net_null0,no-rx=1", "--send-only", "--rate", "max", "--duration",
                           "0.2", "--no-self-test")
        self.assertGreater(trial_of(report)["sent"], 10000)
        self.assertTrue(any(w.startswith("send-only:") for w in report["warnings"]))

    def test_a_device_that_swallows_everything(self):
        report = report_of(self, "run", "--vdev", "net_null0,no-rx=1", *QUICK, "--drain", "0.05")
        trial = trial_of(report)
        self.assertEqual(trial["lost"], trial["sent"])

    def test_beyond_the_device(self):
        report = report_of(self, "run", "--vdev", "net_null0,no-rx=1", "--send-only", "--rate", "900M", "--duration",
                           "0.2", "--no-self-test")
        self.assertTrue(any(w.startswith("rate-not-reached:") for w in report["warnings"]), report["warnings"])

    def test_files(self):
        with tempfile.TemporaryDirectory() as folder:
            names = {kind: pathlib.Path(folder, "out." + kind) for kind in ("json", "csv", "html")}
            done = run(self, "run", *QUICK, *[x for kind, path in names.items() for x in ("--" + kind, path)])
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(trial_of(json.loads(names["json"].read_text()))["sent"], 1500)
            self.assertIn("1500", names["csv"].read_text())
            self.assertIn("udp/7", pathlib.Path(folder, "out.services.csv").read_text())
            page = names["html"].read_text()
            self.assertIn("<svg", page)
            again = [pathlib.Path(folder, "again." + kind) for kind in ("csv", "html")]
            shown = run(self, "report", names["json"], "--csv", again[0], "--html", again[1])
            self.assertEqual(shown.returncode, 0, shown.stderr)
            self.assertEqual(shown.stdout, done.stdout)
            self.assertEqual([path.read_text() for path in again], [names["csv"].read_text(), page])

    def test_replay(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "ten.pcap")
            path.write_bytes(pcap([FRAME] * 101, gap_us=10_000))
            out = pathlib.Path(folder, "out.pcap")
            report = report_of(self, "replay", path, "--speed", "4", "--no-self-test", "--send-only", "--vdev",
                               f"net_pcap0,tx_pcap={out}")
            trial = trial_of(report)
            self.assertEqual(trial["sent"], 101)
            self.assertAlmostEqual(trial["sending_s"], 0.25, delta=0.05)
            sent = out.read_bytes()
            self.assertEqual(sent.count(FRAME), 101)
            report = report_of(self, "replay", path, "--rate", "1000", "--loops", "3", "--no-self-test")
            self.assertEqual((trial_of(report)["sent"], trial_of(report)["received"]), (303, 303))

    def test_searches(self):
        """Nothing is lost on the way round, so each procedure must end at the highest rate that it may try."""
        quick = ["--max-rate", "20k", "--no-self-test"]
        for procedure, args, figure, expected in [
                ("throughput", [*quick, "--trial", "0.3", "--search-trial", "0.2"], "throughput_pps", 20_000),
                ("loss", [*quick, "--trial", "0.2"], "lossless_pps", 20_000),
                ("latency", ["--rate", "10k", "--trial", "0.2", "--no-self-test"], None, 10_000),
                ("back-to-back", [*quick, "--trial", "0.1", "--repetitions", "2"], None, None),
                ("ndr", [*quick, "--trial", "0.3", "--search-trial", "0.2"], "ndr_pps", 20_000),
                ("pdr", [*quick, "--trial", "0.3", "--search-trial", "0.2"], "pdr_pps", 20_000),
                ("mlr", [*quick, "--trial", "0.3", "--search-trial", "0.2"], "ndr_pps", 20_000)]:
            with self.subTest(procedure):
                report = report_of(self, procedure, *args)
                self.assertGreaterEqual(len(report["trials"]), 1)
                self.assertEqual(sum(trial["lost"] for trial in report["trials"]), 0)
                if figure is not None:
                    self.assertIn(figure, report["figures"])
                    self.assertAlmostEqual(report["figures"][figure]["value"], expected, delta=expected * 0.05)
                if procedure == "back-to-back":
                    self.assertEqual({t["sent"] for t in report["trials"]}, {2000}, "0.1 s at the highest rate")

    def test_patterns(self):
        for args in (["--pattern", "poisson"], ["--pattern", "bursts", "--burst-size", "50"],
                     ["--pattern", "ramp", "--ramp-to", "1k"]):
            with self.subTest(args=args):
                trial = trial_of(report_of(self, "run", *QUICK, *args))
                self.assertAlmostEqual(trial["sent"], 900 if "ramp" in args else 1500, delta=200)
                self.assertEqual(trial["lost"], 0)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to become somebody else")
    def test_without_root(self):
        with tempfile.TemporaryDirectory() as home:
            os.chmod(home, 0o777)
            drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env", f"XDG_RUNTIME_DIR={home}"]
            self.assertEqual(trial_of(report_of(self, "run", *QUICK, wrapper=drop))["lost"], 0)

    def test_progress_fits_the_terminal(self):
        terminal, end = pty.openpty()
        try:
            fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
            done = subprocess.run([LOAD, "throughput", "--max-rate", "20k", "--trial", "0.3", "--search-trial", "0.2",
                                   "--drain", "0.05", "--no-self-test"], stdout=subprocess.DEVNULL, stderr=end, timeout=60)
            os.set_blocking(terminal, False)
            shown = os.read(terminal, 100_000).decode().replace("\x1b[K", "").split("\r")
        finally:
            os.close(end)
            os.close(terminal)
        self.assertEqual(done.returncode, 0)
        lines = [line for line in shown if line]
        self.assertTrue(any(line.startswith("search  trial 1 of") for line in lines), shown)
        self.assertEqual(max(len(line) for line in lines), 49, shown)

    def test_interrupt_keeps_what_was_measured(self):
        for args in (["run", "--duration", "60", "--rate", "1000", "--no-self-test"],
                     ["throughput", "--max-rate", "10k", "--trial", "20", "--search-trial", "0.5", "--no-self-test"]):
            with self.subTest(args=args), subprocess.Popen([LOAD, *args, "--json", "-"], stdout=subprocess.PIPE,
                                                          stderr=subprocess.PIPE, text=True) as process:
                time.sleep(3)
                process.send_signal(signal.SIGINT)
                out, err = process.communicate(timeout=20)
                self.assertEqual(process.returncode, 0, err)
                trials = json.loads(out)["trials"]
                self.assertGreaterEqual(len(trials), 1)
                self.assertTrue(trials[-1]["is_interrupted"])
                self.assertGreater(trials[-1]["sent"], 100)
                self.assertEqual(trials[-1]["lost"], 0)


@unittest.skipUnless(os.geteuid() == 0, "needs root to make network namespaces")
class Veth(unittest.TestCase):
    """The tester at one end of a virtual cable, `portier run` at the other."""

    CONFIG = """
[[device]]
name = "veth"
interface = "lr"
driver = "af_packet"
addresses = ["198.19.0.1/24"]
[[service]]
name = "echo"
bindings = ["udp/7", "udp/9000"]
deliver = ["echo"]
[[service]]
name = "silent"
bindings = ["udp/9"]
deliver = ["count"]
[closed_ports]
action = "reject"
reject_rate_pps = 100000
"""

    @staticmethod
    def ip(*args, check=True):
        return subprocess.run(["ip", *args], check=check, capture_output=True, text=True)

    def setUp(self):
        self.tester, self.router = f"load-t-{os.getpid()}", f"load-r-{os.getpid()}"
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        for space in (self.tester, self.router):
            made = self.ip("netns", "add", space, check=False)
            if made.returncode != 0:
                self.skipTest(f"cannot make a network namespace: {made.stderr.strip()}")
            self.addCleanup(self.ip, "netns", "delete", space, check=False)
        one_queue = ["numtxqueues", "1", "numrxqueues", "1"]
        made = self.ip("link", "add", "lt", "netns", self.tester, *one_queue, "type", "veth", "peer", "name", "lr",
                       "netns", self.router, *one_queue, check=False)
        if made.returncode != 0:
            self.skipTest(f"cannot make a veth pair: {made.stderr.strip()}")
        for space, end in ((self.tester, "lt"), (self.router, "lr")):
            subprocess.run(["ip", "netns", "exec", space, "sh", "-c",
                            f"echo 1 >/proc/sys/net/ipv6/conf/{end}/disable_ipv6"], check=True)
            self.ip("-n", space, "link", "set", end, "up")
        config = pathlib.Path(folder.name, "portier.toml")
        config.write_text(self.CONFIG)
        self.err = open(pathlib.Path(folder.name, "err"), "w+", encoding="utf-8")
        self.addCleanup(self.err.close)
        self.process = subprocess.Popen(["ip", "netns", "exec", self.router, cli_test.PORTIER, "run", "-c", config,
                                         "--json"], stdout=subprocess.DEVNULL, stderr=self.err)
        self.addCleanup(self.stop)
        deadline = time.monotonic() + 20
        while "services" not in pathlib.Path(self.err.name).read_text() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def load(self, *args):
        return report_of(self, *args, "--interface", "lt", "--dst-mac", "02:00:00:00:00:02", "--no-self-test",
                         wrapper=["ip", "netns", "exec", self.tester])

    def test_echo_and_silence(self):
        report = self.load("run", "--services", "udp/7=2,udp/9000=1,udp/9=1", "--rate", "2000", "--duration", "1",
                           "--drain", "1")
        trial = trial_of(report)
        self.assertEqual(trial["sent"], 2000)
        services = {s["name"]: s for s in trial["services"]}
        for name in ("udp/7", "udp/9000"):
            self.assertEqual(services[name]["received"], services[name]["sent"], name)
            self.assertEqual(services[name]["reordered"] + services[name]["duplicated"], 0)
        self.assertAlmostEqual(services["udp/7"]["sent"], 1000, delta=20)
        self.assertEqual(services["udp/9"]["received"], 0, "counted there, not answered")
        self.assertEqual(trial["lost"], services["udp/9"]["sent"])

    def test_echo_over_af_xdp(self):
        try:
            socket.socket(44, socket.SOCK_RAW, 0).close()
        except OSError:
            self.skipTest("this kernel has no AF_XDP sockets")
        report = self.load("run", "--driver", "af_xdp", "--services", "udp/7", "--rate", "2000", "--duration", "0.5",
                           "--drain", "1")
        trial = trial_of(report)
        self.assertEqual((trial["sent"], trial["received"]), (1000, 1000))

    def test_closed_ports_answer_a_scan(self):
        for what, key in (("udp/2000-2499", "unreachables"), ("tcp/2000-2499", "resets")):
            report = self.load("run", "--scan-closed", what, "--rate", "1000", "--duration", "1", "--drain", "1")
            service = trial_of(report)["services"][0]
            self.assertEqual(service["sent"], 1000)
            self.assertEqual(service["received"], 1000, f"{what}: every closed port said so, and to whom")


def load_tests(loader, tests, pattern):
    # Those of the module that was imported are run on their own.
    suite = unittest.TestSuite()
    for case in (BadInput, Trials, Veth):
        suite.addTests(loader.loadTestsFromTestCase(case))
    return suite


if __name__ == "__main__":
    if not os.access(LOAD, os.X_OK):
        print(f"skipped: {LOAD} is not there; set PORTIER_LOAD to the program")
        sys.exit(77)
    cli_test.main(sys.modules["__main__"])
