"""What Google Benchmark's JSON says, as one figure per name: shared by bench-compare and bench-record.

The figure of a benchmark is 'ticks/packet' where it counts that, else its one-way times, else its time in nanoseconds;
lower is better in all of them. A benchmark of two cores has the distance of the cores as its label: near, mid or far,
which becomes part of the name, because figures of different classes are not of the same thing. Runs in which the
distance changed (label "mixed") are left out.
"""

import json
import subprocess

CLASSES = ("near", "mid", "far")
UNITS_NS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class Failure(Exception):
    """A sentence that says what to do next, and the exit code."""

    def __init__(self, sentence, code=1):
        super().__init__(sentence)
        self.code = code


def figures_of(run):
    """[(suffix of the name, unit, value)] of one entry of a report."""
    if "ticks/packet" in run:
        return [("", "ticks/packet", run["ticks/packet"])]
    one_way = sorted(key.removesuffix("_ns") for key in run if key.startswith("one_way_") and key.endswith("_ns"))
    if one_way:
        return [("/" + key.removeprefix("one_way_"), "ns one way", run[key + "_ns"]) for key in one_way]
    return [("", "ns", run["real_time"] * UNITS_NS[run.get("time_unit", "ns")])]


def read_report(report):
    """{name: (unit, value)}; aggregates, failed and mixed runs are left out."""
    found = {}
    for run in report.get("benchmarks", []):
        label = run.get("label", "")
        if run.get("run_type") == "aggregate" or run.get("error_occurred") or label == "mixed":
            continue
        name = run["name"].removesuffix("/real_time")
        for suffix, unit, value in figures_of(run):
            found[f"{name}{suffix} [{label}]" if label in CLASSES else name + suffix] = (unit, value)
    return found


def run_benchmarks(program, min_time_s, pattern=None):
    """Runs a program once; returns what read_report makes of it."""
    command = [str(program), "--benchmark_format=json", f"--benchmark_min_time={min_time_s}"]
    if pattern:
        command.append(f"--benchmark_filter={pattern}")
    done = subprocess.run(command, capture_output=True, text=True)
    if "Failed to match any benchmarks" in done.stdout + done.stderr:
        return {}
    if done.returncode != 0 or not done.stdout.strip().startswith("{"):
        raise Failure(f"{program} failed with {done.returncode}:\n{(done.stdout + done.stderr)[-2000:]}")
    return read_report(json.loads(done.stdout))


def run_quietly(command, **options):
    """Runs a command; what it said is part of the failure."""
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()
        raise Failure(f"'{' '.join(map(str, command[:4]))} ...' failed:\n{said[-3000:]}")
    return done.stdout


def bench_programs(build, names=()):
    """{name: path} of the programs *_bench of a build folder, as far as they are in `names`; empty: all."""
    found = {}
    for target in json.loads(run_quietly(["meson", "introspect", "--targets", build])):
        name = target["name"]
        if name.endswith("_bench") and (not names or name in names):
            found[name] = target["filename"][0]
    return found
