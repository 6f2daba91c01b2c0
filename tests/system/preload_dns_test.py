"""A stock DNS server (nsd) on a mailbox, unmodified: every query of dnsperf is answered, rightly, and not by the kernel.

Then it is told to read its zones again, killed under load, and started again; portier's account adds up.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time

from mailbox_cable import ROUTER4, ROUTER6, Cable, check, main, need, wait_until

RECORDS = 200
QUERIES = 20_000

CONFIG = """
server:
  server-count: {servers}
  reuseport: yes
  username: "nobody"
  zonesdir: "{work}"
  database: ""
  pidfile: "{state}/nsd.pid"
  xfrdfile: "{state}/xfrd.state"
  xfrdir: "{state}"
  zonelistfile: "{state}/zone.list"
  logfile: "{work}/nsd.log"
  chroot: ""
remote-control:
  control-enable: no
zone:
  name: example.test
  zonefile: example.zone
"""

ZONE = """$ORIGIN example.test.
$TTL 300
@ IN SOA ns hostmaster {serial} 3600 600 86400 300
@ IN NS ns
ns IN A 10.78.0.2
@ IN TXT "serial {serial}"
"""


def write_zone(cable, serial):
    text = ZONE.format(serial=serial)
    for number in range(RECORDS):
        text += f"host{number} IN A 192.0.2.{number}\nhost{number} IN AAAA 2001:db8::{number:x}\n"
    path = cable.work / "example.zone"
    path.write_text(text)
    os.utime(path, (serial * 1000, serial * 1000))  # nsd looks at whole seconds


def start(cable, servers):
    """nsd in the foreground; its children, which serve, connect to the mailbox."""
    state = cable.work / "state"  # it gives up root's rights, and allow_users lets it in
    state.mkdir(exist_ok=True)
    shutil.chown(state, "nobody")
    (cable.work / "nsd.conf").write_text(CONFIG.format(work=cable.work, state=state, servers=servers))
    before = come(cable)
    server = cable.serve("dns", ["nsd", "-d", "-c", cable.work / "nsd.conf"], "--ports", "53")
    wait_until("its children have come", lambda: is_alive(server) and come(cable) >= before + servers)
    cable.wait_for_charge("dns")
    return server


def is_alive(server):
    check(server.poll() is None, "nsd has ended")
    return True


def come(cable):
    return cable.said("portier").count("has come")


def dig(cable, name, kind, address, *options):
    return cable.in_client("dig", f"@{address}", "+short", *(options or ("+tries=1", "+time=10")), name, kind).strip()


def perf_command(cable, address, *options):
    queries = cable.work / "queries"
    queries.write_text("".join(f"host{i % RECORDS}.example.test {'A' if i % 3 else 'AAAA'}\n" for i in range(1000)))
    return ["dnsperf", "-s", address, "-d", queries, "-c", "4", "-q", "50", *options]


def ask_all(cable, address):
    said = cable.in_client(*perf_command(cable, address, "-n", str(QUERIES // 1000), "-t", "20"))

    def number(what):
        return int(re.search(rf"{what}:\s+(\d+)", said)[1])

    sent, done = number("Queries sent"), number("Queries completed")
    check((sent, done, number("Queries lost")) == (QUERIES, QUERIES, 0), said)
    check(f"NOERROR {QUERIES} (100.00%)" in said, said)
    return float(re.search(r"Queries per second:\s+([\d.]+)", said)[1])


def contents(cable, serial):
    for address in (ROUTER4, ROUTER6):
        check(dig(cable, "host7.example.test", "A", address) == "192.0.2.7", "a wrong address")
        check(dig(cable, "host7.example.test", "AAAA", address) == "2001:db8::7", "a wrong IPv6 address")
        check(dig(cable, "example.test", "TXT", address) == f'"serial {serial}"', "another zone than the latest")
    refused = cable.in_client("dig", f"@{ROUTER4}", "+tries=1", "+time=10", "other.test", "A")
    check("status: REFUSED" in refused, refused)


def killed_under_load(cable, server):
    """The whole family at once, while queries come; then another one is started."""
    load = subprocess.Popen(["ip", "netns", "exec", cable.client, *map(str, perf_command(cable, ROUTER4, "-l", "5", "-t", "1"))],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    cable.processes.append(load)
    time.sleep(0.5)
    os.killpg(server.pid, signal.SIGKILL)
    server.wait(40)
    wait_until("all of it is gone", lambda: ":0035 " not in cable.in_router("cat", "/proc/net/udp", "/proc/net/udp6"))
    server = start(cable, 1)
    said = load.communicate(timeout=60)[0]
    done, lost = (int(re.search(rf"Queries {what}:\s+(\d+)", said)[1]) for what in ("completed", "lost"))
    check(done > 0 and lost > 0, f"of the queries under load, {done} were answered and {lost} were not\n{said}")
    ask_all(cable, ROUTER4)
    return server


def test():
    need(nsd="nsd", dnsperf="dnsperf", dig="bind9-dnsutils")
    with Cable({"dns": ["udp/53"]}) as cable:
        write_zone(cable, 1)
        server = start(cable, 2)
        contents(cable, 1)
        rate = ask_all(cable, ROUTER4)
        ask_all(cable, ROUTER6)
        check(cable.kernel_udp() == (0, 0), f"the kernel has received and sent {cable.kernel_udp()}")

        write_zone(cable, 2)
        server.send_signal(signal.SIGHUP)  # new children come, and the old ones end
        wait_until("the old ones are gone", lambda: cable.said("portier").count("is gone") == 2)
        # Of queries that a child has taken and not answered before it ended, none comes back.
        wait_until("the zone is new", lambda: dig(cable, "example.test", "TXT", ROUTER4, "+tries=9", "+time=2") == '"serial 2"')
        contents(cable, 2)
        ask_all(cable, ROUTER4)

        server = killed_under_load(cable, server)
        contents(cable, 2)
        check(cable.end_server(server) == 0, "nsd did not end well")
        check(cable.kernel_udp() == (0, 0), f"the kernel has received and sent {cable.kernel_udp()}")
        ledger = cable.end()
        check(ledger["delivered"] >= 4 * QUERIES, f"delivered {ledger['delivered']}")
        check(ledger["replied"] >= 4 * QUERIES, f"answers {ledger['replied']}")
        check(set(ledger["dropped"]) <= {"no_ports", "no_target", "target_gone", "mailbox_full"}, str(ledger["dropped"]))
        return f"nsd answered {4 * QUERIES} queries by the mailbox, {rate:,.0f} a second, and came back after SIGKILL"


if __name__ == "__main__":
    sys.exit(main(test))
