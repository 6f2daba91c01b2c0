#!/usr/bin/env bash
# SIGINT and SIGTERM while a kernel client sends over veth: exit code 0, the ledger adds up, no packet buffer is lost.
set -euo pipefail
program=${PORTIER:?is the program to test}
((EUID == 0)) || { echo "skipped: needs root to make network namespaces"; exit 77; }
client=portier-signal-c-$$
router=portier-signal-r-$$
work=$(mktemp -d)
pids=()
cleanup() {
  local pid
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  ip netns delete "$client" 2>/dev/null || true
  ip netns delete "$router" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
ip netns add "$client"
ip netns add "$router"
ip link add sr netns "$router" type veth peer name sc netns "$client"
ip netns exec "$router" sysctl -qw net.ipv6.conf.sr.disable_ipv6=1
ip -n "$router" link set sr up
ip -n "$client" link set sc up
ip -n "$client" addr add 10.78.0.1/24 dev sc
ip netns exec "$client" ethtool -K sc tx off >/dev/null
cat >"$work/portier.toml" <<'TEXT'
[[device]]
name = "lan"
interface = "sr"
driver = "af_packet"
addresses = ["10.78.0.2/24"]
[[service]]
name = "echo"
bindings = ["udp/7"]
deliver = "echo"
TEXT
# At most 40,000 datagrams at about 10,000 a second, answers read as they come.
client_code='
import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("10.78.0.2", 7))
s.setblocking(False)
for i in range(40000):
    for call in (lambda: s.send(b"%d" % i), lambda: s.recv(100)):
        try: call()
        except OSError: pass
    if i % 10 == 0: time.sleep(0.001)
'
for round in 1 2 3; do
  for signal in INT TERM; do
    # The program itself becomes the background process, so the signal reaches it and nothing else.
    ip netns exec "$router" "$program" run -c "$work/portier.toml" --json >"$work/out" 2>"$work/err" &
    pid=$!
    ip netns exec "$client" python3 -c "$client_code" &
    pids=("$pid" "$!")
    sleep "2.$((RANDOM % 10))"
    kill "-$signal" "$pid"
    code=0
    wait "$pid" || code=$?
    kill -KILL "${pids[1]}" 2>/dev/null || true
    wait "${pids[1]}" 2>/dev/null || true
    pids=()
    python3 - "$work/out" "$code" "SIG$signal, round $round" <<'CHECK'
import json, sys
path, code, what = sys.argv[1:]
line = json.loads(open(path).read().splitlines()[-1])
ledger = line["ledger"]
dropped = sum(ledger["dropped"].values())
print(f"{what}: exit {code}, received {ledger['received']}, delivered {ledger['delivered']}, dropped {dropped}")
assert code == "0"
assert ledger["received"] > 500, "there was no load"
assert ledger["received"] == ledger["delivered"] + dropped and ledger["in_flight"] == 0
assert not {"ring_full", "shutdown"} & ledger["dropped"].keys(), ledger["dropped"]
assert line["mbufs"]["leaked"] == 0
CHECK
  done
done
