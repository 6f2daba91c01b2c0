#!/usr/bin/env bash
# Real clients on a virtual cable, portier behind net_af_packet: ping, echo, closed ports, and a ledger that adds up.
set -euo pipefail
exec "$PORTIER_SOURCE_DIR/scripts/veth-demo" --driver af_packet --portier "$PORTIER" --skip-if-impossible
