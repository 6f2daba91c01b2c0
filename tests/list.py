"""Prints the names in a folder of tests that end in one of the given suffixes, sorted, one a line.

Meson calls it while it configures: a new test file is found at the next `meson setup --reconfigure`, which scripts/test
always does.
"""

import pathlib
import sys

folder = pathlib.Path(__file__).resolve().parent / sys.argv[1]
for path in sorted(folder.iterdir()) if folder.is_dir() else []:
    if path.name.endswith(tuple(sys.argv[2:])):
        print(path.name)
