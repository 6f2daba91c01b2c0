#!/usr/bin/env python3
"""`portier replay --json` against an independent decoder's reading of captures, hostile frames and broken files.

They lie beside the source tree, in the folder that PORTIER_SHARED names or in ../shared: captures/ and tools/, see
captures/README.md there. Skipped where it is missing. Prints TAP on stdout, unittest's words on stderr.
"""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import cli_test

SHARED = pathlib.Path(os.environ.get("PORTIER_SHARED", cli_test.SOURCE.parent / "shared"))
CAPTURES = SHARED / "captures"
TOOLS = SHARED / "tools"
MOST_JUSTIFIED = 116
CONTRACT = ["frame", "ip_version", "src", "dst", "proto", "src_port", "dst_port", "fragment", "vlan", "inner",
            "service", "binding", "worker", "verdict", "reason"]
ETHERNET = 1


def replay(capture):
    """Exit code, verdict lines and stderr of one capture."""
    done = subprocess.run([cli_test.PORTIER, "replay", "--json", str(capture)], capture_output=True, text=True,
                          timeout=60)
    return done.returncode, done.stdout.splitlines(), done.stderr


def tool(name, *args):
    return subprocess.run([sys.executable, str(TOOLS / name), *map(str, args)], capture_output=True, text=True,
                          timeout=120)


class Oracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.captures = sorted(path for path in CAPTURES.iterdir() if path.suffix in (".pcap", ".pcapng"))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            cls.said = dict(zip(cls.captures, pool.map(replay, cls.captures)))

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="portier-oracle-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def test_every_line_has_exactly_the_fields_of_the_contract(self):
        self.assertGreater(len(self.captures), 50)
        for capture, (_, lines, _) in self.said.items():
            for number, line in enumerate(lines, 1):
                pairs = json.loads(line, object_pairs_hook=list)
                self.assertEqual([name for name, _ in pairs], CONTRACT, capture.name)
                verdict = dict(pairs)
                self.assertEqual(verdict["frame"], number, capture.name)
                self.assertIn(verdict["verdict"], ("delivered", "dropped", "rejected", "kernel"))
                self.assertEqual(verdict["reason"] is None, verdict["verdict"] == "delivered", line)

    def test_ledgers_add_up(self):
        for capture, (_, lines, err) in self.said.items():
            line = json.loads(err.splitlines()[-1])
            ledger = line["ledger"]
            self.assertEqual(ledger["received"], len(lines), capture.name)
            self.assertEqual(ledger["received"], ledger["delivered"] + sum(ledger["dropped"].values()), capture.name)
            self.assertEqual(ledger["in_flight"], 0, capture.name)
            dropped = sum(sum(service["dropped"].values()) for service in line["services"])
            self.assertEqual(dropped, sum(ledger["dropped"].values()), capture.name)

    def test_agrees_with_an_independent_decoder(self):
        joined, summary = self.folder / "all.jsonl", self.folder / "summary.json"
        with joined.open("w") as out:
            for capture, (_, lines, _) in self.said.items():
                name = json.dumps(capture.name)
                for line in lines:
                    out.write(f'{{"file":{name},{line[1:]}\n')
        done = tool("compare.py", CAPTURES / "oracle.jsonl.gz", joined, "--inner", "--summary", summary)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        found = json.loads(summary.read_text())
        classes = found["classes"]
        self.assertGreater(found["total"], 100_000)
        self.assertGreater(classes["agree"], 0.99 * found["total"])
        for name in ("wrong", "unjustified", "extra", "missing", "surplus"):
            self.assertEqual(classes.get(name, 0), 0, done.stdout)
        self.assertLessEqual(classes.get("justified", 0), MOST_JUSTIFIED, done.stdout)
        self.assertGreater(found["inner"]["agree"], 0)
        self.assertEqual(found["inner"].get("differ", 0), 0, done.stdout)

    def test_other_link_types_are_refused_by_name(self):
        with (CAPTURES / "MANIFEST.tsv").open() as manifest:
            head, *rows = (line.rstrip("\n").split("\t") for line in manifest)
        column = head.index("linktypes")
        # The upper half of the word says whether frames end in a check sequence.
        links = {row[0]: {int(link) & 0xffff for link in row[column].split(",")} for row in rows}
        refused = 0
        for capture, (code, lines, err) in self.said.items():
            others = links[capture.name] - {ETHERNET}
            reasons = [json.loads(line)["reason"] for line in lines]
            if not others:
                self.assertEqual(code, 0, f"{capture.name}: {err}")
                self.assertNotIn("link type", err, capture.name)
                self.assertNotIn("unsupported_link", reasons, capture.name)
                continue
            refused += 1
            self.assertEqual(code, 1, capture.name)
            said = re.search(rf"{re.escape(capture.name)}: link type (\d+) is not supported: only Ethernet", err)
            self.assertIsNotNone(said, err)
            self.assertIn(int(said[1]), others, capture.name)
            self.assertIn("unsupported_link", reasons, capture.name)
            if ETHERNET not in links[capture.name]:
                self.assertEqual(set(reasons), {"unsupported_link"}, capture.name)
        self.assertGreater(refused, 0)

    def check_hostile(self, capture, expected):
        code, lines, err = replay(capture)
        self.assertEqual(code, 0, err)
        said = self.folder / "said.jsonl"
        said.write_text("\n".join(lines) + "\n")
        done = tool("malformed.py", "--check", said, "--expect", expected, "--max", "10")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        with expected.open() as lines_of_expected:
            self.assertEqual(len(lines), sum(1 for _ in lines_of_expected))

    def test_hostile_frames(self):
        self.check_hostile(CAPTURES / "malformed/malformed.pcap", CAPTURES / "malformed/malformed.jsonl")

    def test_mutants(self):
        for seed in (1, 20_251_123):
            with self.subTest(seed=seed):
                folder = self.folder / str(seed)
                made = tool("malformed.py", "--out", folder, "--mutants", "3000", "--seed", seed)
                self.assertEqual(made.returncode, 0, made.stderr)
                self.check_hostile(folder / "malformed.pcap", folder / "malformed.jsonl")

    def test_broken_files(self):
        folder = CAPTURES / "badfiles/generated"
        expected = [json.loads(line) for line in (folder / "expect.jsonl").read_text().splitlines()]
        self.assertGreater(len(expected), 50)
        for entry in expected:
            with self.subTest(entry["file"], text=entry["text"]):
                code, lines, err = replay(folder / entry["file"])
                self.assertEqual(len(lines), entry["packets"], err)
                self.assertEqual(code, 0 if entry["clean"] else 1, err)
                complaints = [line for line in err.splitlines() if line.startswith("portier replay: ")]
                self.assertEqual(len(complaints), 0 if entry["clean"] else 1, err)
                if complaints:
                    self.assertIn(f"{entry['file']}: ", complaints[0], "says which file")


if __name__ == "__main__":
    if not (CAPTURES / "oracle.jsonl.gz").is_file() or not (TOOLS / "compare.py").is_file():
        print(f"skipped: {SHARED} has no captures/oracle.jsonl.gz and tools/; set PORTIER_SHARED to a folder that has")
        sys.exit(77)
    cli_test.main(sys.modules["__main__"])
