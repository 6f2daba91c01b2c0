"""Installs portier into an empty folder and uses it from there as an outside program would. Reports in TAP.

usage: install_test.py BUILD_FOLDER SOURCE_FOLDER

The build folder must be up to date. What is staged with --destdir gets its real place written into portier.pc, as if
it had been configured for it; nothing else is touched.
"""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

BUILD, SOURCE = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])


class Failure(Exception):
    pass


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def run(*command, expect=0, **options):
    done = subprocess.run([str(part) for part in command], text=True, capture_output=True, timeout=90, check=False,
                          **options)
    check(done.returncode == expect, f"{command[0]}: exit code {done.returncode}, not {expect}\n"
                                     f"{done.stdout[-1500:]}{done.stderr[-3000:]}")
    return done


def ledger_of(output):
    """The last line of `--json`; the account must add up with nothing under way."""
    ledger = json.loads(output.strip().splitlines()[-1])["ledger"]
    accounted = ledger["delivered"] + sum(ledger["dropped"].values()) + ledger["in_flight"]
    check(ledger["received"] == accounted, f"received {ledger['received']}, accounted for {accounted}")
    check(ledger["in_flight"] == 0, f"{ledger['in_flight']} in flight at the end")
    check(ledger["delivered"] > 0, "nothing was delivered")
    return ledger


class Installed:
    """Each test_ method is one case; they run in the order in which they stand here and build on each other."""

    def __init__(self, work):
        self.work = work
        self.example = work / "kv"

    def test_install(self):
        stage = self.work / "stage"
        run("meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", stage)
        found = list(stage.rglob("portier.pc"))
        check(len(found) == 1, f"{len(found)} files portier.pc below the staging folder")
        text = found[0].read_text()
        prefix = re.search(r"^prefix=(.+)$", text, re.M)[1]
        self.prefix = stage / prefix.lstrip("/")
        for description in found[0].parent.glob("portier*.pc"):
            text = re.sub(r"^prefix=.+$", f"prefix={self.prefix}", description.read_text(), flags=re.M)
            description.write_text(text)
        self.env = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent)}
        self.env.pop("PORTIER_DRIVERS", None)

    def test_archive_holds_every_object(self):
        archive = next(self.prefix.rglob("libportier.a"))
        held = collections.Counter(run("ar", "t", archive).stdout.split())
        commands = json.loads((BUILD / "compile_commands.json").read_text())
        made = collections.Counter(pathlib.Path(command["output"]).name for command in commands
                                   if re.match(r"lib/\w+/libportier_\w+\.a\.p/", command["output"]))
        check(made and held == made, f"missing from the archive: {sorted(made - held)}; too many: {sorted(held - made)}")

    def test_headers_compile_without_the_source_tree(self):
        top = self.prefix / "include" / "portier"
        headers = sorted(path.relative_to(top) for path in [*top.rglob("*.hpp"), *top.rglob("*.h")])
        check(len(headers) > 10, f"only {len(headers)} headers")
        text = "".join(f'#include "{header}"\n' for header in headers)
        flags = run("pkg-config", "--cflags", "portier", env=self.env).stdout.split()
        run(os.environ.get("CXX", "g++"), "-std=c++20", *flags, "-fsyntax-only", "-x", "c++", "-", input=text)

    def test_pkg_config_knows_the_drivers(self):
        directory = run("pkg-config", "--variable=driversdir", "portier", env=self.env).stdout.strip()
        check((pathlib.Path(directory) / "default.toml").is_file(), f"no profiles in {directory}")

    def test_program_finds_its_drivers(self):
        config = self.work / "device.toml"
        config.write_text('[[device]]\nname = "d"\nvdev = "net_null0"\n'
                          '[[service]]\nname = "s"\nbindings = ["udp/7"]\ndeliver = ["count"]\n')
        said = run(self.prefix / "bin" / "portier", "check", config, env=self.env).stdout
        check("profile null" in said, f"another profile than null:\n{said}")

    def test_program_runs(self):
        done = run(self.prefix / "bin" / "portier", "run", "--seconds", 1, "--json", env=self.env, cwd=self.work)
        ledger_of(done.stdout)

    def test_example_builds_with_its_makefile(self):
        shutil.copytree(SOURCE / "apps" / "examples" / "kv", self.example)
        run("make", "-C", self.example, env={**self.env, "CXXFLAGS": "-O1 -Wall -Wextra -Werror"})

    def test_plugin_builds_with_its_makefile_and_answers(self):
        folder = self.work / "plugin"
        shutil.copytree(SOURCE / "apps" / "examples" / "plugin", folder)
        run("make", "-C", folder, env={**self.env, "CFLAGS": "-O1 -Wall -Wextra -Wpedantic -Werror"})
        config = folder / "portier-upper.toml"
        text = config.read_text()
        device = text[text.index("interface"):text.index("[[service]]")]
        config.write_text(text.replace(device, "traffic = true\n"))
        done = run(self.prefix / "bin" / "portier", "run", "-c", config, "--seconds", 1, "--json", env=self.env)
        ledger = ledger_of(done.stdout)
        check(ledger["replied"] > 0, f"nothing was answered: {ledger}")

    def test_example_answers(self):
        done = run("./kv_server", "-c", "portier-kv.toml", "-s", 2, "-j", env=self.env, cwd=self.example)
        ledger = ledger_of(done.stdout)
        said = re.search(r"kv clients: (\d+) requests, (\d+) answered rightly, (\d+) wrongly", done.stderr)
        check(said, f"the clients said nothing:\n{done.stderr}")
        asked, right, wrong = (int(number) for number in said.groups())
        check(wrong == 0 and 0 < right <= asked, said[0])
        check(ledger["replied"] >= right and ledger["received"] == asked, f"{said[0]}, but the ledger says {ledger}")

    def test_client_header_is_c(self):
        flags = run("pkg-config", "--cflags", "portier-client", env=self.client_env()).stdout.split()
        run(os.environ.get("CC", "gcc"), "-std=c99", "-Wall", "-Wextra", "-Werror", *flags, "-fsyntax-only", "-x", "c", "-",
            input="#include <portier_client.h>\nint main(void) { return portier_connect(0, 0) == 0; }\n")

    def test_mailbox_example_builds_without_dpdk(self):
        example = self.work / "mailbox"
        shutil.copytree(SOURCE / "apps" / "examples" / "mailbox", example)
        run("make", "-C", example, env={**self.client_env(), "CXXFLAGS": "-O1 -Wall -Wextra -Werror"})
        needs = run("ldd", example / "upper", env=self.client_env()).stdout
        check("libportier-client.so.1" in needs and "librte" not in needs, needs)
        said = run(example / "upper", "upper", self.work / "nowhere", env=self.client_env(), expect=1).stderr
        check("no router listens" in said, said)

    def test_preload_finds_its_library(self):
        program = self.prefix / "bin" / "portier-preload"
        said = run(program, "--mailbox", "dns", "--ports", "53,5300-5310", "--", "env").stdout
        library = re.search(r"^LD_PRELOAD=(.+)$", said, re.M)[1]
        check(pathlib.Path(library).is_file() and self.prefix in pathlib.Path(library).resolve().parents, library)
        for command, code, words in ((["--", "true"], 125, "--mailbox is required"),
                                     (["--mailbox", "dns", "--ports", "70000", "--", "true"], 125, "53,5300-5310"),
                                     (["--mailbox", "dns", "--", "no-such-program"], 127, "there is no program"),
                                     (["--mailbox", "dns", "--", self.work], 126, "cannot be started"),
                                     (["--mailbox", "dns", "--", "sh", "-c", "exit 7"], 7, "")):
            done = run(program, *command, expect=code)
            check(words in done.stdout + done.stderr, done.stdout + done.stderr)

    def client_env(self):
        library = next(self.prefix.rglob("libportier-client.so")).parent
        pc = library / "pkgconfig" / "portier-client.pc"
        pc.write_text(re.sub(r"^prefix=.+$", f"prefix={self.prefix}", pc.read_text(), flags=re.M))
        return {**self.env, "LD_LIBRARY_PATH": str(library)}

    def test_example_refuses_a_wrong_option_with_its_place(self):
        text = (self.example / "portier-kv.toml").read_text()
        line = 1 + [number for number, text in enumerate(text.splitlines()) if text.startswith("deliver")][0]
        (self.example / "wrong.toml").write_text(text.replace("max_keys = 10000", 'max_keys = "many"'))
        said = run("./kv_server", "-c", "wrong.toml", env=self.env, cwd=self.example, expect=2).stderr
        check(said.startswith(f"wrong.toml:{line}:12: ") and "max_keys" in said, said)

    def test_every_wrong_option_is_found_at_once(self):
        config = self.work / "wrong.toml"
        config.write_text('''[[device]]
name = "d"
traffic = true
[[service]]
name = "s"
bindings = ["udp/7"]
deliver = [{ handler = "reject", rate_pps = "x" },
           { handler = "echo", speed = 3 }, "ecko"]
''')
        for command in (["check", config], ["run", "-c", config]):
            said = run(self.prefix / "bin" / "portier", *command, env=self.env, expect=2).stderr.splitlines()
            places = [line.removeprefix(f"{config}:").split(": ")[0] for line in said]
            check(places == ["7:12", "8:12", "8:45"], f"{command[0]} says:\n" + "\n".join(said))

    def test_example_reloads_and_ends_by_signals(self):
        config = self.example / "reload.toml"
        sound = (self.example / "portier-kv.toml").read_text()
        config.write_text(sound)
        with open(self.work / "said", "w+") as said:
            with subprocess.Popen(["./kv_server", "-c", config.name, "-j"], env=self.env, cwd=self.example, text=True,
                                  stdout=subprocess.PIPE, stderr=said) as server:
                try:
                    def wait_for(words):
                        deadline = time.monotonic() + 20
                        while words not in pathlib.Path(said.name).read_text():
                            check(server.poll() is None and time.monotonic() < deadline, f"never said: {words}")
                            time.sleep(0.05)

                    wait_for("Ctrl-C ends it")
                    config.write_text(sound.replace("10000", '"many"'))
                    server.send_signal(signal.SIGHUP)
                    wait_for("SIGHUP: nothing has changed, see the faults above")
                    config.write_text(sound.replace("10000", "20000"))
                    server.send_signal(signal.SIGHUP)
                    wait_for("SIGHUP: reload.toml is in force, generation 2")
                    server.send_signal(signal.SIGTERM)
                    output = server.communicate(timeout=20)[0]
                finally:
                    server.kill()
        check(server.returncode == 0, f"exit code {server.returncode} after SIGTERM")
        ledger_of(output)


def main():
    missing = [program for program in ("meson", "make", "pkg-config", "ar") if not shutil.which(program)]
    if missing:
        print(f"1..0 # SKIP not installed: {', '.join(missing)}")
        return 0
    cases = [name for name in vars(Installed) if name.startswith("test_")]
    print(f"1..{len(cases)}", flush=True)
    with tempfile.TemporaryDirectory() as work:
        installed = Installed(pathlib.Path(work))
        for number, name in enumerate(cases, 1):
            title = name.removeprefix("test_").replace("_", " ")
            try:
                getattr(installed, name)()
            except (Failure, subprocess.TimeoutExpired) as failure:
                print(f"not ok {number} - {title}", flush=True)
                print(failure, file=sys.stderr, flush=True)
                print("Bail out! The cases behind it build on this one.", flush=True)
                return 1
            print(f"ok {number} - {title}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
