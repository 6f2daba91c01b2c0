"""Installs the headers of lib/ that other programs may include: the roots below and all that they reach, so that none
can lack one that it includes. Refuses a public header that needs DPDK's: an application sees packets, never mbufs.

usage: public_headers.py            lists them, one "folder/file" a line
       public_headers.py FOLDER     copies them to FOLDER, below $MESON_INSTALL_DESTDIR_PREFIX (meson install does so)
"""

import os
import pathlib
import re
import shutil
import sys

ROOTS = [
    "control/run_loop.hpp",
    "control/target_check.hpp",
    "datapath/handler.hpp",
    "handlers/options.hpp",
    "handlers/registry.hpp",
    "packet/parse.hpp",
    "packet/reply.hpp",
    "table/token_bucket.hpp",
    "traffic/frame.hpp",
    "traffic/mix.hpp",
]


def public_headers(top):
    reached, waiting = set(), list(ROOTS)
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        text = (top / name).read_text()
        if rte := re.search(r"^\s*#\s*include\s*<(rte_[^>]+)>", text, re.M):
            sys.exit(f"lib/{name} is public, but includes <{rte[1]}>; move that include behind the interface")
        waiting += re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M)
    return sorted(reached)


def main():
    top = pathlib.Path(__file__).resolve().parent
    names = public_headers(top)
    if len(sys.argv) < 2:
        print("\n".join(names))
        return
    target = pathlib.Path(os.environ["MESON_INSTALL_DESTDIR_PREFIX"]) / sys.argv[1]
    for name in names:
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(top / name, place)
        place.chmod(0o644)
    if "MESON_INSTALL_QUIET" not in os.environ:
        print(f"Installing {len(names)} headers to {target}")


main()
