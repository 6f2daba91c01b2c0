"""scripts/floors against small trees: what it must let pass and what it must refuse, by file and line. Reports in TAP.

usage: floors_test.py PATH_OF_FLOORS
"""

import pathlib
import subprocess
import sys
import tempfile

# Name, file, its text, and what must be said of it (empty: nothing).
CASES = [
    ("own folder", "lib/packet/a.hpp", '#include "packet/bytes.hpp"\n', ""),
    ("downward", "lib/table/a.cpp", '#include "packet/bytes.hpp"\n', ""),
    ("upward", "lib/packet/a.hpp", '// x\n#include "table/binding.hpp"\n', "lib/packet/a.hpp:2: "),
    ("sideways", "lib/table/a.hpp", '#include "traffic/mix.hpp"\n', "lib/table/a.hpp:1: "),
    ("control reaches all but traffic", "lib/control/a.hpp", '#include "handlers/registry.hpp"\n', ""),
    ("control and traffic", "lib/control/a.hpp", '#include "traffic/mix.hpp"\n', "may include from: control, packet"),
    ("nic and a drop reason", "lib/nic/a.hpp", '#include "packet/reason.hpp"\n', ""),
    ("nic and facts", "lib/nic/a.hpp", '#include "packet/facts.hpp"\n', "lib/nic/a.hpp:1: "),
    ("apps reach everything", "apps/portier/main.cpp", '#include "control/a.hpp"\n#include "traffic/mix.hpp"\n', ""),
    ("DPDK where it belongs", "lib/nic/a.cpp", "#include <rte_ethdev.h>\n", ""),
    ("DPDK in packet", "lib/packet/a.hpp", "#include <rte_mbuf.h>\n", "packet includes <rte_mbuf.h>"),
    ("DPDK in control", "lib/control/a.cpp", "#  include <rte_eal.h>\n", "control includes <rte_eal.h>"),
    ("devices in table", "lib/table/a.cpp", "#include <rte_ethdev.h>\n", "no devices"),
    ("algorithms in table", "lib/table/a.cpp", "#include <rte_fib.h>\n", ""),
    ("threads in datapath", "lib/datapath/a.cpp", "#include <mutex>\n", "datapath includes <mutex>"),
    ("comments do not count", "lib/packet/a.hpp", '// #include "table/a.hpp"\n/*\n#include <thread>\n*/\n', ""),
    ("relative path", "lib/packet/a.hpp", '#include "../table/a.hpp"\n', "relative path"),
    ("no folder", "lib/packet/a.hpp", '#include "bytes.hpp"\n', "has no folder"),
    ("unknown folder", "lib/extra/a.hpp", "// x\n", "on no floor"),
]

print(f"1..{len(CASES)}")
failed = False
for number, (name, file, text, expected) in enumerate(CASES, 1):
    with tempfile.TemporaryDirectory() as root:
        path = pathlib.Path(root) / file
        path.parent.mkdir(parents=True)
        path.write_text(text)
        done = subprocess.run([sys.executable, sys.argv[1], root], capture_output=True, text=True, check=False)
    good = done.returncode == (1 if expected else 0) and expected in done.stdout and (expected or not done.stdout)
    failed |= not good
    print(f"{'ok' if good else 'not ok'} {number} - {name}")
    if not good:
        print(f"# said, with exit code {done.returncode}: {done.stdout}{done.stderr}".replace("\n", "\n# "))
sys.exit(1 if failed else 0)
