#!/usr/bin/env python3
"""The scripts around benchmarks: comparing commits of a repository whose benchmarks are made up, the verdicts, the
instruction budget's arithmetic, and the page of results. Needs git, meson and ninja, no root; takes seconds.
"""

import importlib.machinery
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("PORTIER_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[2]))
SCRIPTS = SOURCE / "scripts"
LIMIT_S = 120


def load(script):
    """A script without .py as a module."""
    sys.path.insert(0, str(SCRIPTS))
    name = script.replace("-", "_")
    loader = importlib.machinery.SourceFileLoader(name, str(SCRIPTS / script))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


# A benchmark that says what it is told: {name: [ticks/packet of each run, in turn]}, or null to hang.
FAKE_BENCH = """#!/usr/bin/env python3
import json, os, pathlib, time
TOLD = {told}
if TOLD is None:
    pathlib.Path(os.environ["HANGING"]).touch()
    time.sleep(600)
counter = pathlib.Path(__file__).with_suffix(".runs")
run = int(counter.read_text()) if counter.exists() else 0
counter.write_text(str(run + 1))
print(json.dumps({{"benchmarks": [
    {{"name": name, "run_type": "iteration", "real_time": 5.0, "time_unit": "ns", "label": label,
      "ticks/packet": values[run % len(values)]}}
    for name, (label, values) in TOLD.items()]}}))
"""
MESON = """project('fake')
subdir('bench')
"""
BENCH_MESON = """custom_target('stages_bench', input: 'stages_bench.py', output: 'stages_bench', build_by_default: true,
  command: [find_program('install'), '-m', '755', '@INPUT@', '@OUTPUT@'])
"""
OPTIONS = "option('tests', type: 'boolean', value: true)\noption('bench', type: 'boolean', value: true)\n"


class FakeRepository:
    """A repository with the real scripts and a benchmark that `told` tells what to say."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        (self.folder / "bench").mkdir()
        (self.folder / "scripts").mkdir()
        (self.folder / "meson.build").write_text(MESON)
        (self.folder / "meson_options.txt").write_text(OPTIONS)
        (self.folder / "bench" / "meson.build").write_text(BENCH_MESON)
        for script in ("bench-compare", "bench_figures.py"):
            shutil.copy(SCRIPTS / script, self.folder / "scripts")
        self.git("init", "--quiet")

    def git(self, *arguments):
        return subprocess.run(["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments],
                              cwd=self.folder, capture_output=True, text=True, check=True).stdout.strip()

    def tell(self, told):
        (self.folder / "bench" / "stages_bench.py").write_text(FAKE_BENCH.format(told=repr(told)))

    def commit(self, told):
        self.tell(told)
        self.git("add", ".")
        self.git("commit", "--quiet", "--message", "x")
        return self.git("rev-parse", "HEAD")

    def command(self, *arguments):
        return [sys.executable, "-B", str(self.folder / "scripts" / "bench-compare"), *arguments]

    def compare(self, *arguments):
        return subprocess.run(self.command(*arguments), capture_output=True, text=True, timeout=LIMIT_S)

    def worktrees(self):
        return len(self.git("worktree", "list").splitlines())


class Compare(unittest.TestCase):
    def setUp(self):
        self.repository = FakeRepository()
        self.addCleanup(shutil.rmtree, self.repository.folder)

    def test_what_got_slower_faster_came_and_went(self):
        base = self.repository.commit({
            "slow": ("", [10, 11, 10.5]), "fast": ("", [20, 21]), "noisy": ("", [10, 30, 20]), "gone": ("", [1]),
            "ring/real_time": ("mid", [100, 101]), "moves": ("mixed", [1])})
        head = self.repository.commit({
            "slow": ("", [12, 13, 12.5]), "fast": ("", [15, 16]), "noisy": ("", [29, 31, 35]), "new": ("", [1]),
            "ring/real_time": ("far", [300, 301]), "moves": ("mixed", [9])})
        out = self.repository.folder / "out.json"
        done = self.repository.compare(base, head, "--rounds", "4", "--json", str(out))
        self.assertEqual(done.returncode, 1, done.stderr)
        rows = json.loads(out.read_text())["benchmarks"]
        self.assertEqual({name: row["verdict"] for name, row in rows.items()},
                         {"slow": "slower", "fast": "faster", "noisy": "same", "gone": "only in BASE",
                          "new": "only in HEAD", "ring [mid]": "only in BASE", "ring [far]": "only in HEAD"})
        self.assertEqual(len(rows["slow"]["base"]), 4)
        self.assertIn("1 slower, 1 faster", done.stdout)
        self.assertEqual(self.repository.worktrees(), 1)

    def test_a_commit_beside_itself_and_beside_the_working_tree(self):
        commit = self.repository.commit({"a": ("", [10, 10.4, 10.2])})
        done = self.repository.compare(commit, commit, "--rounds", "3")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("0 slower, 0 faster", done.stdout)
        self.repository.tell({"a": ("", [20])})
        self.assertEqual(self.repository.compare(commit, ".", "--rounds", "3").returncode, 1)

    def test_wrong_usage_and_builds_that_fail(self):
        commit = self.repository.commit({"a": ("", [10])})
        self.assertEqual(self.repository.compare("nowhere", commit).returncode, 2)
        self.assertEqual(self.repository.compare(commit, commit, "--rounds", "2").returncode, 2)
        self.assertEqual(self.repository.compare(commit, commit, "--programs", "other_bench").returncode, 2)
        (self.repository.folder / "bench" / "meson.build").write_text("nonsense(\n")
        broken = self.repository.commit({"a": ("", [10])})
        done = self.repository.compare(commit, broken)
        self.assertEqual(done.returncode, 1)
        self.assertIn("meson", done.stderr)
        self.assertEqual(self.repository.worktrees(), 1)

    def test_nothing_is_left_behind_when_it_is_interrupted(self):
        commit = self.repository.commit(None)
        with tempfile.TemporaryDirectory() as temporary:
            hanging = pathlib.Path(temporary) / "hanging"
            script = subprocess.Popen(self.repository.command(commit, commit), stderr=subprocess.DEVNULL,
                                      env={**os.environ, "TMPDIR": temporary, "HANGING": str(hanging)})
            until = time.monotonic() + LIMIT_S
            while not hanging.exists() and time.monotonic() < until:
                time.sleep(0.05)
            self.assertEqual(self.repository.worktrees(), 3)
            script.send_signal(signal.SIGINT)
            self.assertEqual(script.wait(LIMIT_S), 1)
            self.assertEqual(self.repository.worktrees(), 1)
            self.assertEqual([path.name for path in pathlib.Path(temporary).iterdir()], ["hanging"])


class Verdicts(unittest.TestCase):
    def test_order_puts_each_side_first_as_often(self):
        self.assertEqual(load("bench-compare").order_of(4),
                         ["base", "head", "head", "base", "base", "head", "head", "base"])

    def test_ranges_must_part_and_differ_by_the_threshold(self):
        judge = load("bench-compare").judge
        self.assertEqual(judge([10, 11, 12], [12, 13, 14], 2)[1], "same")
        self.assertEqual(judge([10, 11, 12], [12.1, 13, 14], 2)[1], "slower")
        self.assertEqual(judge([100, 100.1, 100.2], [100.5, 101, 101.1], 2)[1], "same")
        self.assertEqual(judge([10, 10], [20, 20], 2)[1], "few")
        self.assertEqual(judge([10, 10, 10], [20, 20, 20], 2), (2.0, "slower"))

    def test_figures_are_ticks_then_one_way_times_then_time(self):
        read = load("bench_figures.py").read_report
        runs = [{"name": "a", "real_time": 1, "ticks/packet": 2.5},
                {"name": "b/real_time", "label": "mid", "real_time": 1, "one_way_p50_ns": 3, "one_way_p99_ns": 4},
                {"name": "c", "real_time": 2, "time_unit": "us"}, {"name": "d", "error_occurred": True, "real_time": 0}]
        self.assertEqual(read({"benchmarks": runs}),
                         {"a": ("ticks/packet", 2.5), "b/p50 [mid]": ("ns one way", 3), "b/p99 [mid]": ("ns one way", 4),
                          "c": ("ns", 2000.0)})


class Budget(unittest.TestCase):
    def test_over_under_new_and_gone(self):
        budget = load("instruction-budget")
        rows = budget.compare({"v4": {"stage_2": 103, "stage_3": 100, "stage_5": 97, "stage_6": 1}},
                              {"v4": {"stage_2": 100, "stage_3": 99, "stage_5": 100, "stage_7": 1}}, 0.02)
        self.assertEqual({row[1]: row[4] for row in rows},
                         {"stage_2": "over", "stage_3": "ok", "stage_5": "under", "stage_6": "new", "stage_7": "gone"})

    def test_it_fails_when_a_stage_is_over_and_only_then(self):
        budget = load("instruction-budget")
        for now, code in ((100, 0), (102, 0), (103, 1), (50, 0)):
            rows = budget.compare({"v4": {"stage_2": now}}, {"v4": {"stage_2": 100}}, 0.02)
            self.assertEqual(budget.say_result(rows, 0.02), code, now)


class Page(unittest.TestCase):
    def test_records_of_two_machines_become_one_page_without_links(self):
        page = load("bench-page")
        records = [{"date": f"2026-11-{day:02}T10:00:00Z", "commit": f"{day:040x}", "is_clean": True,
                    "machine": {"cpu": cpu, "cpus": 2}, "build": {"compiler": "g++", "dpdk": "22.11"},
                    "benchmarks": {"stages_bench": {f"stages/ipv4/{kind}": {
                        "unit": "ticks/packet", "samples": [day, day + 1, day + 2]} for kind in ("hot", "<cold>")}},
                    "instructions_per_packet": {"ipv4": {"stage_2": 90.5}},
                    "pipeline": {"summary": [{"contender": "portier", "source": "w4", "cores": 1, "class": None,
                                              "cycles_per_packet": {"min": 1, "median": 2, "max": 3}}]}}
                   for cpu in ("One & only", "Other") for day in (3, 1, 2)]
        html = page.make_page(records)
        self.assertEqual(html.count("<polyline"), 8)
        self.assertIn("One &amp; only", html)
        self.assertNotIn("<cold>", html)
        self.assertNotRegex(html, r"(src|href)=.?(https?:)?//")


if __name__ == "__main__":
    unittest.main()
