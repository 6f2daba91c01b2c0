"""Compiles sources without keeping anything, and reports in TAP.

usage: compile.py headers|must-fail FOLDER -- COMPILER ARGUMENTS...

headers:   every .hpp below FOLDER must compile alone, and when it is included twice.
must-fail: every .cpp in FOLDER must compile as it is, and must not with -DMUST_NOT_COMPILE; then the compiler's words
           must match the regular expression of its line `// expect: ...`.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys


def compile_source(command, source, *more):
    done = subprocess.run([*command, *more, "-fsyntax-only", "-w", "-x", "c++", "-"], input=source, text=True,
                          capture_output=True, env={**os.environ, "LC_ALL": "C", "CCACHE_DISABLE": "1"}, check=False)
    return done.returncode == 0, done.stderr


def fault_of_header(command, folder, path):
    name = path.relative_to(folder)
    compiles, said = compile_source(command, f'#include "{name}"\n#include "{name}"\n')
    return None if compiles else f"{name} does not compile alone:\n{said}"


def fault_of_case(command, path):
    source = path.read_text()
    expected = re.search(r"^// expect: (.+)$", source, re.M)
    if not expected or "MUST_NOT_COMPILE" not in source:
        return "needs a line '// expect: REGEX' and a part inside #ifdef MUST_NOT_COMPILE"
    compiles, said = compile_source(command, source)
    if not compiles:
        return f"does not compile even without MUST_NOT_COMPILE:\n{said}"
    compiles, said = compile_source(command, source, "-DMUST_NOT_COMPILE")
    if compiles:
        return "compiles, but must not"
    # g++ writes its quotation marks as ' in the C locale.
    return None if re.search(expected[1], said) else f"fails for another reason than '{expected[1]}':\n{said}"


def main():
    mode, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    command = sys.argv[sys.argv.index("--") + 1:]
    if mode == "headers":
        paths = sorted(folder.rglob("*.hpp"))
        check = lambda path: fault_of_header(command, folder, path)
    else:
        paths = sorted(folder.glob("*.cpp"))
        check = lambda path: fault_of_case(command, path)
    print(f"1..{len(paths)}" if paths else "1..0 # SKIP nothing to compile", flush=True)
    failed = False
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, (path, fault) in enumerate(zip(paths, pool.map(check, paths)), 1):
            failed |= fault is not None
            print(f"{'not ok' if fault else 'ok'} {number} - {path.relative_to(folder)}", flush=True)
            for line in (fault or "").splitlines()[:20]:
                print(f"# {line}", flush=True)
                print(line, file=sys.stderr)  # meson shows this, and no comments
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
