#!/usr/bin/env python3
"""portier-bench from outside: a quick run of everything, what its JSON says, and bad input.

Needs no root, NIC or hugepages; figures are not looked at, accounts are. Prints TAP on stdout, unittest's words on stderr.
PORTIER_BENCH names the program, PORTIER_SOURCE_DIR the source tree.
"""

import json
import os
import pathlib
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import cli_test

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BENCH = os.environ.get("PORTIER_BENCH", str(SOURCE / "build/bench/pipeline/portier-bench"))
LIMIT_S = 90  # no call takes longer, on any machine

ONE_CORE = {"floor", "floor-put", "r2c", "stage1", "stage2", "stage3", "stage5"}
TWO_CORES = {"pipeline", "mailbox", "mbuf-ring", "distributor", "event_dsw", "event_sw", "kernel-udp"}
TESTPMD = {"testpmd-rxonly", "testpmd-macswap", "testpmd-5tswap"}


def run(*arguments):
    return subprocess.run([BENCH, *arguments], capture_output=True, text=True, timeout=LIMIT_S, check=False)


def pcap(link_type=1, packets=(bytes(60),)):
    """A capture file's bytes."""
    data = struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, link_type)
    for packet in packets:
        data += struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet
    return data


class Contest(unittest.TestCase):
    """One quick run of all contenders, looked at from several sides."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        path = pathlib.Path(cls.folder.name) / "out.json"
        cls.result = run("--quick", "--traffic", "w4,w6", "--mbufs", "4096", "--json", str(path))
        cls.json = json.loads(path.read_text()) if path.exists() else {}

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_ends_well(self):
        self.assertEqual(self.result.returncode, 0, self.result.stdout + self.result.stderr)
        self.assertTrue(self.json["is_sound"])
        self.assertEqual(self.json["missing_mbufs"], 0)
        self.assertFalse(self.json["is_interrupted"])

    def test_says_what_it_was_measured_on(self):
        self.assertRegex(self.json["build"]["dpdk"], r"DPDK \d+\.\d+")
        for key in ("compiler", "type"):
            self.assertTrue(self.json["build"][key])
        machine = self.json["machine"]
        self.assertTrue(machine["cpu"])
        self.assertIn("sse4_2", machine["flags"])
        self.assertEqual(set(machine["cpus"]), os.sched_getaffinity(0))
        self.assertGreater(machine["tsc_hz"], 1e8)
        self.assertTrue(self.json["commit"])
        self.assertIn("longer_than", self.json["hiccups"])
        self.assertTrue(any("quick" in note for note in self.json["notes"]))

    def test_everybody_competed_or_said_why_not(self):
        ran = {run["contender"] for run in self.json["runs"]}
        skipped = {skip["contender"]: skip["reason"] for skip in self.json["skipped"]}
        self.assertEqual(ran | set(skipped), ONE_CORE | TWO_CORES | TESTPMD)
        self.assertTrue(ONE_CORE <= ran, skipped)
        if len(os.sched_getaffinity(0)) > 1:
            self.assertTrue(TWO_CORES - {"event_dsw", "event_sw"} <= ran, skipped)
        for reason in skipped.values():
            self.assertGreater(len(reason), 10)

    def test_accounts_are_exact(self):
        for run_ in self.json["runs"]:
            account = run_["account"]
            with self.subTest(contender=run_["contender"], source=run_["source"]):
                self.assertGreater(account["delivered"], 0)
                self.assertEqual(run_["leaked_mbufs"], 0)
                if not account["is_counted"]:
                    self.assertIn(run_["contender"], TESTPMD)
                    continue
                self.assertTrue(account["adds_up"])
                lost = sum(account["dropped"].values())
                self.assertEqual(account["received"], account["delivered"] + lost)

    def test_windows_and_probes(self):
        for run_ in self.json["runs"]:
            with self.subTest(contender=run_["contender"]):
                self.assertEqual(len(run_["windows_seconds_packets"]), self.json["options"]["windows"])
                self.assertEqual(len(run_["stolen_ms"]), run_["cores"])
                if run_["cores"] == 1:
                    self.assertIsNone(run_["class"])
                    continue
                self.assertGreater(run_["probe_before_ns"], 1)
                self.assertGreater(run_["probe_behind_ns"], 1)
                self.assertIn(run_["class"], ("near", "mid", "far", "mixed"))

    def test_stages_see_every_packet(self):
        """The built-in traffic has no packet that any stage could refuse."""
        for run_ in self.json["runs"]:
            if run_["contender"] == "r2c":
                self.assertEqual(run_["account"]["received"], run_["account"]["delivered"])
                self.assertEqual(run_["account"]["dropped"], {})

    def test_one_round_is_no_verdict(self):
        goals = [made for made in self.json["comparisons"] if made["goal"] is not None]
        self.assertTrue(goals)
        for made in goals:
            self.assertEqual(made["verdict"], "cannot tell")
            self.assertIsNone(made["is_reached"])

    def test_sources(self):
        sources = {run_["source"] for run_ in self.json["runs"]}
        self.assertTrue({"w4", "w6", "w4/4096", "w6/4096"} <= sources, sources)


class OtherModes(unittest.TestCase):
    def mode(self, *arguments):
        if len(os.sched_getaffinity(0)) < 2:
            self.skipTest("needs two CPUs")
        result = run(*arguments, "--quick", "--json", "-")
        self.assertEqual(result.returncode, 0, result.stderr)
        found = json.loads(result.stdout)
        self.assertTrue(found["is_sound"])
        self.assertEqual(found["mode"], arguments[0])
        return found

    def test_latency(self):
        found = self.mode("latency")
        self.assertEqual([load["load"] for load in found["loads"]], ["1,000 pps", "50 %", "80 %"])
        self.assertGreater(found["bare_ring"]["p50_ns"], 0)
        self.assertGreater(found["bare_ring_at_low_rate"]["count"], 10)
        for load in found["loads"][1:]:
            spread = load["receive_to_handler"]
            self.assertGreater(spread["count"], 100)
            self.assertLessEqual(spread["p50_ns"], spread["p99_ns"])
            self.assertLessEqual(spread["p99_ns"], spread["max_ns"])
            self.assertTrue(load["account"]["adds_up"])

    def test_overload(self):
        found = self.mode("overload", "--cost-ticks", "2000")
        self.assertGreater(found["rounds"][0]["capacity_pps"], 1000)
        self.assertEqual(len(found["rounds"][0]["delivered_by_offered_after"]), 10)

    def test_spread(self):
        found = self.mode("spread", "--workers", "1,2")
        self.assertEqual({line["contender"] for line in found["summary"]}, {"workers-1", "workers-2", "rings-1", "rings-2"})

    def test_scaling(self):
        found = self.mode("scaling")
        lines = {(line["contender"], line["source"]) for line in found["summary"]}
        for wanted in (("bindings-131072", "w4"), ("addresses-1000", "w4"), ("services", "services-64")):
            self.assertIn(wanted, lines)


class BadInput(unittest.TestCase):
    def refused(self, code, words, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertIn(words, result.stderr)
        for sign in ("terminate called", "Segmentation", "what():"):
            self.assertNotIn(sign, result.stderr)

    def capture(self, data):
        file = tempfile.NamedTemporaryFile(suffix=".pcap")
        file.write(data)
        file.flush()
        self.addCleanup(file.close)
        return file.name

    def test_usage(self):
        self.refused(2, "no contender", "--contenders", "floor,vpp")
        self.refused(2, "--burst", "--burst", "0")
        self.refused(2, "--rounds", "--rounds", "0")
        self.refused(2, "power of two", "--ring-slots", "1000")
        self.refused(2, "w5", "--traffic", "w5")
        self.refused(2, "CPU 4096 does not exist", "--cpus", "4096")
        first = str(min(os.sched_getaffinity(0)))
        self.refused(2, "cannot be a worker's too", "--cpus", f"{first},{first}")
        self.refused(2, "--cost-ticks", "overload", "--cost-ticks", "0")

    def test_captures(self):
        self.refused(2, "has no packets", "--source", self.capture(pcap(packets=())))
        self.refused(2, "not Ethernet", "--source", self.capture(pcap(link_type=113)))
        self.refused(2, "name another", "--source", self.capture(pcap()[:-7]))
        self.refused(2, "name another", "--source", self.capture(b""))
        self.refused(2, "cannot be opened", "--source", "/nonexistent.pcap")
        self.refused(2, "bytes", "--source", self.capture(pcap(packets=(bytes(5000),))))

    def test_devices(self):
        self.refused(1, "cannot be opened", "--quick", "--source", "net_nonsense0")
        self.refused(1, "cannot be opened", "--quick", "--source", "interface:no_such_if")

    def test_json_that_cannot_be_written(self):
        self.refused(1, "cannot be written", "--quick", "--contenders", "floor", "--json", "/nonexistent/out.json")

    def test_a_capture_of_nonsense_is_dropped_and_counted(self):
        """Every packet ends as a named drop, and the account is exact all the same."""
        name = self.capture(pcap(packets=tuple(bytes([i]) * 60 for i in range(32))))
        result = run("--quick", "--contenders", "r2c,mbuf-ring", "--source", name, "--json", "-")
        self.assertEqual(result.returncode, 0, result.stderr)
        for run_ in json.loads(result.stdout)["runs"]:
            account = run_["account"]
            self.assertEqual(account["delivered"], 0)
            self.assertEqual(account["received"], sum(account["dropped"].values()))

    def test_interrupted_keeps_what_was_measured(self):
        process = subprocess.Popen([BENCH, "--contenders", "floor,r2c", "--rounds", "1000", "--json", "-"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            for line in process.stderr:
                if line.startswith("round 2"):
                    break
            process.send_signal(signal.SIGINT)
            begun = time.monotonic()
            out, err = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
        self.assertLess(time.monotonic() - begun, 20)
        self.assertEqual(process.returncode, 130, err)
        found = json.loads(out)
        self.assertTrue(found["is_interrupted"])
        self.assertGreaterEqual(len(found["runs"]), 2)
        self.assertTrue(found["is_sound"])


def main():
    if not os.access(BENCH, os.X_OK):
        print(f"skipped: {BENCH} is not there; set PORTIER_BENCH to the program")
        return 77
    loader = unittest.TestLoader()
    module = sys.modules[__name__]
    loaded = loader.loadTestsFromNames(sys.argv[1:], module) if sys.argv[1:] else loader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(stream=sys.stderr, verbosity=2, resultclass=cli_test.TapResult).run(loaded)
    print(f"1..{result.testsRun}")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
