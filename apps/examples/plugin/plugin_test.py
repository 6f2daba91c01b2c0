#!/usr/bin/env python3
"""The example plug-in in a real portier: answers, refusals, options, reloads, and what is no plug-in.

usage: plugin_test.py UPPER_SO [case ...]      PORTIER and PORTIER_SOURCE_DIR as for tests/system
"""

import os
import pathlib
import shutil
import signal
import sys

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
sys.path.insert(0, str(SOURCE / "tests" / "system"))
import cli_test  # noqa: E402
from cli_test import SMALL, TRAFFIC, expect_ledger, parse_udp, read_pcap, run, tcp_syn, udp, write_pcap  # noqa: E402

UPPER = pathlib.Path(sys.argv.pop(1)).resolve()


def service(deliver, device=TRAFFIC, router=SMALL):
    return f'{router}{device}[[service]]\nname = "upper"\nbindings = ["udp/7000", "tcp/7000"]\ndeliver = {deliver}\n'


def plugin(path, options=""):
    return f'{{ plugin = "{path}", options = {{ {options} }} }}'


class Plugin(cli_test.CliTest):
    def setUp(self):
        super().setUp()
        shutil.copy(UPPER, self.folder / "upper.so")

    def test_every_datagram_is_answered(self):
        frames, wanted = [], []
        for i in range(300):
            src, dst = ("2001:db8::7", "2001:db8::1") if i % 3 == 0 else ("198.51.100.7", "192.0.2.1")
            text = f"question {i} ".encode() * (1 + i % 40)
            frames.append(udp(src, dst, 4000 + i % 10, 7000, text, 7 if i % 5 == 0 else None))
            wanted.append((dst, src, 7000, 4000 + i % 10, b"you said: " + text.upper()))
        too_long = udp("198.51.100.7", "192.0.2.1", 4000, 7000, b"x" * 1395)
        write_pcap(self.folder / "in.pcap", [*frames, too_long, tcp_syn("198.51.100.7", "192.0.2.1", 4000, 7000)])
        device = (f'[[device]]\nname = "d"\nvdev = "net_pcap0,rx_pcap={self.folder}/in.pcap,'
                  f'tx_pcap={self.folder}/out.pcap"\n')
        for mode in ("pipeline", "run-to-completion"):
            with self.subTest(mode):
                config = self.write("upper.toml", service(plugin("upper.so", 'greeting = "you said: "'), device,
                                                          SMALL + f'mode = "{mode}"\n'))
                result = run(self, "run", "--json", "--seconds", "1", "-c", config)
                self.assertEqual(result.code, 0, result.err)
                ledger = expect_ledger(self, cli_test.json.loads(result.out.splitlines()[-1]))
                self.assertEqual(ledger["received"], len(frames) + 2)
                self.assertEqual(ledger["dropped"], {"plugin_refused": 1}, "what would be too long")
                self.assertEqual(ledger["delivered"], len(frames) + 1, "a TCP packet is taken without an answer")
                answers = [parse_udp(self, frame) for frame in read_pcap(self.folder / "out.pcap")]
                self.assertEqual(ledger["replied"], len(answers))
                self.assertCountEqual([(a.src, a.dst, a.sport, a.dport, a.payload) for a in answers], wanted)

    def check(self, deliver, code, pattern):
        config = self.write("c.toml", service(deliver))
        line = 1 + config.read_text().splitlines().index(f"deliver = {deliver}")
        for command in (["check", config], ["run", "--seconds", "1", "-c", config]):
            result = run(self, *command)
            self.assertEqual(result.code, code, result.err)
            if pattern:
                self.assertRegex(result.err, rf"{config}:{line}:11: .*{pattern}")

    def test_what_is_no_plugin_is_a_fault_with_its_place(self):
        self.write("text.so", "no shared object\n")
        self.check(plugin("text.so"), 2, r'plug-in ".*/text\.so" cannot be loaded: ')
        self.check(plugin("none.so"), 2, r'plug-in ".*/none\.so" cannot be found: No such file')
        self.check('"plugin"', 2, r"needs a path")

    def test_its_own_options_are_faults_with_their_place(self):
        self.check(plugin("upper.so"), 0, "")
        self.check(plugin("upper.so", "colour = 3"), 2, r'refuses to start: there is no option "colour"')

    def test_reloads(self):
        config = self.write("c.toml", service(plugin("upper.so", 'greeting = "a"')))
        running = cli_test.Running(self, "-c", config)
        for text, said in ((plugin("upper.so", 'greeting = "b"'), "is in force, generation 2"),
                           (plugin("upper.so", "colour = 3"), "nothing has changed, see the faults above"),
                           ('["count"]', "is in force, generation 3"),
                           (f'["count", {plugin("upper.so")}]', "is in force, generation 4")):
            config.write_text(service(text))
            running.send(signal.SIGHUP)
            running.wait_for("SIGHUP: .*" + said)
        running.send(signal.SIGTERM)
        ledger = expect_ledger(self, running.finish(cli_test.stop_limit_s() + 5))
        self.assertGreater(ledger["delivered"], 0)


if __name__ == "__main__":
    cli_test.main(sys.modules["__main__"])
