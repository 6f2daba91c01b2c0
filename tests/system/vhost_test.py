#!/usr/bin/env python3
"""A service that is delivered to another DPDK program by vhost-user: dpdk-testpmd with virtio_user, killed and reconnected.

Needs no root, NIC or hugepages. Prints TAP on stdout, unittest's words on stderr. PORTIER names the program.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import unittest

import cli_test

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
PORTIER = os.environ.get("PORTIER", str(SOURCE / "build/apps/portier/portier"))
LIMIT_S = 60
KILLS = 3

CONFIG = """
[router]
memory_mb = 256
{router}
[[device]]
name = "demo"
traffic = true
[[device]]
name = "backend0"
vdev = "net_vhost0,iface={socket},queues=1"
[[service]]
name = "far"
bindings = ["udp/7000"]
deliver = [{{ device = "backend0" }}, "count"]
[[service]]
name = "other"
bindings = ["udp/7001"]
deliver = "count"
[traffic]
rate_pps = 40000
zipf = 0
closed_share = 0
fragment_share = 0
malformed_share = 0
"""


@unittest.skipUnless(shutil.which("dpdk-testpmd"), "needs dpdk-testpmd: scripts/setup --for test")
class Vhost(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="portier-")))
        self.socket = self.folder / "vhost.sock"

    def start(self, router):
        config = self.folder / "portier.toml"
        config.write_text(CONFIG.format(router=router, socket=self.socket))
        self.errors = self.stack.enter_context(open(self.folder / "errors", "w+"))
        self.output = self.folder / "output"
        self.router = subprocess.Popen([PORTIER, "run", "-c", str(config), "--json"], stderr=self.errors, text=True,
                                       stdout=self.stack.enter_context(open(self.output, "w")))
        self.stack.callback(self.end, self.router)
        self.wait_until("the socket is there", self.socket.exists)

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def backend(self):
        """5tswap sends every packet back, addresses and ports turned round."""
        words = self.stack.enter_context(open(self.folder / "testpmd", "w"))
        process = subprocess.Popen(
            ["dpdk-testpmd", "--no-huge", "--no-shconf", "-m", "64", "--no-pci", "--no-telemetry", "--lcores=0@0,1@0",
             f"--vdev=virtio_user0,path={self.socket},queues=1,queue_size=256", "--", "--auto-start",
             "--forward-mode=5tswap", "--total-num-mbufs=4096", "--no-mlockall", "--stats-period=1"],
            stdin=subprocess.DEVNULL, stdout=words, stderr=words,
            env={**os.environ, "XDG_RUNTIME_DIR": str(self.folder)})
        self.stack.callback(self.end, process)
        return process

    def wait_until(self, what, reached):
        deadline = time.monotonic() + LIMIT_S
        while not reached():
            self.assertIsNone(self.router.poll(), f"the router has ended:\n{self.said()}")
            self.assertLess(time.monotonic(), deadline, f"waited too long until {what}:\n{self.said()}")
            time.sleep(0.02)

    def said(self):
        return (self.folder / "errors").read_text()

    def seconds(self):
        """The table of every second so far, by service."""
        lines = self.output.read_text().split("\n")[:-1]
        return [{service["service"]: service for service in json.loads(line)["services"]} for line in lines]

    def answered(self):
        seconds = self.seconds()
        return seconds[-1].get("far/backend0", {"in": 0})["in"] if seconds else 0

    def run_with_kills(self, router, kills):
        self.start(router)
        self.wait_until("nobody is there yet", lambda: "device backend0 is absent; count is in charge" in self.said())
        for kill in range(1, kills + 1):
            before = self.answered()
            process = self.backend()
            self.wait_until("it is in charge", lambda: self.said().count("device backend0 is ready") >= kill)
            self.wait_until("its answers come", lambda: self.answered() > before + 1000)
            process.kill()
            process.wait()
            self.wait_until("it is missed", lambda: self.said().count("device backend0 is absent") > kill)
        time.sleep(1)
        seconds = self.seconds()
        self.router.send_signal(signal.SIGINT)
        self.assertEqual(self.router.wait(LIMIT_S), 0, self.said())
        last = json.loads(self.output.read_text().strip().split("\n")[-1])
        services = {service["service"]: service for service in last["services"]}
        self.assertTrue(last["adds_up"])
        self.assertEqual(last["ledger"]["in_flight"], 0)
        self.assertEqual(last["mbufs"]["leaked"], 0)
        for service in services.values():
            self.assertEqual(service["in"], service["delivered"] + sum(service["dropped"].values()), service)
        # Where processors are short a worker's ring may overflow, whoever comes and goes.
        self.assertLessEqual(set(services["far"]["dropped"]), {"device_full", "ring_full"})
        self.assertLessEqual(set(services["far/backend0"]["dropped"]), {"device_full"})
        self.assertLessEqual(set(services["other"]["dropped"]), {"ring_full"}, "nobody else notices")
        self.assertGreater(services["far/backend0"]["delivered"], 1000 * kills)
        self.say_rates(seconds)

    @staticmethod
    def say_rates(seconds):
        """How the other service fared, in seconds with the backend and without."""
        totals = [(second["other"]["in"], second.get("far/backend0", {"in": 0})["in"]) for second in seconds]
        steps = [(now[0] - then[0], now[1] > then[1]) for then, now in zip(totals, totals[1:])]
        for word, wanted in (("with", True), ("without", False)):
            rates = [rate for rate, is_there in steps if is_there is wanted]
            if rates:
                print(f"# other: {statistics.median(rates):.0f} packets a second {word} the backend", flush=True)

    def test_a_backend_that_is_killed_comes_back(self):
        self.run_with_kills('mode = "run-to-completion"', KILLS)

    def test_through_a_pipeline(self):
        self.run_with_kills('mode = "pipeline"', 1)


if __name__ == "__main__":
    cli_test.main(sys.modules["__main__"])
