"""A virtual cable with a client's namespace at one end and, at the other, portier with a mailbox and a program behind it.

For system tests: `with Cable(services) as cable:`. What the machine cannot do ends the test with 77 and a sentence. The
kernel at portier's end has no address but 127.0.0.1: what is answered was answered by way of the mailbox.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PORTIER = os.environ["PORTIER"]
PRELOAD = os.environ["PORTIER_PRELOAD"]
ROUTER4, ROUTER6 = "10.78.0.2", "fd00:78::2"
CLIENT4, CLIENT6 = "10.78.0.1", "fd00:78::1"


class Failure(Exception):
    pass


def check(condition, sentence):
    if not condition:
        raise Failure(sentence)


def wait_until(what, condition, seconds=40):
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        check(time.monotonic() < deadline, f"waited {seconds} s in vain: {what}")
        time.sleep(0.02)
    return result


def skip(sentence):
    print(f"skipped: {sentence}")
    sys.exit(77)


def need(**packages):
    """Programs by Debian package: need(dnsperf="dnsperf")."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    missing = [package for program, package in packages.items() if not shutil.which(program)]
    if missing:
        skip(f"needs the Debian package(s) {' '.join(missing)}; scripts/setup --for test installs them")


class Cable:
    def __init__(self, services):
        """`services`: name -> bindings; each is delivered to the mailbox of its name."""
        if os.geteuid() != 0:
            skip("needs root to make network namespaces")
        need(ip="iproute2", ethtool="ethtool", ping="iputils-ping")
        self.services = services
        self.client, self.router = f"portier-pa-{os.getpid()}", f"portier-pb-{os.getpid()}"
        self.processes = []
        self.work = None
        self.portier = None

    def __enter__(self):
        try:
            # Programs give up root's rights, and must still find their files.
            self.work = pathlib.Path(tempfile.mkdtemp(prefix="portier-preload-"))
            self.work.chmod(0o755)
            self.socket = self.work / "mailbox.sock"
            self.make_cable()
            self.start_portier()
            return self
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise

    def __exit__(self, kind, fault, trace):
        if kind is not None and issubclass(kind, Failure):
            for name in ("portier.err", "server.err", "nsd.log"):
                path = self.work / name
                if path.exists():
                    print(f"--- {name}:\n{path.read_text()[-3000:]}", file=sys.stderr)
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # and its children
            process.wait()
        for name in (self.client, self.router):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)
        if self.work is not None:
            shutil.rmtree(self.work, ignore_errors=True)

    def make_cable(self):
        def ip(*arguments):
            done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
            if done.returncode != 0:
                skip(f"cannot make a virtual cable between network namespaces: {done.stderr.strip()}")

        ends = f"pa{os.getpid()}", f"pb{os.getpid()}"
        ip("netns", "add", self.client)
        ip("netns", "add", self.router)
        ip("link", "add", ends[1], "netns", self.router, "numtxqueues", "1", "numrxqueues", "1", "type", "veth",
           "peer", "name", ends[0], "netns", self.client, "numtxqueues", "1", "numrxqueues", "1")
        # The kernel must not speak for portier's end, and the client must finish its checksums itself.
        self.in_router("sh", "-c", f"echo 1 >/proc/sys/net/ipv6/conf/{ends[1]}/disable_ipv6")
        self.in_client("ethtool", "-K", ends[0], "tx", "off")
        for namespace, end in ((self.client, ends[0]), (self.router, ends[1])):
            ip("-n", namespace, "link", "set", "lo", "up")
            ip("-n", namespace, "link", "set", end, "up")
        ip("-n", self.client, "address", "add", f"{CLIENT4}/24", "dev", ends[0])
        ip("-n", self.client, "address", "add", f"{CLIENT6}/64", "dev", ends[0], "nodad")
        self.interface = ends[1]

    def start_portier(self):
        text = (f'[router]\nmailbox_socket = "{self.socket}"\n[[device]]\nname = "veth"\ninterface = "{self.interface}"\n'
                f'driver = "af_packet"\naddresses = ["{ROUTER4}/24", "{ROUTER6}/64"]\n')
        for name, bindings in self.services.items():
            text += (f'[[service]]\nname = "{name}"\nbindings = {json.dumps(bindings)}\n'
                     f'deliver = [{{ mailbox = "{name}", allow_users = ["nobody"] }}]\n')
        (self.work / "portier.toml").write_text(text)
        self.portier = self.start(self.router, [PORTIER, "run", "-c", self.work / "portier.toml", "--json"], "portier",
                                  XDG_RUNTIME_DIR=str(self.work))
        wait_until("portier answers a ping", lambda: self.is_up() and self.try_in_client(
            "ping", "-c", "1", "-W", "1", "-q", ROUTER4).returncode == 0)

    def is_up(self):
        check(self.portier.poll() is None, "portier has ended")
        return True

    def start(self, namespace, command, name, **environment):
        with open(self.work / f"{name}.out", "ab") as out, open(self.work / f"{name}.err", "ab") as err:
            process = subprocess.Popen(["ip", "netns", "exec", namespace, *map(str, command)], stdin=subprocess.DEVNULL,
                                       stdout=out, stderr=err, env={**os.environ, **environment}, start_new_session=True)
        self.processes.append(process)
        return process

    def serve(self, mailbox, command, *options):
        """The program under portier-preload, at portier's end."""
        return self.start(self.router, [PRELOAD, "--mailbox", mailbox, "--socket", self.socket, "--verbose", *options,
                                        "--", *command], "server")

    def end_server(self, process, with_signal=signal.SIGTERM):
        process.send_signal(with_signal)
        try:
            return process.wait(40)
        except subprocess.TimeoutExpired:
            raise Failure(f"the server does not end on signal {with_signal}") from None

    def in_client(self, *command, **options):
        return self.inside(self.client, command, **options)

    def in_router(self, *command, **options):
        return self.inside(self.router, command, **options)

    def try_in_client(self, *command):
        return subprocess.run(["ip", "netns", "exec", self.client, *map(str, command)], capture_output=True, text=True,
                              check=False, timeout=120)

    @staticmethod
    def inside(namespace, command, **options):
        done = subprocess.run(["ip", "netns", "exec", namespace, *map(str, command)], capture_output=True, text=True,
                              check=False, timeout=120, **options)
        check(done.returncode == 0, f"{command[0]}: exit code {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def said(self, name):
        return (self.work / f"{name}.err").read_text()

    def wait_for_charge(self, mailbox):
        """portier gives the mailbox its packets: it has come as often as it has gone."""
        def has_come():
            said = self.said("portier")
            return said.count(f"mailbox {mailbox} is in charge") >= said.count(f"mailbox {mailbox} is absent")

        wait_until(f"mailbox {mailbox} is in charge", has_come)

    def kernel_udp(self):
        """What the kernel at portier's end has received and sent as UDP."""
        lines = [line.split() for line in self.in_router("cat", "/proc/net/snmp").splitlines() if line.startswith("Udp:")]
        table = dict(zip(lines[0][1:], map(int, lines[1][1:])))
        return table["InDatagrams"] + table["NoPorts"] + table["InErrors"], table["OutDatagrams"]

    def end(self):
        """Ends portier; its account must add up with nothing under way and no buffer lost. Returns it."""
        self.portier.send_signal(signal.SIGINT)
        try:
            code = self.portier.wait(40)
        except subprocess.TimeoutExpired:
            raise Failure("portier does not end on SIGINT") from None
        check(code == 0, f"portier ended with exit code {code}")
        ledger = json.loads((self.work / "portier.out").read_text().strip().splitlines()[-1])["ledger"]
        accounted = ledger["delivered"] + sum(ledger["dropped"].values()) + ledger["in_flight"]
        check(ledger["received"] == accounted, f"received {ledger['received']}, accounted for {accounted}")
        check(ledger["in_flight"] == 0, f"{ledger['in_flight']} in flight at the end")
        return ledger


def main(test):
    try:
        said = test()
    except Failure as failure:
        print(failure, file=sys.stderr)
        return 1
    print(said)
    return 0
