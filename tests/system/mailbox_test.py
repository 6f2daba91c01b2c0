#!/usr/bin/env python3
"""Mailboxes from outside: the example programs as processes, killed a hundred times, strangers, storms and silence.

Needs no NIC or hugepages; what needs root is skipped without it. Prints TAP on stdout, unittest's words on stderr.
PORTIER, PORTIER_UPPER and PORTIER_CLIENT name the programs and the client library.
"""

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import cli_test

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
BUILD = SOURCE / "build"
PORTIER = os.environ.get("PORTIER", str(BUILD / "apps/portier/portier"))
UPPER = os.environ.get("PORTIER_UPPER", str(BUILD / "apps/examples/mailbox/upper"))
CLIENT = os.environ.get("PORTIER_CLIENT", str(BUILD / "lib/client/libportier-client.so.1"))
LIMIT_S = 60
KILLS = 100

CONFIG = """
[router]
memory_mb = 128
mailbox_socket = "{socket}"
[[device]]
name = "demo"
traffic = true
[[service]]
name = "upper"
bindings = ["udp/7000"]
stall_ms = 200
deliver = {deliver}
[[service]]
name = "other"
bindings = ["udp/7001"]
deliver = "count"
[traffic]
rate_pps = {rate}
zipf = 0
closed_share = 0
fragment_share = 0
malformed_share = 0
"""


class MailboxCase(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="portier-")))
        self.folder.chmod(0o755)
        self.socket = self.folder / "mailbox.sock"
        self.random = random.Random(20)

    def start(self, deliver='[{ mailbox = "upper" }]', rate=20_000):
        config = self.folder / "portier.toml"
        config.write_text(CONFIG.format(socket=self.socket, deliver=deliver, rate=rate))
        self.errors = self.stack.enter_context(open(self.folder / "errors", "w+"))
        self.router = subprocess.Popen([PORTIER, "run", "-c", str(config), "--json"], stdout=subprocess.PIPE,
                                       stderr=self.errors, text=True)
        self.stack.callback(self.end, self.router)
        self.wait_until("it runs", lambda: "Ctrl-C ends it" in self.said())

    @staticmethod
    def end(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()

    def wait_until(self, what, reached):
        deadline = time.monotonic() + LIMIT_S
        while not reached():
            self.assertLess(time.monotonic(), deadline, f"waited too long until {what}:\n{self.said()}")
            time.sleep(0.01)

    def said(self):
        return (self.folder / "errors").read_text()

    def client(self, *command, **options):
        process = subprocess.Popen([*command, "upper", str(self.socket)], stderr=subprocess.PIPE, text=True,
                                   env={**os.environ, "PORTIER_CLIENT": CLIENT}, **options)
        self.stack.callback(self.end, process)
        return process

    def finish(self):
        """Ends the router; the account must add up. Returns its last line."""
        self.router.send_signal(signal.SIGINT)
        output, _ = self.router.communicate(timeout=LIMIT_S)
        self.assertEqual(self.router.returncode, 0, self.said())
        last = json.loads(output.strip().splitlines()[-1])
        self.assertTrue(last["adds_up"])
        self.assertEqual(last["mbufs"]["leaked"], 0)
        self.assertEqual(last["ledger"]["in_flight"], 0)
        for service in last["services"]:
            self.assertEqual(service["in"], service["delivered"] + sum(service["dropped"].values()), service)
        self.services = {service["service"]: service for service in last["services"]}
        return last

    def test_programs_in_two_languages_share_the_flows(self):
        self.start()
        cpp = self.client(UPPER)
        py = self.client(sys.executable, str(SOURCE / "apps/examples/mailbox/upper.py"))
        self.wait_until("both have come", lambda: self.said().count("has come") == 2)
        time.sleep(1.5)
        cpp.send_signal(signal.SIGINT)
        _, words = cpp.communicate(timeout=LIMIT_S)
        self.assertEqual(cpp.returncode, 0, words)
        received, sent = (int(words.split()[i]) for i in (1, 3))
        self.assertEqual(received, sent, words)
        self.wait_until("the router has noticed", lambda: "is gone" in self.said())
        time.sleep(0.5)
        self.assertIsNone(py.poll(), "the other one goes on")
        py.send_signal(signal.SIGTERM)
        self.assertEqual(py.wait(LIMIT_S), 0)
        last = self.finish()
        mailbox = last["mailboxes"][0]
        self.assertEqual(mailbox["taken"], self.services["upper"]["delivered"])
        self.assertGreater(mailbox["taken"], received, "the Python program has taken its share")
        self.assertEqual(mailbox["refused_answers"], 0)
        # Every answer is sent or named; a program that is ended may leave some behind in its ring.
        unsent = last["unsent"]["tx_full"] + last["unsent"]["no_buffer"]
        self.assertGreaterEqual(last["ledger"]["replied"] + unsent, sent - 64)

    def test_a_hundred_kills_under_load(self):
        self.start(deliver='[{ mailbox = "upper" }, "count"]', rate=40_000)
        clients = [self.client(UPPER) for _ in range(2)]
        for kill in range(KILLS):
            time.sleep(self.random.uniform(0.0, 0.05))
            self.end(clients.pop(0))
            clients.append(self.client(UPPER))
            self.assertIsNone(self.router.poll(), f"the router died at kill {kill}:\n{self.said()}")
        self.wait_until("the last ones have come", lambda: self.said().count("has come") >= KILLS // 2)
        for client in clients:
            self.end(client)
        self.finish()
        upper, other = self.services["upper"], self.services["other"]
        self.assertLessEqual(set(upper["dropped"]), {"target_gone", "mailbox_full", "shutdown", "ring_full", "over_share"},
                             upper)
        self.assertGreater(upper["delivered"], 0)
        # A machine that is short of processors lets the worker wait, with or without mailboxes.
        self.assertLessEqual(set(other["dropped"]), {"ring_full", "over_share"}, "nobody else notices")

    def test_a_stopped_process_is_passed_over_and_taken_back(self):
        self.start(deliver='[{ mailbox = "upper" }, "count"]')
        client = self.client(UPPER)
        self.wait_until("it is in charge", lambda: "mailbox upper is ready" in self.said())
        client.send_signal(signal.SIGSTOP)
        self.wait_until("the stall is seen", lambda: "mailbox upper is stalled; count is in charge" in self.said())
        before = self.said().count("mailbox upper is ready")
        client.send_signal(signal.SIGCONT)
        self.wait_until("it is back", lambda: self.said().count("mailbox upper is ready") > before)
        self.finish()
        self.assertLessEqual(set(self.services["upper"]["dropped"]),
                             {"target_gone", "mailbox_full", "shutdown", "ring_full", "over_share"})

    def test_strangers_storms_and_silence(self):
        self.start()
        client = self.client(UPPER)
        self.wait_until("it has come", lambda: "has come" in self.said())
        silent = [self.knock() for _ in range(50)]
        for size in (0, 1, 79, 81, 4096):
            stranger = self.knock()
            stranger.send(bytes(self.random.randrange(256) for _ in range(size)))
        for _ in range(300):
            self.knock().close()
        time.sleep(1.2)
        for stranger in silent:
            self.assertEqual(stranger.recv(10), b"", "who says nothing is shown out")
        self.assertIsNone(client.poll())
        self.finish()

    def knock(self):
        stranger = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.stack.callback(stranger.close)
        stranger.settimeout(5)
        while True:
            try:
                stranger.connect(str(self.socket))
                return stranger
            except BlockingIOError:  # as many wait at the door as may
                time.sleep(0.002)

    @unittest.skipUnless(os.geteuid() == 0, "needs root to be somebody else")
    def test_other_users_need_leave(self):
        self.start()
        refused = self.client(UPPER, user="nobody", group="nogroup", extra_groups=[])
        self.assertEqual(refused.wait(LIMIT_S), 1)
        self.assertIn("no such mailbox for this user", refused.stderr.read())
        self.wait_until("the operator is told", lambda: "was refused; allow_users" in self.said())
        self.finish()
        for leave in ('allow_users = ["nobody"]', 'allow_groups = ["nogroup"]'):
            with self.subTest(leave):
                self.start(deliver=f'[{{ mailbox = "upper", {leave} }}]')
                self.client(UPPER, user="nobody", group="nogroup", extra_groups=[])
                self.wait_until("it has come", lambda: "has come" in self.said())
                self.finish()

    def test_two_routers_do_not_share_a_socket(self):
        self.start()
        second = subprocess.run([PORTIER, "run", "-c", str(self.folder / "portier.toml"), "--seconds", "1"],
                                capture_output=True, text=True, timeout=LIMIT_S, check=False)
        self.assertEqual(second.returncode, 1)
        self.assertIn("another router listens", second.stderr)
        self.finish()

    def test_only_old_sockets_are_removed(self):
        self.socket.write_text("precious")
        config = self.folder / "portier.toml"
        config.write_text(CONFIG.format(socket=self.socket, deliver='[{ mailbox = "upper" }]', rate=1000))
        done = subprocess.run([PORTIER, "run", "-c", str(config), "--seconds", "1"], capture_output=True, text=True,
                              timeout=LIMIT_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("is no socket", done.stderr)
        self.assertEqual(self.socket.read_text(), "precious")
        self.socket.unlink()
        stale = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        stale.bind(str(self.socket))
        stale.close()
        self.start()
        self.finish()


if __name__ == "__main__":
    cli_test.main(sys.modules["__main__"])
